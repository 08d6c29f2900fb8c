-- What became of rows that were not just added, in words.
local text = require "host.text"

local effects = {}

-- In the order in which they are said: the field of stream_done, and its words.
effects.words = {
  { "rows_inserted", "new" },
  { "rows_updated", "changed" },
  { "rows_unchanged", "as they were" },
  { "rows_repeated", "repeated by a newer one" },
  { "rows_stale", "stale (older than what is there)" },
  { "rows_deleted", "deleted" },
}

-- "3 new, 1 changed", or nil where nothing is to be said.
function effects.say(stream)
  local parts = {}
  for _, word in ipairs(effects.words) do
    local rows = stream[word[1]] or 0
    if rows > 0 then parts[#parts + 1] = text.count(rows) .. " " .. word[2] end
  end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

return effects
