-- Our words for those of other tools: lua/etl/words.lua, as the host reads it.

local embedded = require "host.embedded"

local chunk = assert(load(embedded.read "lua/etl/words.lua", "@lua/etl/words.lua", "t"))

return chunk()
