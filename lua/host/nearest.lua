-- The nearest known name, for "did you mean". Distance counts insertions, deletions, replacements
-- and swaps of neighbours (Damerau-Levenshtein, optimal string alignment).

local nearest = {}

local function distance(a, b)
  local before, previous = nil, {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + cost)
      if before and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, previous = previous, row
  end
  return previous[#b]
end

local function fold(text)
  return (text:lower():gsub("[-_. ]", ""))
end

-- The one of `names` (a list) that `word` was probably meant to be, or nil.
function nearest.of(word, names)
  if #word > 64 then return nil end
  local best, best_distance
  local limit = math.max(1, #word // 3)
  for _, name in ipairs(names) do
    local d = fold(word) == fold(name) and 0 or distance(word:lower(), name:lower())
    if d <= limit and (not best_distance or d < best_distance) then
      best, best_distance = name, d
    end
  end
  return best
end

-- The keys of a table, sorted: the usual list of names.
function nearest.keys(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

return nearest
