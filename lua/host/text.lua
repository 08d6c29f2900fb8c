-- Numbers, sizes, times and tables as people read them.

local text = {}

-- Columns that a string takes on a terminal; a byte that is no UTF-8 counts as one.
function text.width(s)
  return utf8.len(s) or #s
end

function text.pad(s, width, right)
  local blank = (" "):rep(math.max(0, width - text.width(s)))
  return right and blank .. s or s .. blank
end

-- At most `width` columns, with an ellipsis in the middle where it was cut.
function text.cut(s, width)
  local length = utf8.len(s)
  if not length or length <= width then return s end
  if width < 2 then return "…" end
  local head = (width - 1) // 2
  local tail = width - 1 - head
  return s:sub(1, utf8.offset(s, head + 1) - 1) .. "…" .. s:sub(utf8.offset(s, -tail))
end

-- 1234567 -> "1,234,567"
function text.count(n)
  local s = string.format("%.0f", n or 0)
  local head, rest = s:match("^(%-?%d%d?%d?)(.*)$")
  while #rest % 3 ~= 0 do
    head, rest = s:sub(1, #head - 1), s:sub(#head)
  end
  return head .. rest:gsub("(%d%d%d)", ",%1")
end

-- A number that is whole, as digits only.
function text.whole(n)
  return string.format("%.0f", n or 0)
end

function text.plural(n, one, many)
  return text.count(n) .. " " .. (n == 1 and one or many or one .. "s")
end

function text.bytes(n)
  local units = { "B", "KB", "MB", "GB", "TB" }
  local i = 1
  while n >= 999.5 and i < #units do
    n, i = n / 1000, i + 1
  end
  if i == 1 then return string.format("%d B", n) end
  return string.format(n < 9.95 and "%.1f %s" or "%.0f %s", n, units[i])
end

function text.seconds(s)
  if s < 9.95 then return string.format("%.1f s", s) end
  if s < 90 then return string.format("%.0f s", s) end
  s = math.tointeger(s // 1)
  local minutes = s // 60
  if minutes < 60 then return string.format("%d min %02d s", minutes, s % 60) end
  return string.format("%d h %02d min", minutes // 60, minutes % 60)
end

-- How old something is, in one unit: "40 s", "12 min", "26 h", "5 days".
function text.age(s)
  s = math.tointeger(s // 1)
  if s < 120 then return s .. " s" end
  if s < 7200 then return s // 60 .. " min" end
  if s < 3 * 86400 then return s // 3600 .. " h" end
  return s // 86400 .. " days"
end

function text.rate(rows, seconds)
  if not seconds or seconds <= 0 or rows <= 0 then return "" end
  return text.count(rows / seconds // 1)
end

-- Microseconds since the epoch, in the local time zone.
function text.time(at_us)
  return os.date("%Y-%m-%d %H:%M:%S", at_us // 1000000)
end

function text.first_line(s)
  return s:match "^[^\r\n]*"
end

-- Rows of cells as aligned lines. columns: list of { title, right = boolean }. style, when given,
-- is called (cell, row index or 0 for the titles, column index) and gives the cell with colours.
function text.table(columns, rows, style)
  local widths = {}
  for c, column in ipairs(columns) do widths[c] = text.width(column[1]) end
  for _, row in ipairs(rows) do
    for c = 1, #columns do widths[c] = math.max(widths[c], text.width(row[c] or "")) end
  end
  local function line(cells, index)
    local parts = {}
    for c, column in ipairs(columns) do
      local cell = text.pad(cells[c] or "", widths[c], column.right)
      if c == #columns and not column.right then cell = cells[c] or "" end
      parts[c] = style and style(cell, index, c) or cell
    end
    return (table.concat(parts, "  "):gsub("%s+$", ""))
  end
  local titles = {}
  for c, column in ipairs(columns) do titles[c] = column[1] end
  local lines = { line(titles, 0) }
  for i, row in ipairs(rows) do lines[#lines + 1] = line(row, i) end
  return lines
end

-- Control bytes made visible, so that what a file or a server said cannot move the cursor.
function text.safe(s)
  return (s:gsub("[%c\127]", function(c)
    if c == "\n" or c == "\t" then return c end
    return string.format("\\x%02x", c:byte())
  end))
end

-- The error of a request in the few columns of a list: what came of it before what was asked for.
-- "GET https://a/b: 401 Unauthorized (1 attempt, ...)" -> "401 Unauthorized: GET https://a/b"
function text.brief(message)
  local line = text.first_line(message)
  local request, outcome = line:match "(%u+ https?://%S+): (.-) %(%d+ attempts?, "
  if not request then return line end
  local before = line:sub(1, line:find(request, 1, true) - 1) -- its class, where it is told
  return before .. outcome .. ": " .. request
end

-- Paragraphs broken at `width`, each line after the first indented.
function text.wrap(s, width, indent)
  local lines, line = {}, ""
  for word in s:gmatch("%S+") do
    if line ~= "" and text.width(line) + 1 + text.width(word) > width then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n" .. (indent or ""))
end

return text
