-- etl.conditions: the values that `keep` and `discard` compare with, and constants.
local core = ...
local fields = require "etl.fields"
local problems = require "etl.problems"

local conditions = {}

local function is_scalar(value)
  return type(value) == "string" or type(value) == "number" or type(value) == "boolean"
    or value == core.null
end

local function is_scalar_list(value)
  if not fields.is_list(value) or #value == 0 then return false end
  for _, item in ipairs(value) do
    if not is_scalar(item) then return false end
  end
  return true
end

function conditions.constants(value, report)
  for _, name in ipairs(problems.sorted(value or {})) do
    if not is_scalar(value[name]) then
      report(("constants.%s must be a text, a number, true, false or null"):format(name))
    end
  end
  return value
end

local comparisons = { lt = true, le = true, gt = true, ge = true, ne = true, ["in"] = true }
local comparison_words = {
  ["<"] = "lt", ["<="] = "le", [">"] = "gt", [">="] = "ge", ["~="] = "ne", ["!="] = "ne",
  lte = "le", gte = "ge", min = "ge", max = "le", eq = "the value itself, or a list of values",
}

-- { ge = 10, lt = 20 }: only numbers and ISO dates and times have an order.
local function comparison(place, value, report)
  for _, word in ipairs(problems.sorted(value)) do
    local operand, at = value[word], ("%s.%s"):format(place, word)
    if not comparisons[word] then
      local ours = comparison_words[word]
      report(("%s: there is no comparison \"%s\"%s"):format(place, word,
        ours and "; write " .. ours or problems.suggest(word, comparisons)))
    elseif word == "in" then
      if not is_scalar_list(operand) then report(at .. " must be a list of values") end
    elseif not is_scalar(operand) then
      report(at .. " must be a single value; a list of values goes with `in`")
    elseif word ~= "ne" and type(operand) ~= "number"
      and not (type(operand) == "string" and operand:match "^[-%d]") then
      report(at .. " must be a number, or a date or time such as 2026-03-01")
    end
  end
end

-- column -> a value, a list of values, or comparisons.
function conditions.check(option, value, report)
  for _, name in ipairs(problems.sorted(value or {})) do
    local one, place = value[name], ("%s.%s"):format(option, name)
    if fields.is_map(one) and next(one) ~= nil then
      comparison(place, one, report)
    elseif not is_scalar(one) and not is_scalar_list(one) then
      report(place .. " must be a text, a number, true, false or null, a list of them, or "
        .. "comparisons such as { ge = 10, lt = 20 }")
    end
  end
  return value
end

return conditions
