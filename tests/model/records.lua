-- tests/model/records.lua: random records, and files of them.
local records = {}

local function value() return math.random(5) > 1 and "a" .. math.random(4) or nil end

-- The first file has numbers only, so that they are what the column is made for.
local function number(first)
  local what = math.random(6)
  if first or what > 3 then return math.random(9) end
  return what > 1 and "b" .. what or nil
end

-- A list of letters, which is rows of a child table.
local function letters()
  if math.random(6) == 1 then return nil end
  local list = {}
  for i = 1, math.random(0, 3) do list[i] = "c" .. math.random(4) end
  return list
end

local function cursor(kind)
  if kind.cursor == "date" then return ("2026-01-%02d"):format(math.random(28)) end
  return math.random(6) > 1 and math.random(20) or nil
end

local function in_order(a, b)
  if a.at == b.at then return a.place < b.place end
  if a.at == nil or b.at == nil then return a.at == nil end
  return a.at < b.at
end

-- A record has its place, its fields, and `has`: the fields that are written, null or not.
function records.random(kind, fields, first)
  local list, ids = {}, { 1, 2, 3, 4, 5, 6, 7 }
  for at = 1, math.random(kind.unique and 7 or 12) do
    local r = { place = at, id = math.random(7), has = { id = true } }
    if kind.unique then r.id = table.remove(ids, math.random(#ids)) end
    if kind.declaration:find "key" and at > 1 and math.random(15) == 1 then r.id = nil end
    if kind.cursor then r.at, r.has.at = cursor(kind), true end
    if kind.deletes then r.gone, r.has.gone = math.random(4) == 1, true end
    for _, field in ipairs(fields) do
      r[field] = field == "n" and number(first) or field ~= "n" and value() or nil
      r.has[field] = true
    end
    if kind.nested then r.l, r.has.l = letters(), true end
    list[at] = r
  end
  if kind.ordered then table.sort(list, in_order) end
  return list
end

function records.csv(list, columns)
  local lines = { table.concat(columns, ",") }
  for _, r in ipairs(list) do
    local cells = {}
    for i, column in ipairs(columns) do
      cells[i] = r[column] == nil and "" or tostring(r[column])
    end
    lines[#lines + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Each record lacks some of the fields.
function records.json(list, columns, first)
  local lines = {}
  for _, r in ipairs(list) do
    local parts = {}
    for _, column in ipairs(columns) do
      if #column == 1 and not (first and column == "n") and math.random(3) == 1 then
        r[column], r.has[column] = nil, nil
      else
        local v = r[column]
        local text = v == nil and "null" or type(v) == "string" and '"' .. v .. '"' or tostring(v)
        if type(v) == "table" then
          text = #v > 0 and '["' .. table.concat(v, '","') .. '"]' or "[]"
        end
        parts[#parts + 1] = ('"%s":%s'):format(column, text)
      end
    end
    lines[#lines + 1] = "{" .. table.concat(parts, ",") .. "}"
  end
  return table.concat(lines, "\n") .. "\n"
end

return records
