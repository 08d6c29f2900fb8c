-- A small CSV file of a project's own, as a list of rows; the data goes another way, in C.

local csv = {}

-- Fields parted by commas, quoted ones with "" for a quote. nil and the line when a quote is open.
function csv.parse(text)
  local rows, row, at, line = {}, {}, 1, 1
  text = text:gsub("^\239\187\191", ""):gsub("\r\n", "\n")
  if text:sub(-1) ~= "\n" then text = text .. "\n" end
  while at <= #text do
    local field, after
    if text:sub(at, at) == '"' then
      local close = at
      repeat
        close = text:find('"', close + 1, true)
        if not close then return nil, line end
        local doubled = text:sub(close + 1, close + 1) == '"'
        if doubled then close = close + 1 end
      until not doubled
      field, after = text:sub(at + 1, close - 1):gsub('""', '"'), close + 1
      if not text:find("^[,\n]", after) then return nil, line end
    else
      after = text:find("[,\n]", at)
      field = text:sub(at, after - 1)
    end
    row[#row + 1] = field
    if text:sub(after, after) == "\n" then
      if #row > 1 or row[1] ~= "" then rows[#rows + 1] = row end
      row = {}
    end
    line = line + select(2, text:sub(at, after):gsub("\n", ""))
    at = after + 1
  end
  return rows
end

return csv
