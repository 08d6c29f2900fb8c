-- YAML trees of several files laid over each other. A node (host.yaml) says where it stands; nodes
-- of files that others build on get their `file`, so that an effective value keeps its origin.

local tree = {}

-- The entry with a key of a map: { key, line, column, node }; nil when there is none.
function tree.entry(node, key)
  if not node or node.kind ~= "map" then return nil end
  for _, entry in ipairs(node) do
    if entry.key == key then return entry end
  end
end

-- The node under a key of a map; nil when there is none.
function tree.get(node, key)
  local entry = tree.entry(node, key)
  return entry and entry.node
end

-- Names the file on every node and entry below; gives the node.
function tree.stamp(node, file)
  node.file = file
  for _, item in ipairs(node) do
    item.file = file
    tree.stamp(item.node or item, file)
  end
  return node
end

-- A map with the entries of `node` that `wanted` (a function of the key) says.
function tree.pick(node, wanted)
  local picked = { kind = "map", line = node.line, column = node.column, file = node.file }
  if node.kind ~= "map" then return picked end
  for _, entry in ipairs(node) do
    if wanted(entry.key) then picked[#picked + 1] = entry end
  end
  return picked
end

local function is_command(node)
  if node.kind == "string" then return true end
  if node.kind ~= "list" or #node == 0 then return false end
  for _, item in ipairs(node) do
    if item.kind ~= "string" then return false end
  end
  return true
end

-- { env: NAME }, { file: path } or { cmd: [...] }: a secret's name. It counts as one word.
function tree.is_secret_reference(node)
  if node.kind ~= "map" or #node ~= 1 then return false end
  local entry = node[1]
  if entry.key == "cmd" then return is_command(entry.node) end
  return (entry.key == "env" or entry.key == "file") and entry.node.kind == "string"
end

local function is_plain_map(node)
  return node.kind == "map" and not tree.is_secret_reference(node)
end

-- Of two words for one thing (a connection's name, or an address) the later file's counts.
local function is_displaced(key, over, shape)
  for _, word in ipairs(shape and shape.alternatives or {}) do
    if word == key then
      for _, other in ipairs(shape.alternatives) do
        if other ~= key and tree.get(over, other) and not tree.get(over, key) then return true end
      end
    end
  end
  return false
end

-- Lays `over` upon `base`: maps merge, scalars and lists replace. Nothing behind a key adds nothing
-- to a map, and takes a scalar or a list away. shape (host.schema) may be nil. Neither is changed.
function tree.merge(base, over, shape)
  if base.kind == "map" and over.kind == "null" then return base end
  if not (is_plain_map(base) and is_plain_map(over)) then return over end
  local merged = { kind = "map", line = over.line, column = over.column, file = over.file }
  local given = {}
  for _, entry in ipairs(over) do given[entry.key] = entry end
  for _, entry in ipairs(base) do
    local own = given[entry.key]
    if own then
      local field = shape and (shape.fields and shape.fields[entry.key] or shape.each)
      merged[#merged + 1] = {
        key = own.key, line = own.line, column = own.column, file = own.file,
        node = tree.merge(entry.node, own.node, field),
      }
      given[entry.key] = nil
    elseif not is_displaced(entry.key, over, shape) then
      merged[#merged + 1] = entry
    end
  end
  for _, entry in ipairs(over) do
    if given[entry.key] then merged[#merged + 1] = entry end
  end
  return merged
end

return tree
