-- etl.contract: what may happen when data and table disagree, as resources and sources declare it:
--
--   contract = "freeze"                            -- one word for all
--   contract = { tables = "freeze", columns = "evolve", types = "discard_row",
--     column = { amount = "freeze" },              -- one column, whatever it is
--     type = { json = "discard_value" } }          -- values of a type that do not fit their column
local core = ...
local fields = require "etl.fields"

local contract = {}

local one = {
  type = "string", optional = true,
  one_of = { "evolve", "freeze", "discard_row", "discard_value" },
}

contract.words = one.one_of

local declarations = { tables = one, columns = one, types = one, column = "map?", type = "map?" }

local words = {
  data_type = "the word here is `types`, and for one type `type = { json = ... }`",
  table = "the word here is `tables`",
}

-- One word stands for all three.
function contract.expand(value)
  if type(value) ~= "string" then return value end
  return { tables = value, columns = value, types = value }
end

local function check_words(name, map, known, report)
  if map == nil then return nil end
  local each = {}
  for key in pairs(known or map) do each[key] = one end
  return fields.check(each, map, function(message)
    report(("contract: %s: %s"):format(name, message))
  end)
end

-- types: the names of types, as keys.
function contract.check(value, types, report)
  if value == nil or value == core.null then return nil end
  local clean = fields.check(declarations, contract.expand(value),
    function(message) report("contract: " .. message) end, words)
  clean.column = check_words("column", clean.column, nil, report)
  clean.type = check_words("type", clean.type, types, report)
  return clean
end

return contract
