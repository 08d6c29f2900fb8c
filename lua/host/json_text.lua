-- JSON that people can read: the keys in order, lists of words on one line.

local doc = require "host.doc"

local json_text = {}

local function is_list(value)
  return getmetatable(value) ~= nil or value[1] ~= nil
end

local function is_short(value)
  if type(value) ~= "table" or value == doc.null then return true end
  local count = 0
  for _, one in pairs(value) do
    if type(one) == "table" and one ~= doc.null then return false end
    count = count + 1
  end
  return is_list(value) and count <= 12 or count <= 2
end

function json_text.of(value, indent)
  indent = indent or ""
  if is_short(value) then return doc.to_json(value) end
  local inner, parts = indent .. "  ", {}
  if is_list(value) then
    for i, one in ipairs(value) do parts[i] = inner .. json_text.of(one, inner) end
    return "[\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "]"
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do
    parts[i] = inner .. doc.to_json(key) .. ": " .. json_text.of(value[key], inner)
  end
  return "{\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "}"
end

return json_text
