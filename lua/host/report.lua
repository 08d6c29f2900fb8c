-- An error as a person reads it: class, message, the line it is about with a caret, how we got
-- there, and what to do next.

local places = require "host.places"
local text = require "host.text"

local report = {}

-- What a class means, where its name alone would not say.
local titles = {
  transient = "passing trouble",
  throttled = "asked to wait",
  auth = "sign-in refused",
  denied = "not allowed",
  not_found = "not found",
  config = "configuration",
  script = "script",
  limit = "limit reached",
  remote = "unexpected answer",
  data = "data",
  destination = "destination",
  cancelled = "stopped",
  bug = "bug in etlhost",
}

function report.title(class)
  return titles[class] or class
end

-- How much to underline: what the error says, or the word or quoted text at the column.
local function caret_width(line, column, width)
  if width and width > 0 then return width end
  local rest = line:sub(utf8.offset(line, column) or #line + 1)
  local word = rest:match '^"[^"]*"' or rest:match "^'[^']*'" or rest:match "^[%w_./-]+"
  return word and text.width(word) or 1
end

local function quote(out, known, e)
  local name, line_number, column = places.split(e.place)
  local line = known and known:line(name, line_number)
  if not line then return {} end
  local number = tostring(line_number)
  local gutter = out:style("dim", (" "):rep(#number) .. " | ")
  -- Tabs would move the caret away from what it points at.
  local shown = text.safe((line:gsub("\t", " ")))
  local lines = { out:style("dim", number .. " | ") .. text.cut(shown, 160) }
  if not column then
    column = text.width(line:match "^%s*") + 1
    e = { width = math.max(1, text.width((line:gsub("^%s+", ""):gsub("%s+$", "")))) }
  end
  if column <= 150 then
    local carets = ("^"):rep(math.min(caret_width(line, column, e.width), 160 - column))
    lines[2] = gutter .. (" "):rep(column - 1) .. out:style("red", carets)
  end
  return lines
end

-- To be stopped is no failure.
local function stopped_lines(out, e)
  local lines = { out:style("yellow", "stopped") }
  if e.message ~= "stopped" then lines[1] = lines[1] .. ": " .. text.safe(e.message) end
  local hint = e.hint or "what was committed stays; the same command goes on from there"
  lines[2] = "  " .. text.safe(hint)
  return lines
end

-- What a row function raised is one text: place, message, and the trace on lines of its own.
local function unpack_trace(e)
  local head, trace = e.message:match "^(.-)\nstack traceback:\n(.*)$"
  if not head then return e, {} end
  local place, message = head:match "^([^%s:]+:%d+): (.*)$"
  local lines = {}
  for line in trace:gmatch "[^\n]+" do
    if not line:find("[C]: in ?", 1, true) then lines[#lines + 1] = line:gsub("^%s+", "") end
  end
  return setmetatable({ message = message or head, place = e.place or place },
    { __index = e }), lines
end

-- The error as a list of lines. known: the places whose text may be quoted; may be nil.
function report.lines(out, e, known)
  if e.class == "cancelled" then return stopped_lines(out, e) end
  local trace
  e, trace = unpack_trace(e)
  local title = e.is_usage and "command line" or report.title(e.class)
  local head = out:style("red", out:style("bold", "error")) .. ": " .. text.safe(e.message)
  local lines = { head .. out:style("dim", "  [" .. title .. "]") }
  local function add(label, value)
    if value and value ~= "" then
      lines[#lines + 1] = "  " .. out:style("dim", label) .. " " .. text.safe(value)
    end
  end
  if e.place then
    add("at", e.place)
    for _, line in ipairs(quote(out, known, e)) do lines[#lines + 1] = "    " .. line end
  end
  for _, line in ipairs(trace) do add("in", line) end
  if e.expected then add("expected", e.expected) end
  -- A script's trail is a stack of lines; the others are one.
  add("while", e.trail and e.trail:gsub("^while ", "") or nil)
  if e.sqlstate then add("SQLSTATE", e.sqlstate) end
  if e.hint and e.hint ~= "" then
    lines[#lines + 1] = "  " .. out:style("green", "hint:") .. " " .. text.safe(e.hint)
  end
  return lines
end

function report.print(out, e, known)
  for _, line in ipairs(report.lines(out, e, known)) do out:print(line) end
end

return report
