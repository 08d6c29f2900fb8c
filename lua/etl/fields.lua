-- etl.fields: options as data. One declaration parses, refuses unknown keys with the nearest name,
-- fills in defaults, and feeds the documentation.
--
--   fields.check({ url = "url", limit = { type = "integer", default = 100 } }, values, report)
--
-- A declaration is a type ("url"; with "?" it may be left out) or a table: type, default, optional,
-- help, secret, one_of, ask (it may be left out, and whoever adds a client is asked for it all the
-- same). The types: string, integer, number, boolean, url, duration ("30d"), instant ("2026-01-31",
-- or a time in UTC), secret, map, list, function, "string or list", "string or map", "number or
-- map", resources (name -> options of a resource, or a list), any. values: the words that a map's
-- or a list's values may be, for editors.
local core = ...
local problems = require "etl.problems"

local fields = {}

local function is_map(value) return type(value) == "table" and not core.is_list(value) end
local function is_list(value)
  return type(value) == "table" and (core.is_list(value) or next(value) == nil)
end
local function is_string(value) return type(value) == "string" and value ~= "" end
local function is_number(value) return type(value) == "number" end

local function is_handle(value)
  return type(value) == "string" and value:match "^{{secret:%x+:[%w_.@-]+}}$" ~= nil
end

-- What a value must be, and how that is said.
local types = {
  string = { is_string, "text" },
  url = { function(value)
    return is_handle(value) or is_string(value) and value:match "^%a[%w+.-]*:." ~= nil
  end, "a URL" },
  duration = { function(value)
    local number = is_string(value) and value:match "^(%d+)[smhdw]$"
    return number ~= nil and tonumber(number) > 0
  end, "a time such as 30d, 6h or 90m" },
  instant = { function(value)
    local rest = is_string(value) and value:match "^%d%d%d%d%-%d%d%-%d%d(.*)$"
    return rest ~= nil and (rest == "" or rest:match "^[T ]%d%d:%d%d:%d%dZ?$" ~= nil)
  end, "a day or a time in UTC, such as 2026-01-31" },
  integer = { function(value) return math.type(value) == "integer" end, "a whole number" },
  number = { is_number, "a number" },
  boolean = { function(value) return type(value) == "boolean" end, "true or false" },
  -- A handle, or several; the secret itself never comes into this process.
  secret = { function(value) return is_handle(value) or is_map(value) end,
    "named: { env: NAME }, { file: path } or { cmd: [program, ...] }, never written" },
  map = { is_map, "a map" },
  list = { is_list, "a list" },
  ["function"] = { function(value) return type(value) == "function" end, "a function" },
  ["string or list"] = { function(value) return is_string(value) or is_list(value) end,
    "a name or a list of names" },
  ["string or map"] = { function(value) return is_string(value) or is_map(value) end,
    "a word or a map" },
  ["number or map"] = { function(value) return is_number(value) or is_map(value) end,
    "a number or a map" },
  resources = { function(value) return is_map(value) or is_list(value) end,
    "a map of resources, or a list of their names" },
  any = { function() return true end, "anything" },
}

local long_forms = {} -- of short ones; nobody changes them

-- The long form of a declaration. Raises for one that is wrong: that is the writer's slip.
function fields.declare(name, declaration)
  if type(declaration) == "string" then
    local long = long_forms[declaration]
    if not long then
      local kind, optional = declaration:match "^(.-)(%??)$"
      long = { type = kind, optional = optional == "?" }
      long_forms[declaration] = long
    end
    declaration = long
  end
  if type(declaration) ~= "table" or not types[declaration.type] then
    local kind = type(declaration) == "table" and declaration.type or declaration
    error(("option %s: there is no type \"%s\"%s"):format(name, tostring(kind),
      problems.suggest(kind, types)), 0)
  end
  return declaration
end

-- value as words for a message, cut short.
local function show(value)
  if type(value) == "string" then return ("\"%s\""):format(value:sub(1, 60)) end
  if type(value) == "table" then return is_list(value) and "a list" or "a map" end
  return tostring(value)
end

local function read_number(text)
  return text:match "^-?%d+%.?%d*$" and tonumber(text) or nil
end

-- What is text in the YAML of a client's file, where every value is, as the type that is asked for.
local from_text = {
  integer = function(text) return text:match "^-?%d+$" and math.tointeger(tonumber(text)) end,
  number = read_number,
  ["number or map"] = read_number,
  boolean = function(text)
    if text == "true" then return true end
    if text == "false" then return false end
  end,
}

local function check_one(name, declaration, value, report)
  local kind = types[declaration.type]
  if type(value) == "string" and from_text[declaration.type] then
    local read = from_text[declaration.type](value)
    if read ~= nil then value = read end
  end
  if not kind[1](value) then
    local is_secret = declaration.secret or declaration.type == "secret"
    local shown = is_secret and "" or ", not " .. show(value)
    report(("%s must be %s%s"):format(name, kind[2], shown))
    return nil
  end
  if declaration.one_of then
    for _, allowed in ipairs(declaration.one_of) do
      if value == allowed then return value end
    end
    report(("%s = %s: it must be one of %s"):format(name, show(value),
      table.concat(declaration.one_of, ", ")))
    return nil
  end
  return value
end

-- Checks values against the declarations. report(message) is called for each problem; words maps
-- names that other tools use to a sentence that names ours. Returns the values that are right,
-- with defaults filled in.
function fields.check(declarations, values, report, words)
  local result = {}
  if values == nil or values == core.null then values = {} end
  if not is_map(values) and next(values) ~= nil then
    report("a map of options is expected, not " .. show(values))
    return result
  end
  for _, key in ipairs(problems.sorted(values)) do
    local name = tostring(key)
    if not declarations[key] then
      local ours = words and words[name]
      report(ours and ("\"%s\": %s"):format(name, ours)
        or ("unknown option \"%s\"%s"):format(name, problems.suggest(name, declarations)))
    end
  end
  for _, name in ipairs(problems.sorted(declarations)) do
    local declaration = fields.declare(name, declarations[name])
    local value = values[name]
    if value ~= nil and value ~= core.null then
      result[name] = check_one(name, declaration, value, report)
    elseif declaration.default ~= nil then
      result[name] = declaration.default
    elseif not declaration.optional then
      report(("%s is missing"):format(name))
    end
  end
  return result
end

-- Declarations as plain data, in their long form; a default that is no data is left out.
function fields.describe(declarations)
  local result = {}
  for name, short in pairs(declarations) do
    local ok, long = pcall(fields.declare, name, short)
    if ok then
      local default = long.default
      if type(default) == "function" then default = nil end
      result[name] = {
        type = long.type, help = long.help, secret = long.secret, one_of = long.one_of,
        values = long.values, default = default, ask = long.ask,
        optional = long.optional == true or long.default ~= nil,
      }
    end
  end
  return result
end

fields.is_map, fields.is_list = is_map, is_list

return fields
