-- What `load` says of its rows in place of a resource: the types of columns, and how rows whose
-- key is known are written.

local err = require "host.err"
local nearest = require "host.nearest"

local load_words = {}

load_words.options = {
  { "type", value = "COLUMN=TYPE", many = true,
    help = "declares a column: boolean, bigint, numeric, double, date, time, datetime, "
      .. "timestamp, json, binary or text" },
  { "key", value = "COLUMNS", help = "which columns say which row it is, such as id or shop,id" },
  { "write", value = "HOW", one_of = { "append", "merge", "insert_only", "replace", "history" },
    help = "append (default), or with --key: merge (default then: a known row is changed), "
      .. "insert_only (it is left as it is), history (it becomes a new version); replace: the rows "
      .. "of these files in place of those that are there" },
  { "cursor", value = "COLUMN",
    help = "which column says what is newer: an older row changes nothing" },
  { "hard-delete", value = "COLUMN", help = "a row in which this is true is deleted" },
}

local needs_key = { merge = true, insert_only = true, history = true }

local types = {
  "boolean", "bigint", "numeric", "double", "date", "time", "datetime", "timestamp", "json",
  "binary", "text",
}

-- "amount=numeric" -> { amount = { type = "numeric" } } | nil, err; nil when none was given.
local function declared_columns(list)
  local columns
  for _, word in ipairs(list or {}) do
    local name, kind = word:match "^(.+)=([%w_]+)$"
    local known = false
    for _, one in ipairs(types) do known = known or one == kind end
    if not known then
      local near = kind and nearest.of(kind, types)
      return nil, err.new {
        class = "config",
        is_usage = true,
        message = ("--type is COLUMN=TYPE, not \"%s\""):format(word),
        expected = "a type: " .. table.concat(types, ", "),
        hint = near and ("did you mean %s=%s?"):format(name, near) or nil,
      }
    end
    columns = columns or {}
    columns[name] = { type = kind }
  end
  return columns
end

-- "shop, id" -> { "shop", "id" } | nil, err; nil when none was given.
local function key_of(word)
  if not word then return nil end
  local list = {}
  for name in (word .. ","):gmatch "(.-)," do
    name = name:match "^%s*(.-)%s*$"
    if name == "" then
      return nil, err.new {
        class = "config", is_usage = true,
        message = ("--key is a column, or several parted by commas, not \"%s\""):format(word),
      }
    end
    list[#list + 1] = name
  end
  return list
end

-- The options as a declaration: columns, key, write, cursor, hard_delete | nil, err
function load_words.declaration(args)
  local columns, problem = declared_columns(args.type)
  if problem then return nil, problem end
  local key
  key, problem = key_of(args.key)
  if problem then return nil, problem end
  if not key and needs_key[args.write] then
    return nil, err.new {
      class = "config", is_usage = true, message = ("--write %s needs --key"):format(args.write),
      hint = "--key names the columns that say which row it is",
    }
  end
  return {
    columns = columns, key = key, write = args.write,
    cursor = args.cursor and { field = args.cursor }, hard_delete = args.hard_delete,
  }
end

return load_words
