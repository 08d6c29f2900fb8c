-- JSON Schemas of the YAML files, for editors and validators: the shapes of host.settings, and
-- what the sources understand (host.describing). What `check` finds by looking elsewhere, such as
-- whether a connection or a folder is there, a schema cannot know.

local doc = require "host.doc"
local json_shape = require "host.json_shape"
local json_text = require "host.json_text"
local settings = require "host.settings"

local json_schema = {}

local DIALECT = "http://json-schema.org/draft-07/schema#"

-- ---- what sources understand --------------------------------------------------------------------

local function text() return { type = doc.list { "string", "number", "boolean" } } end

local column = function(values)
  local kinds = { enum = doc.list(values) }
  return json_shape.any_of(kinds, {
    type = "object", required = doc.list { "type" }, additionalProperties = true,
    properties = { type = kinds, zone = { type = "string" },
      epoch = { enum = doc.list { "s", "ms" } } },
  })
end

local fields = {
  string = function() return json_shape.any_of(json_shape.secret, text()) end,
  url = function()
    return json_shape.any_of(json_shape.secret,
      { type = "string", pattern = "^[A-Za-z][A-Za-z0-9+.-]*:." })
  end,
  duration = function() return { type = "string", pattern = "^[0-9]+[smhdw]$" } end,
  instant = function() return text() end,
  integer = function() return { type = "integer" } end,
  number = function() return { type = "number" } end,
  boolean = function() return { type = "boolean" } end,
  secret = function() return json_shape.secret end,
  list = function() return { type = "array" } end,
  map = function(field)
    local result = { type = "object" }
    if field.values then result.additionalProperties = column(field.values) end
    return result
  end,
  ["string or list"] = function()
    return json_shape.any_of(text(), { type = "array", items = text() })
  end,
  ["string or map"] = function(field)
    if not field.values then return json_shape.any_of(text(), { type = "object" }) end
    local word = { enum = doc.list(field.values) }
    local by_name = { type = "object", additionalProperties = word }
    return json_shape.any_of(word,
      { type = "object", additionalProperties = json_shape.any_of(word, by_name) })
  end,
  ["number or map"] = function()
    return json_shape.any_of({ type = "number" }, { type = "object" })
  end,
  resources = function()
    local options = { ["$ref"] = "#/definitions/OPTIONS" }
    return json_shape.any_of(
      { type = "object", additionalProperties = json_shape.any_of(options, { type = "null" }) },
      { type = "array", items = json_shape.any_of(text(), options) })
  end,
  any = function() return {} end,
}

local function of_field(field)
  local result
  if field.one_of then
    result = { enum = json_shape.choices(field.one_of) }
  else
    result = fields[field.type](field)
  end
  if result ~= json_shape.secret then
    result.description, result.default = field.help, field.default
  end
  return result
end

-- Settings, or options: { properties, required }. What is a function cannot stand in YAML.
local function of_fields(declared)
  local properties, required = {}, doc.list {}
  for name, field in pairs(declared) do
    if fields[field.type] then
      properties[name] = of_field(field)
      if not field.optional then required[#required + 1] = name end
    end
  end
  table.sort(required)
  return properties, required
end

-- The definitions of one source: its entry whole, its entry over a template's, and its resources'
-- options.
local function add_source(definitions, name, described)
  local host = json_shape.map({ fields = settings.source_fields }).properties
  local properties, required = of_fields(described.config)
  for key, schema in pairs(host) do properties[key] = schema end
  local function entry(is_whole)
    return {
      type = doc.list { "object", "null" }, properties = properties, additionalProperties = false,
      required = is_whole and #required > 0 and required or nil, description = described.help,
    }
  end
  definitions[name] = entry(true)
  definitions[name .. " in part"] = entry(false)
  local options = of_fields(described.options)
  options.name = options.name or text() -- of a resource in a list
  definitions[name .. " resource"] = {
    type = "object", properties = options, additionalProperties = false,
  }
end

-- References to OPTIONS mean those of the source that they stand in.
local function settle(schema, name)
  if type(schema) ~= "table" or schema == doc.null then return schema end
  local result = getmetatable(schema) and doc.list {} or {}
  for key, value in pairs(schema) do result[key] = settle(value, name) end
  if result["$ref"] == "#/definitions/OPTIONS" then
    result["$ref"] = "#/definitions/" .. name .. " resource"
  end
  return result
end

-- `sources:`. is_whole: nothing of it may come from a template.
local function of_sources(names, is_whole)
  local ending = is_whole and "" or " in part"
  local by_use, by_key = doc.list {}, {}
  for i, name in ipairs(names) do
    local reference = { ["$ref"] = "#/definitions/" .. name .. ending }
    by_use[i] = {
      ["if"] = { properties = { use = { const = name } }, required = doc.list { "use" } },
      ["then"] = reference,
    }
    by_key[name] = {
      ["if"] = { required = doc.list { "use" } },
      ["then"] = { ["$ref"] = "#/definitions/entry" .. ending }, ["else"] = reference,
    }
  end
  local entry = {
    type = doc.list { "object", "null" }, properties = { use = { enum = doc.list(names) } },
    required = is_whole and doc.list { "use" } or nil,
  }
  if #by_use > 0 then entry.allOf = by_use end
  return {
    type = "object", properties = by_key,
    additionalProperties = { ["$ref"] = "#/definitions/entry" .. ending },
    propertyNames = { pattern = json_shape.regex(settings.client.fields.sources.key_pattern) },
  }, entry
end

-- ---- the files ---------------------------------------------------------------------------------

local function file(shape, title)
  local result = json_shape.map(shape)
  result["$schema"], result.title = DIALECT, title
  result.definitions = { secret = json_shape.definitions.secret }
  return result
end

local function with_sources(result, described)
  local names = {}
  for name in pairs(described) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local own = {}
    add_source(own, name, described[name])
    for key, schema in pairs(own) do result.definitions[key] = settle(schema, name) end
  end
  local whole, entry = of_sources(names, true)
  local part, part_of_entry = of_sources(names, false)
  result.definitions.sources, result.definitions["sources in part"] = whole, part
  result.definitions.entry, result.definitions["entry in part"] = entry, part_of_entry
  return result
end

local function reference(name) return { ["$ref"] = "#/definitions/" .. name } end

local makers = {}

function makers.config() return file(settings.project, "config/etlhost.yaml") end

function makers.client(described)
  local result = with_sources(file(settings.client, "config/clients/*.yaml"), described)
  result.required = doc.list { "id", "version" }
  result.properties.sources = {}
  result["if"] = { required = doc.list { "extends" } }
  result["then"] = { properties = { sources = reference "sources in part" } }
  result["else"] = {
    properties = { sources = reference "sources" }, required = doc.list { "sources" },
  }
  return result
end

function makers.template(described)
  local result = with_sources(file(settings.template, "config/templates/*.yaml"), described)
  result.properties.sources = reference "sources in part"
  return result
end

local function needs(...)
  local list = doc.list {}
  for _, name in ipairs { ... } do list[#list + 1] = { required = doc.list { name } } end
  return list
end

-- What host.projects says of a rule beyond its words.
function makers.projects()
  local result = file(settings.projects, "config/projects.yaml")
  local rule = result.properties.rules.items
  rule.oneOf = needs("project", "lookup", "lookup_file")
  local field = doc.list { "field" }
  rule.dependencies = {
    pattern = field, lookup = field, lookup_file = field,
    field = { anyOf = needs("pattern", "lookup", "lookup_file") },
  }
  return result
end

json_schema.kinds = { "config", "client", "template", "projects" }

-- The schema of a kind of file as text. described: of the sources that there are.
function json_schema.text(kind, described)
  return json_text.of(makers[kind](described)) .. "\n"
end

return json_schema
