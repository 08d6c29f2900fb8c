-- What holds for a client in the end: its file over its template over the project's defaults over
-- etlhost's own, each value with where it stands. Secrets are named, never shown.

local doc = require "host.doc"
local schema = require "host.schema"
local settings = require "host.settings"
local tree = require "host.tree"

local effective = {}

local HIDDEN = "***"

-- ---- values ------------------------------------------------------------------------------------

local secret_words = { "password", "passwd", "secret", "token", "api_?key", "private_?key" }

local function sounds_secret(key)
  for _, word in ipairs(secret_words) do
    if key:lower():match((word:gsub("_%?", "_?"))) then return true end
  end
  return false
end

-- Addresses without the password that they may hold.
function effective.without_password(value)
  return (value:gsub("(://[^:@/]*):[^@/]*@", "%1:" .. HIDDEN .. "@")
    :gsub("([?&]password=)[^&]*", "%1" .. HIDDEN))
end

-- A value that may be shown: is_secret says that nothing but a reference may.
local function shown(node, key, is_secret)
  local reference = schema.secret_reference(node)
  if reference then return reference end
  if node.kind == "null" then return doc.null end
  if node.kind == "string" then
    if is_secret or sounds_secret(key) then return HIDDEN end
    return effective.without_password(node.value)
  end
  local value, keys = {}, {}
  for i, item in ipairs(node) do
    local name = item.key or i
    keys[i] = name
    value[name] = shown(item.node or item, item.key or key, is_secret)
  end
  return node.kind == "list" and doc.list(value) or doc.ordered(value, keys)
end

local read = {
  boolean = function(value) return value == "true" end,
  integer = function(value) return math.tointeger(tonumber(value)) or value end,
  number = function(value) return tonumber(value) or value end,
}

-- ---- items -------------------------------------------------------------------------------------

-- An item is { key, origin, value } or { key, origin, children = list of items }.

local function origin_of(client, at)
  return ("%s:%d"):format(at.file or client.file, at.line)
end

local function item_of(client, entry, shape, is_secret)
  local node = entry.node
  local item = { key = entry.key, origin = origin_of(client, entry) }
  if node.kind == "map" and #node > 0 and not tree.is_secret_reference(node) then
    item.children = effective.children(client, node, shape, is_secret)
  else
    item.value = shown(node, entry.key, is_secret)
    local typed = shape and read[shape.as or shape.type]
    if typed and type(item.value) == "string" then item.value = typed(item.value) end
  end
  return item
end

local function is_alternative(node, shape, name)
  for _, word in ipairs(shape.alternatives or {}) do
    if word == name then
      for _, other in ipairs(shape.alternatives) do
        if tree.get(node, other) then return true end
      end
    end
  end
  return false
end

-- What nobody wrote, where there is a default.
local function default_item(node, shape, name)
  local field = shape.fields[name]
  local value = field.default
  if value == nil then value = field.shows end
  if type(value) == "function" then value = value(node) end
  if value ~= nil and not is_alternative(node, shape, name) then
    return { key = name, origin = "default", value = value }
  end
  if field.type == "map" and field.fields then
    local children = effective.children(nil, { kind = "map" }, field)
    if #children > 0 then return { key = name, origin = "default", children = children } end
  end
end

local function sort(items, shape)
  local rank = {}
  for i, name in ipairs(shape and shape.order or {}) do rank[name] = i end
  for i, item in ipairs(items) do item.at = i end
  table.sort(items, function(a, b)
    local ra, rb = rank[a.key] or 1000 + a.at, rank[b.key] or 1000 + b.at
    return ra < rb
  end)
  return items
end

-- The items below a map; shape may be nil.
function effective.children(client, node, shape, is_secret)
  local items = {}
  for _, entry in ipairs(node) do
    local field = shape and (shape.fields and shape.fields[entry.key] or shape.each)
    items[#items + 1] = item_of(client, entry, field, is_secret)
  end
  local names = {}
  for name in pairs(shape and shape.fields or {}) do
    if not tree.get(node, name) then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do items[#items + 1] = default_item(node, shape, name) end
  return sort(items, shape)
end

-- ---- sources -----------------------------------------------------------------------------------

local source_shape = { fields = settings.source_fields, order = settings.source_order }

local function source_item(client, entry, described)
  local use = tree.get(entry.node, "use")
  local name = use and use.value or entry.key
  local declared = described[name] and described[name].config or {}
  local item = { key = entry.key, origin = origin_of(client, entry), children = {} }
  local items = item.children
  if not use then items[1] = { key = "use", origin = "default", value = entry.key } end
  for _, one in ipairs(entry.node) do
    local field = settings.source_fields[one.key]
    local own = declared[one.key]
    local is_secret = own and (own.secret or own.type == "secret") or false
    items[#items + 1] = item_of(client, one, field or own, is_secret)
  end
  local names = {}
  for key, field in pairs(declared) do
    if field.default ~= nil and not tree.get(entry.node, key) then names[#names + 1] = key end
  end
  table.sort(names)
  for _, key in ipairs(names) do
    local value = declared[key].default
    -- An event has no whole numbers of its own.
    if declared[key].type == "integer" then value = math.tointeger(value) or value end
    items[#items + 1] = { key = key, origin = "default of the source " .. name, value = value }
  end
  sort(items, source_shape)
  return item
end

-- All that holds for a client, as a list of items. described: what describing.sources gave.
function effective.items(client, described)
  local items = effective.children(client, client.node, settings.client)
  for _, item in ipairs(items) do
    if item.key == "sources" then
      item.children, item.value = {}, nil
      local node = tree.get(client.node, "sources")
      for _, entry in ipairs(node.kind == "map" and node or {}) do
        item.children[#item.children + 1] = source_item(client, entry, described)
      end
    end
  end
  return items
end

-- ---- as people and programs read them ----------------------------------------------------------

-- Items as a plain map.
function effective.plain(items)
  local value, keys = {}, {}
  for i, item in ipairs(items) do
    keys[i] = item.key
    if item.children then value[item.key] = effective.plain(item.children)
    else value[item.key] = item.value end
  end
  return doc.ordered(value, keys)
end

-- Every value with its path: { path, value, origin }.
function effective.flat(items, list, trail)
  list, trail = list or {}, trail or {}
  for _, item in ipairs(items) do
    local path = table.move(trail, 1, #trail, 1, {})
    path[#path + 1] = item.key
    if item.children then
      effective.flat(item.children, list, path)
    else
      list[#list + 1] = { path = path, value = item.value, origin = item.origin }
    end
  end
  return list
end

return effective
