-- What to try next: commands that can be typed as they stand, each with what it is for.

local files = require "host.files"
local hints = require "host.hints"
local text = require "host.text"

local steps = {}

-- Where the shell finds a program; nil where it does not.
local function in_path(name)
  for folder in (os.getenv "PATH" or ""):gmatch "[^:]+" do
    local found = files.real_path(folder .. "/" .. name)
    if found then return found end
  end
end

-- This program as it can be typed: by its name, or by its path where the shell would not find it;
-- from the root when the first step leaves this folder.
local function program(is_leaving)
  local own = files.real_path "/proc/self/exe"
  if not own or in_path "etlhost" == own then return "etlhost" end
  return hints.shell_word(is_leaving and own or hints.short_path(own))
end

-- list: { command, what for }. Prints nothing for an empty one.
function steps.print(out, list)
  if #list == 0 then return end
  out:print(out:style("bold", "next:"))
  local name = program(list[1][1]:match "^cd " ~= nil)
  local width, lines = 0, {}
  for i, step in ipairs(list) do
    local tool = step[1]:match "^[%w_]+"
    local is_missing = (tool == "sqlite3" or tool == "psql") and not in_path(tool)
    lines[i] = {
      (step[1]:gsub("^etlhost%f[%s]", (name:gsub("%%", "%%%%")))),
      step[2] .. (is_missing and (" (needs %s)"):format(tool) or ""),
    }
    width = math.max(width, #lines[i][1])
  end
  for _, line in ipairs(lines) do
    local command = line[2] ~= "" and text.pad(line[1], math.min(width, 76)) .. "  " or line[1]
    out:print("  " .. command .. out:style("dim", line[2]))
  end
end

return steps
