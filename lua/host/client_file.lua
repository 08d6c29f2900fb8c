-- One client's file, laid over its template and the project's defaults, as plain data.

local doc = require "host.doc"
local files = require "host.files"
local layout = require "host.layout"
local nearest = require "host.nearest"
local schema = require "host.schema"
local secrets = require "host.secrets"
local settings = require "host.settings"
local system = require "host.system"
local tree = require "host.tree"
local zones = require "host.zones"

local client_file = {}

-- ---- sources -----------------------------------------------------------------------------------

-- The folder that a "file:" address names, absolute; nil for any other text.
local function folder_of(self, value)
  local path = value:match "^file:(.+)$"
  if not path then return nil end
  path = path:match "^//(/.*)$" or path
  return self.project:path(path)
end

-- The handle that stands for a secret of a source (host/engine/secrets.h); which one is noted.
local function handle(source, node, trail, found)
  local reference = schema.secret_reference(node)
  local key = table.concat(trail, "."):gsub("[^%w_.-]", "_"):sub(1, 100)
  for _, one in ipairs(source.secrets) do
    if one.key == key then key = key .. "_" .. #source.secrets end
  end
  if reference.cmd then
    local _, problem = secrets.words(reference.cmd)
    if problem then found:add(node, problem.message, { hint = problem.hint }) end
  end
  source.secrets[#source.secrets + 1] = {
    key = key, reference = reference, place = found:place(node),
  }
  return ("{{secret:%s:%s.%s}}"):format(source.nonce, source.instance, key)
end

-- The place in an object store that a text names: "s3://bucket/folder", or a bucket's name under
-- `bucket`; nil for any other text.
local function bucket_of(value, key)
  if value:match "^s3://[^/]" then return (value:gsub("/+$", "")) end
  return key == "bucket" and value:match "^[%w._-]+$" and "s3://" .. value or nil
end

-- Goes through a source's settings: folders and buckets become roots, secrets become handles.
local function walk_settings(self, node, source, trail, found)
  if schema.secret_reference(node) then return handle(source, node, trail, found) end
  if node.kind == "string" then
    local folder = folder_of(self, node.value)
    local bucket = bucket_of(node.value, trail[#trail])
    if bucket then
      source.roots[#source.roots + 1] = bucket
    elseif folder then
      local real = files.real_path(folder)
      if real then
        source.roots[#source.roots + 1] = real
      else
        source.missing[#source.missing + 1] = found:make(node,
          "this folder does not exist: " .. self.project:shown(folder), {
            expected = "file: and a folder, absolute or from the project's own folder",
          })
      end
    end
    if node.value:match "^https?://." then table.insert(source.addresses, node.value) end
    return node.value
  end
  if node.kind == "null" then return doc.null end
  local value, keys = {}, {}
  for i, item in ipairs(node) do
    local key = node.kind == "map" and item.key or tostring(i)
    trail[#trail + 1] = key
    local child = walk_settings(self, item.node or item, source, trail, found)
    trail[#trail] = nil
    keys[#keys + 1] = key
    value[node.kind == "map" and key or i] = child
  end
  return node.kind == "map" and doc.ordered(value, keys) or doc.list(value)
end

local function read_source(self, entry, found, nonce)
  local source = {
    instance = entry.key, use = entry.key, settings = {}, roots = {},
    secrets = {}, nonce = nonce,
    addresses = {}, -- URLs among its settings
    missing = {}, -- folders that are not there: an error of a run, a note of `check`
    -- where its settings stand, for what its Lua says of them
    place = found:place(entry), places = {}, node = entry.node,
  }
  local keys = {}
  if entry.node.kind == "null" then return source end
  if entry.node.kind ~= "map" then return nil end -- said by the schema already
  for _, item in ipairs(entry.node) do
    source.places[item.key] = found:place(item)
    local shape = settings.source_fields[item.key]
    if shape then
      source[item.key] = schema.value(item.node, shape, found)
    elseif settings.source_foreign[item.key] and not tree.get(entry.node, "use") then
      found:add(item, ("\"%s\" is not a word of ours"):format(item.key),
        { hint = settings.source_foreign[item.key] })
    else
      keys[#keys + 1] = item.key
      source.settings[item.key] = walk_settings(self, item.node, source, { item.key }, found)
    end
  end
  if type(source.use) ~= "string" then source.use = entry.key end
  doc.ordered(source.settings, keys)
  return source
end

-- ---- clients -----------------------------------------------------------------------------------

-- node: of a `destination`; destination: what it says.
function client_file.check_connection(self, node, destination, found)
  local name = destination and destination.connection
  if not name or self.connections[name] ~= nil then return end
  local names = nearest.keys(self.connections)
  local near = nearest.of(name, names)
  found:add(tree.get(node, "connection") or node, ("there is no connection \"%s\""):format(name), {
    expected = "a name from `connections:` in " .. self.project.config_file .. ": "
      .. table.concat(names, ", "),
    hint = near and ("did you mean \"%s\"?"):format(near) or nil,
  })
end

-- What etlhost.yaml says for every client, as the node that all else is laid over.
function client_file.base(node)
  local base = { kind = "map", line = 1, column = 1, file = node and node.file }
  if not node then return base end
  local own = tree.pick(node, function(key) return settings.of_every_client[key] end)
  return tree.merge(tree.pick(tree.get(node, "defaults") or base, function() return true end), own)
end

-- `start` of a source, or of its client: the day, and when it begins at the client's.
local function add_start(client, source, node, found)
  local day = source.start or client.start
  local zone = client.timezone or "UTC"
  if not day or zones.look_up(zone) == false then return end -- a zone that is none is told already
  local begin_us, problem = zones.day_begin(zone, day)
  if begin_us then
    source.first = { day = day, begin_us = begin_us }
  else
    found:add(tree.get(node, "timezone") or node, problem.message, { hint = problem.hint })
  end
end

-- The client's own node over its template and the defaults; the files of the template, nil when it
-- cannot be had.
local function effective(self, node, found)
  local base, used = self.base, {}
  local extends = tree.get(node, "extends")
  if extends and extends.kind == "string" then
    local template
    template, used = self.templates:of(extends.value, extends, found)
    if template then
      -- The same for all clients of a template: laid together once.
      self.layers[template] = self.layers[template] or tree.merge(base, template, settings.client)
      base = self.layers[template]
    end
  end
  return tree.merge(base, node, settings.client), used
end

-- Problems with etlhost.yaml's own words are told once, there.
local function forget_those_of(list, file)
  for i = #list, 1, -1 do
    local place = list[i].place or ""
    if place:sub(1, #file + 1) == file .. ":" then table.remove(list, i) end
  end
end

function client_file.read(self, name, read)
  local found = schema.problems(name)
  local node, data, used
  node, found.list = read(name)
  if node and node.kind == "map" then
    node, used = effective(self, node, found)
    data = schema.check(node, settings.client, found)
    forget_those_of(found.list, self.project.config_file)
  elseif node then
    data = schema.check(node, settings.client, found)
  end
  data = data or {}
  local client = {
    file = name,
    templates = used or {}, -- the files that it extends
    node = node, -- every effective word with its place
    id = data.id or name:match "([^/]+)%.ya?ml$",
    name = data.name,
    timezone = data.timezone,
    start = data.start,
    enabled = data.enabled ~= false,
    destination = data.destination,
    fresh_within = data.fresh_within,
    hash_key = data.hash_key,
    lanes = data.lanes,
    max_dead = data.max_dead,
    nonce = system.random_hex(16), -- of the handles of its secrets
    sources = {},
    problems = found.list,
    is_readable = used ~= nil and data.sources ~= nil,
  }
  local sources = tree.get(node, "sources")
  if sources and sources.kind == "map" then
    for _, entry in ipairs(sources) do
      local source = read_source(self, entry, found, client.nonce)
      client.sources[#client.sources + 1] = source
      if source then add_start(client, source, node, found) end
    end
  end
  client_file.check_connection(self, tree.get(node, "destination"), data.destination, found)
  layout.check(self, client, self.schemas, function(message, more)
    found:add(tree.get(node, "id") or { line = 1, column = 1 }, message, more)
  end)
  local same = self.by_id[client.id]
  if same then
    found:add(tree.get(node, "id") or { line = 1, column = 1 },
      ("the id \"%s\" is taken by %s"):format(client.id, same.file))
  else
    self.by_id[client.id] = client
  end
  return client
end

return client_file
