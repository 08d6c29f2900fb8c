-- The shapes of host.schema as JSON Schema.

local doc = require "host.doc"

local json_shape = {}

local classes = { w = "A-Za-z0-9", a = "A-Za-z", d = "0-9", l = "a-z" }

-- A Lua pattern of settings.lua as a regular expression.
function json_shape.regex(pattern)
  local inside = false
  return (pattern:gsub("(%%?)(.)", function(mark, c)
    if mark == "%" and classes[c] then return inside and classes[c] or "[" .. classes[c] .. "]" end
    if mark == "%" then return "\\" .. c end
    if c == "[" then inside = true elseif c == "]" then inside = false end
    return c
  end))
end

local number = "^[0-9]+(\\.[0-9]+)?\\s*"
local scalars = {
  -- Every word of YAML that etlhost takes as text, whatever YAML takes it for.
  text = { type = { "string", "number", "boolean" } },
  integer = { type = "integer" },
  number = { type = "number" },
  bytes = { type = "string", pattern = number .. "(B|KB|MB|GB|KiB|MiB|GiB)$" },
  duration = { type = "string", pattern = number .. "(ms|s|m|h|d)$" },
}

local secret = { ["$ref"] = "#/definitions/secret" }

-- What the schemas below refer to.
json_shape.definitions = {
  secret = {
    type = "object", additionalProperties = false, minProperties = 1, maxProperties = 1,
    properties = {
      env = { type = "string" }, file = { type = "string" },
      cmd = { anyOf = doc.list {
        { type = "string" },
        { type = "array", items = { type = doc.list { "string", "number", "boolean" } },
          minItems = 1 },
      } },
    },
    description = "a secret's name: { env: NAME }, { file: path } or { cmd: [program, ...] }",
  },
}

local function copy(map)
  local result = {}
  for key, value in pairs(map) do result[key] = value end
  return result
end

function json_shape.choices(list)
  local values = doc.list {}
  for _, word in ipairs(list) do
    values[#values + 1] = word
    local whole = math.tointeger(tonumber(word))
    if whole then values[#values + 1] = whole end
  end
  return values
end

local of

local function of_scalar(shape)
  if shape.type == "boolean" then return { type = "boolean" } end
  if shape.one_of then return { enum = json_shape.choices(shape.one_of) } end
  local result = copy(scalars[shape.type])
  if type(result.type) == "table" then result.type = doc.list(copy(result.type)) end
  result.minimum = shape.type ~= "bytes" and shape.type ~= "duration" and shape.min or nil
  result.maximum = shape.type ~= "bytes" and shape.type ~= "duration" and shape.max or nil
  if shape.pattern then result.pattern = json_shape.regex(shape.pattern) end
  return result
end

function json_shape.map(shape)
  local result = { type = "object", properties = {}, additionalProperties = false }
  local required = doc.list {}
  for name, field in pairs(shape.fields or {}) do
    result.properties[name] = of(field)
    if field.required then required[#required + 1] = name end
  end
  table.sort(required)
  if #required > 0 then result.required = required end
  if shape.each then result.additionalProperties = of(shape.each) end
  if shape.key_pattern then
    result.propertyNames = { pattern = json_shape.regex(shape.key_pattern) }
  end
  return result
end

function json_shape.any_of(...)
  return { anyOf = doc.list { ... } }
end

-- Nothing behind a key is as good as no key.
local function or_nothing(schema)
  if schema.type and type(schema.type) == "string" then
    schema.type = doc.list { schema.type, "null" }
  elseif schema.type then
    schema.type[#schema.type + 1] = "null"
  elseif schema.enum then
    schema.enum[#schema.enum + 1] = doc.null
  end
  return schema
end

function of(shape)
  local result
  if shape.type == "map" then
    result = json_shape.map(shape)
    if shape.short then result = json_shape.any_of(of(shape.fields[shape.short]), result) end
  elseif shape.type == "list" then
    result = { type = "array", items = of(shape.each) }
  elseif shape.type == "any" then
    return {}
  else
    result = of_scalar(shape)
    if not shape.required then result = or_nothing(result) end
  end
  if shape.secret then result = json_shape.any_of(secret, result) end
  result.description = shape.help or shape.expected
  local default = shape.default
  if default == nil and type(shape.shows) ~= "function" then default = shape.shows end
  result.default = default
  return result
end

json_shape.secret = secret

return json_shape
