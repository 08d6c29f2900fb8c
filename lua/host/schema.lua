-- Checks a tree of YAML nodes against a declared shape and gives plain values. YAML scalars are
-- strings; the shape asks for the type. All problems are collected, each with its place.
--
-- A shape is a table with `type`:
--   text, boolean (true/false), integer, number, bytes ("64MB"), duration ("10m"), any,
--   map   fields = { name = shape }, or each = shape for maps with names of the user's own;
--         short = the field that a text in place of the map means
--   list  each = shape
-- and optionally: required, default, one_of, pattern + expected, min, max, hint, answer = function(
-- value) -> hint, check = function(node, value, problems), foreign = { word = what to say } (maps),
-- secret = true (a text that may also be a secret's name, host.secrets), alternatives (fields of
-- which the last file's one counts); for people: shows (what holds where nothing is said, or a
-- function of the map's node that tells), as (the type it is shown in), order (of the fields).

local err = require "host.err"
local doc = require "host.doc"
local nearest = require "host.nearest"
local text = require "host.text"
local tree = require "host.tree"

local schema = {}

-- ---- problems ----------------------------------------------------------------------------------

local problems = {}
problems.__index = problems

-- name: the file as people know it.
function schema.problems(name)
  return setmetatable({ name = name, list = {} }, problems)
end

-- "file:line:column" of a node or an entry; one of another file says so itself (host.tree).
function problems:place(at)
  return ("%s:%d:%d"):format(at.file or self.name, at.line, at.column)
end

-- at: a node, or an entry of a map (then the key is what is wrong).
function problems:make(at, message, more)
  more = more or {}
  local width
  if at.key then
    width = text.width(at.key)
  elseif at.value then
    width = text.width(at.value:match "^[^\n]*")
  end
  return err.new {
    class = "config",
    message = message,
    place = self:place(at),
    width = width,
    expected = more.expected,
    hint = more.hint,
  }
end

function problems:add(at, message, more)
  self.list[#self.list + 1] = self:make(at, message, more)
end

-- ---- scalars -----------------------------------------------------------------------------------

local kinds = {
  map = "a map (key: value lines)", list = "a list", null = "nothing", string = "text",
}

-- A secret's name as a table: { env = NAME }, { file = path } or { cmd = text or list }, else nil.
function schema.secret_reference(node)
  if not tree.is_secret_reference(node) then return nil end
  local said = node[1].node
  local value = said.value
  if said.kind == "list" then
    value = doc.list {}
    for i, word in ipairs(said) do value[i] = word.value end
  end
  return { [node[1].key] = value }
end

local units = {
  bytes = {
    B = 1, KB = 1000, MB = 1000 ^ 2, GB = 1000 ^ 3, KiB = 1024, MiB = 1024 ^ 2, GiB = 1024 ^ 3,
  },
  duration = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400 },
}

local function with_unit(kind)
  return function(value)
    local number, unit = value:match "^(%d+%.?%d*)%s*(%a+)$"
    local factor = number and units[kind][unit]
    return factor and math.tointeger(tonumber(number) * factor // 1) or nil
  end
end

local scalars = {
  text = { "text", function(value) return value end },
  boolean = { "true or false", function(value)
    if value == "true" then return true end
    if value == "false" then return false end
  end },
  integer = { "a whole number", function(value)
    return value:match "^%-?%d+$" and math.tointeger(tonumber(value))
  end },
  number = { "a number", function(value)
    return value:match "^%-?%d+%.?%d*$" and tonumber(value)
  end },
  bytes = { "a size such as 256MB", with_unit "bytes" },
  duration = { "a time such as 30s, 10m or 6h", with_unit "duration" },
}

local function one_of_hint(shape, value)
  local near = nearest.of(value, shape.one_of)
  return near and ("did you mean " .. near .. "?") or nil
end

local function check_scalar(node, shape, found)
  local expected, read = scalars[shape.type][1], scalars[shape.type][2]
  if shape.one_of then expected = table.concat(shape.one_of, " or ") end
  expected = shape.expected or expected
  if node.kind ~= "string" then
    found:add(node, "this is " .. kinds[node.kind], { expected = expected })
    return nil
  end
  local value = read(node.value)
  local problem
  if value == nil then
    problem = ("\"%s\" does not fit"):format(node.value)
  elseif shape.one_of then
    problem = ("\"%s\" does not fit"):format(node.value)
    for _, choice in ipairs(shape.one_of) do
      if choice == node.value then problem = nil end
    end
  elseif shape.pattern and not node.value:match(shape.pattern) then
    problem = ("\"%s\" does not fit"):format(node.value)
  elseif (shape.min and value < shape.min) or (shape.max and value > shape.max) then
    problem = ("%s is out of range"):format(node.value)
    expected = ("from %s to %s"):format(shape.min or "any", shape.max or "any")
  end
  if problem then
    local hint = shape.one_of and one_of_hint(shape, node.value)
      or shape.answer and shape.answer(node.value) or shape.hint
    found:add(node, problem, { expected = expected, hint = hint })
    return nil
  end
  return value
end

-- ---- containers --------------------------------------------------------------------------------

local check

local names_of = setmetatable({}, { __mode = "k" }) -- shape -> its fields' names, sorted once

local function field_names(shape)
  local names = names_of[shape]
  if not names then
    names = nearest.keys(shape.fields or {})
    names_of[shape] = names
  end
  return names
end

local function unknown_key(entry, shape, found)
  local ours = shape.foreign and shape.foreign[entry.key]
  local names = nearest.keys(shape.fields)
  local near = nearest.of(entry.key, names)
  local hint
  if ours then
    hint = ours
  elseif near then
    hint = ("did you mean \"%s\"?"):format(near)
  end
  found:add(entry, ("there is no setting \"%s\" here"):format(entry.key),
    { hint = hint, expected = "one of " .. table.concat(names, ", ") })
end

local function check_map(node, shape, found)
  if node.kind == "string" and shape.short then
    return { [shape.short] = check(node, shape.fields[shape.short], found) }
  end
  if node.kind ~= "map" then
    found:add(node, "this is " .. kinds[node.kind],
      { expected = shape.expected or "a map (key: value lines)" })
    return nil
  end
  local value, keys, given = {}, {}, {}
  for _, entry in ipairs(node) do
    given[entry.key] = true
    local field = shape.fields and shape.fields[entry.key] or shape.each
    if not field then
      unknown_key(entry, shape, found)
    else
      if shape.key_pattern and not entry.key:match(shape.key_pattern) then
        found:add(entry, ("\"%s\" is no name"):format(entry.key), { expected = shape.key_expected })
      end
      value[entry.key] = check(entry.node, field, found)
      keys[#keys + 1] = entry.key
    end
  end
  for _, name in ipairs(field_names(shape)) do
    local field = shape.fields[name]
    if not given[name] and field.required then
      found:add(node, ("\"%s\" is missing"):format(name), { hint = field.help })
    elseif not given[name] then
      value[name] = field.default
    end
  end
  return shape.each and doc.ordered(value, keys) or value
end

local function check_list(node, shape, found)
  if node.kind ~= "list" then
    found:add(node, "this is " .. kinds[node.kind], { expected = "a list: [a, b] or lines with -" })
    return nil
  end
  local value = {}
  for _, item in ipairs(node) do
    value[#value + 1] = check(item, shape.each, found)
  end
  return doc.list(value)
end

-- Whatever is there, as it is: the settings of a source, whose shape its Lua declares.
local function plain(node)
  if node.kind == "string" then return node.value end
  if node.kind == "null" then return doc.null end
  local value, keys = {}, {}
  if node.kind == "list" then
    for i, item in ipairs(node) do value[i] = plain(item) end
    return doc.list(value)
  end
  for i, entry in ipairs(node) do
    keys[i] = entry.key
    value[entry.key] = plain(entry.node)
  end
  return doc.ordered(value, keys)
end

schema.plain = plain

function check(node, shape, found)
  local value
  if shape.secret and tree.is_secret_reference(node) then
    value = schema.secret_reference(node)
  elseif shape.type == "map" then
    value = check_map(node, shape, found)
  elseif shape.type == "list" then
    value = check_list(node, shape, found)
  elseif shape.type == "any" then
    value = plain(node)
  elseif node.kind == "null" and not shape.required then
    value = shape.default
  else
    value = check_scalar(node, shape, found)
  end
  if value ~= nil and shape.check then shape.check(node, value, found) end
  return value
end

-- The value of a node; problems are added to `found`. nil when it does not fit.
schema.value = check

-- The values of a whole file; what does not fit is an empty map, so that reading can go on.
function schema.check(node, shape, found)
  return check(node, shape, found) or {}
end

return schema
