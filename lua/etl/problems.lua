-- etl.problems: what is wrong with a script or its settings, collected, so that one look shows all
-- of it; and how a wrong name is answered.
local core = ...

local problems = {}
problems.__index = problems
problems.__metatable = false

function problems.new() return setmetatable({ list = core.list {} }, problems) end

-- place may be nil: then nobody knows where.
function problems:add(place, format, ...)
  if #self.list >= 200 then return end
  local message = select("#", ...) > 0 and format:format(...) or format
  self.list[#self.list + 1] = { message = message:sub(1, 1000), place = place }
end

-- An error value as message and place ("file:line", or nil).
function problems.split(value)
  if type(value) == "table" then return tostring(value.message), value.place end
  local text = tostring(value)
  local place, message = text:match "^([^\n]-:%d+): (.*)$"
  return message or text, place
end

-- The keys of a map, sorted: what is said comes in the same order every time.
function problems.sorted(map)
  local names, is_plain = {}, true
  for name in pairs(map) do
    names[#names + 1] = name
    is_plain = is_plain and type(name) == "string"
  end
  if is_plain then
    table.sort(names) -- without a call of Lua for each comparison
  else
    table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  end
  return names
end

-- How many letters have to change (Levenshtein), by rows of the table.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local best = math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
      diagonal, row[j] = row[j], best
    end
  end
  return row[#b]
end

-- The name in `names` (a list, or the keys of a map) that was probably meant, or nil.
function problems.nearest(word, names)
  word = tostring(word):lower()
  if #word > 64 then return nil end
  local best, best_distance = nil, (#word < 4 and 1 or math.max(2, #word // 3)) + 1
  local sorted = {}
  for key, value in pairs(names) do
    sorted[#sorted + 1] = type(key) == "string" and key or value
  end
  table.sort(sorted)
  for _, name in ipairs(sorted) do
    local d = distance(word, name:lower())
    if d < best_distance then best, best_distance = name, d end
  end
  return best
end

-- " (did you mean ...?)", or the list of what there is when that is short.
function problems.suggest(word, names)
  local nearest = problems.nearest(word, names)
  if nearest then return ("; did you mean \"%s\"?"):format(nearest) end
  local sorted = {}
  for key, value in pairs(names) do
    sorted[#sorted + 1] = type(key) == "string" and key or value
  end
  if #sorted == 0 or #sorted > 12 then return "" end
  table.sort(sorted)
  return "; there is " .. table.concat(sorted, ", ")
end

return problems
