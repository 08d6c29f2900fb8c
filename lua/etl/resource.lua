-- etl.resource: the options of a resource: what they are called, how a pipeline's changes are laid
-- over a source's, and the declaration that the engine gets (docs/reference/messages.md).
local core = ...
local conditions = require "etl.conditions"
local contract = require "etl.contract"
local fields = require "etl.fields"
local problems = require "etl.problems"
local words = require "etl.words"

local resource = {}

resource.options = {
  table = "string?",
  description = "string?",
  write = { type = "string", optional = true,
    one_of = { "merge", "append", "insert_only", "history", "replace", "restate" } },
  merge = { type = "string", optional = true, one_of = { "upsert", "delete_insert" } },
  key = "string or list?",
  cursor = "string or map?",
  hard_delete = "string?",
  columns = "map?",
  rename = "map?",
  drop = "string or list?", hash = "string or list?", mask = "string or list?",
  keep = "map?", discard = "map?", constants = "map?",
  contract = "string or map?",
  extras = { type = "string", optional = true, one_of = { "json" } },
  nested = "string or map?",
  row = "function?",
  on_row_error = { type = "string", optional = true, one_of = { "dead", "stop" } },
  on_changed_file = { type = "string", optional = true,
    one_of = { "replace_rows", "tail", "append", "refuse" } },
  format = "string or map?",
  max_dead = "number or map?",
  min_ratio = "number?",
  extract = "function?",
}

-- Of CSV; JSON is always UTF-8. Without it, the byte order mark or UTF-8.
resource.compressions = { "plain", "gzip", "zstd", "brotli" }
resource.encodings = { "utf-8", "utf-16le", "utf-16be", "latin1", "windows-1252" }

-- What a client may not change from outside: how the rows are fetched is the source's.
local source_only = { extract = true }

resource.words = words.of "resource"

local column_types = {
  boolean = true, bigint = true, numeric = true, double = true, date = true, time = true,
  timestamp = true, datetime = true, json = true, text = true, binary = true,
}
local column_words = {
  integer = "bigint", int = "bigint", int8 = "bigint", smallint = "bigint", long = "bigint",
  string = "text", varchar = "text", char = "text", uuid = "text",
  float = "double", real = "double", number = "numeric", decimal = "numeric",
  money = "numeric", bool = "boolean", timestamptz = "timestamp", jsonb = "json",
  object = "json", bytea = "binary", bytes = "binary",
}

-- Lists of what is to be taken away only grow: a client cannot unhide what a source hides.
local growing = { drop = true, hash = true, mask = true }

local function as_list(value)
  if type(value) == "table" then return value end
  return { value }
end

local function merge_maps(base, changes)
  local result = {}
  for name, value in pairs(base) do result[name] = value end
  for name, value in pairs(changes) do
    local both = fields.is_map(result[name]) and fields.is_map(value)
    result[name] = both and merge_maps(result[name], value) or value
  end
  return result
end

local function join(first, second)
  local list = core.list {}
  for _, one in ipairs(as_list(first)) do list[#list + 1] = one end
  for _, one in ipairs(as_list(second)) do list[#list + 1] = one end
  return list
end

-- One row function after the other; either may drop the row.
local function both_rows(first, second)
  return function(row)
    if first(row) == false then return false end
    return second(row)
  end
end

-- Lays changes over the options of a resource. One merge rule: maps merge, scalars and lists
-- replace.
function resource.merge(base, changes)
  local result = merge_maps(base, changes)
  if base.contract and changes.contract then
    result.contract = merge_maps(contract.expand(base.contract), contract.expand(changes.contract))
  end
  for name in pairs(growing) do
    if base[name] and changes[name] then result[name] = join(base[name], changes[name]) end
  end
  if base.row and changes.row then result.row = both_rows(base.row, changes.row) end
  return result
end

-- The declarations of options, those that the source adds included; for a pipeline's changes
-- without what only a source may say.
function resource.declarations(extra, for_client)
  local all = {}
  for name, declaration in pairs(resource.options) do
    if not (for_client and source_only[name]) then all[name] = declaration end
  end
  for name, declaration in pairs(extra or {}) do all[name] = declaration end
  return all
end

-- For descriptions: the words inside.
resource.options.columns = { type = "map", optional = true, values = problems.sorted(column_types) }
resource.options.nested = { type = "string or map", optional = true, values = { "json", "tables" } }
resource.options.contract = { type = "string or map", optional = true, values = contract.words }

local function name_list(option, value, report)
  if value == nil then return nil end
  local list = core.list {}
  for _, name in ipairs(as_list(value)) do
    if type(name) ~= "string" then
      report(("%s must hold names of columns"):format(option))
      return nil
    end
    list[#list + 1] = name
  end
  return list
end

local function column(name, value, report)
  local declared = fields.is_map(value) and value or { type = value }
  local clean = fields.check({
    type = "string?", zone = "string?", description = "string?",
    epoch = { type = "string", optional = true, one_of = { "s", "ms" } },
  }, declared, function(message) report(("columns.%s: %s"):format(name, message)) end)
  if not clean.type and not clean.description then
    report(("columns.%s: type is missing"):format(name))
  end
  if clean.type and not column_types[clean.type] then
    local ours = column_words[clean.type:lower()]
    report(("columns.%s: there is no type \"%s\"%s"):format(name, clean.type,
      ours and ("; the word here is `%s`"):format(ours)
      or problems.suggest(clean.type, column_types)))
  end
  return clean
end

local function columns(value, report)
  if value == nil then return nil end
  local result = {}
  for _, name in ipairs(problems.sorted(value)) do
    result[name] = column(name, value[name], report)
  end
  return result
end

-- "tables" or "json", for all fields or field by field.
local function nested(value, report)
  if value == nil then return nil end
  if type(value) == "string" then
    if value ~= "tables" and value ~= "json" then
      report(("nested is \"tables\" or \"json\", not \"%s\""):format(value))
    end
    return value
  end
  for _, name in ipairs(problems.sorted(value)) do
    if value[name] ~= "tables" and value[name] ~= "json" then
      report(("nested.%s is \"tables\" or \"json\""):format(name))
    end
  end
  return value
end

local function renames(value, report)
  for _, from in ipairs(problems.sorted(value or {})) do
    local to = value[from]
    if type(to) ~= "string" or to == "" then report(("rename.%s must be a name"):format(from)) end
  end
  return value
end

local function format(value, report)
  if value == nil then return nil end
  if type(value) == "string" then value = { type = value } end
  return fields.check({
    type = { type = "string", optional = true, one_of = { "csv", "jsonl", "json" } },
    delimiter = "string?", quote = "string?", header = "boolean?", nulls = "list?",
    path = "string?",
    encoding = { type = "string", optional = true, one_of = resource.encodings },
    compression = { type = "string", optional = true, one_of = resource.compressions },
  }, value, function(message) report("format: " .. message) end)
end

-- A share (0.05) or a number of rows.
local function max_dead(value, report)
  if value == nil then return nil end
  if math.type(value) == "integer" then return { rows = value } end
  if type(value) == "number" then return { ratio = value } end
  local clean = fields.check({ ratio = "number?", rows = "integer?" }, value,
    function(message) report("max_dead: " .. message) end)
  if clean.ratio then clean.ratio = clean.ratio + 0.0 end
  return clean
end

local function ratio(name, value, report)
  if value == nil then return nil end
  if value >= 0 and value <= 1 then return value + 0.0 end
  report(name .. " is a number from 0 to 1")
end

local function cursor(value, report)
  if value == nil then return nil end
  if type(value) == "string" then value = { field = value } end
  return fields.check({
    field = "string", lag = "string?", closed = "boolean?",
    order = { type = "string", optional = true, one_of = { "ascending" } },
  }, value, function(message) report("cursor: " .. message) end)
end

-- The declaration of checked options. names: instance, resource, source.
function resource.declare(names, options, report)
  return {
    instance = names.instance, resource = names.resource, source = names.source,
    hosts = names.hosts, rate = names.rate,
    table = options.table, description = options.description,
    write = options.write, merge = options.merge, hard_delete = options.hard_delete,
    key = name_list("key", options.key, report),
    cursor = cursor(options.cursor, report),
    columns = columns(options.columns, report),
    rename = renames(options.rename, report),
    drop = name_list("drop", options.drop, report),
    hash = name_list("hash", options.hash, report),
    mask = name_list("mask", options.mask, report),
    keep = conditions.check("keep", options.keep, report),
    discard = conditions.check("discard", options.discard, report),
    constants = conditions.constants(options.constants, report),
    extras = options.extras,
    nested = nested(options.nested, report),
    contract = contract.check(options.contract, column_types, report),
    row = options.row ~= nil,
    on_row_error = options.on_row_error or "dead",
    on_changed_file = options.on_changed_file or "replace_rows",
    format = format(options.format, report),
    max_dead = max_dead(options.max_dead, report),
    min_ratio = ratio("min_ratio", options.min_ratio, report),
  }
end

return resource
