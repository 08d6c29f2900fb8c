-- The project's configuration: etlhost.yaml and the clients' files as plain data, with every
-- problem that they have. A client's problems are its own: the others run.

local doc = require "host.doc"
local err = require "host.err"
local files = require "host.files"
local nearest = require "host.nearest"
local places = require "host.places"
local schema = require "host.schema"
local settings = require "host.settings"
local yaml = require "host.yaml"

local config = {}
config.__index = config

local FILE_MAX = 1024 * 1024

local function read_file(self, name, shape)
  local found = schema.problems(name)
  local content, problem = files.read(self.project:path(name), FILE_MAX)
  if not content then
    found.list[1] = problem
    return {}, found
  end
  self.places:add(name, content)
  local node
  node, problem = yaml.parse(content, name)
  if not node then
    found.list[1] = problem
    return {}, found
  end
  return schema.check(node, shape, found), found, node
end

local function entry_node(node, key)
  if not node or node.kind ~= "map" then return nil end
  for _, entry in ipairs(node) do
    if entry.key == key then return entry.node end
  end
end

-- ---- sources -----------------------------------------------------------------------------------

-- The folder that a "file:" address names, absolute; nil for any other text.
local function folder_of(self, value)
  local path = value:match "^file:(.+)$"
  if not path then return nil end
  path = path:match "^//(/.*)$" or path
  return self.project:path(path)
end

-- Goes through a source's settings: folders become roots, secrets become handles.
local function walk_settings(self, node, source, trail, found)
  if schema.secret_reference(node) then
    return "secret:" .. source.instance .. "." .. table.concat(trail, ".")
  end
  if node.kind == "string" then
    local folder = folder_of(self, node.value)
    if folder then
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

local function read_source(self, entry, found)
  local function place(at) return ("%s:%d:%d"):format(found.name, at.line, at.column) end
  local source = {
    instance = entry.key, use = entry.key, settings = {}, roots = {},
    missing = {}, -- folders that are not there: an error of a run, a note of `check`
    place = place(entry), places = {}, -- where its settings stand, for what its Lua says of them
  }
  local keys = {}
  if entry.node.kind == "null" then return source end
  if entry.node.kind ~= "map" then return nil end -- said by the schema already
  for _, item in ipairs(entry.node) do
    source.places[item.key] = place(item)
    local shape = settings.source_fields[item.key]
    if shape then
      source[item.key] = schema.check(item.node, shape, found)
    elseif settings.source_foreign[item.key] and not entry_node(entry.node, "use") then
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

local function check_connection(self, node, destination, found)
  local name = destination and destination.connection
  if not name or self.connections[name] ~= nil then return end
  local names = nearest.keys(self.connections)
  local near = nearest.of(name, names)
  found:add(entry_node(node, "connection"), ("there is no connection \"%s\""):format(name), {
    expected = "a name from `connections:` in " .. self.project.config_file .. ": "
      .. table.concat(names, ", "),
    hint = near and ("did you mean \"%s\"?"):format(near) or nil,
  })
end

local function read_client(self, name)
  local data, found, node = read_file(self, name, settings.client)
  local client = {
    file = name,
    id = data.id or name:match "([^/]+)%.ya?ml$",
    name = data.name,
    timezone = data.timezone or self.defaults.timezone,
    enabled = data.enabled ~= false,
    destination = data.destination,
    fresh_within = data.fresh_within or self.defaults.fresh_within,
    lanes = data.lanes,
    max_dead = data.max_dead,
    sources = {},
    problems = found.list,
    is_readable = node ~= nil and data.sources ~= nil,
  }
  local sources = entry_node(node, "sources")
  if sources and sources.kind == "map" then
    for _, entry in ipairs(sources) do
      client.sources[#client.sources + 1] = read_source(self, entry, found)
    end
  end
  check_connection(self, entry_node(node, "destination"), data.destination, found)
  local same = self.by_id[client.id]
  if same then
    found:add(entry_node(node, "id") or { line = 1, column = 1 },
      ("the id \"%s\" is taken by %s"):format(client.id, same.file))
  else
    self.by_id[client.id] = client
  end
  return client
end

-- The configuration of a project. It always comes back; what is wrong is in config.problems (for
-- etlhost.yaml) and in the problems of each client.
function config.load(project)
  local self = setmetatable({ project = project, places = places.new(project.root) }, config)
  local data, found, node = read_file(self, project.config_file, settings.project)
  self.problems = found.list
  self.connections = data.connections or {}
  self.connections[settings.default_connection] = self.connections[settings.default_connection]
    or { url = settings.default_url }
  self.defaults = data.defaults or {}
  self.sandbox = data.sandbox or "strict"
  self.lanes = data.lanes
  self.limits = data.limits or {}
  self.max_dead = data.max_dead
  self.log = data.log or {}
  check_connection(self, entry_node(entry_node(node, "defaults"), "destination"),
    self.defaults.destination, found)
  self.clients, self.by_id = {}, {}
  for _, name in ipairs(project:list(project.client_folder, ".yaml")) do
    self.clients[#self.clients + 1] = read_client(self, name)
  end
  return self
end

-- The clients with these ids; without ids every enabled one. nil, err for an id nobody has.
function config:select(ids)
  local chosen = {}
  if not ids then
    for _, client in ipairs(self.clients) do
      if client.enabled then chosen[#chosen + 1] = client end
    end
    if #chosen > 0 then return chosen end
    return nil, err.new {
      class = "config",
      message = #self.clients == 0 and "this project has no client yet"
        or "no client of this project is enabled",
      hint = ("a client is a file in %s/"):format(self.project.client_folder),
    }
  end
  for _, id in ipairs(ids) do
    local client = self.by_id[id]
    if not client then
      local near = nearest.of(id, nearest.keys(self.by_id))
      return nil, err.new {
        class = "config",
        message = ("there is no client \"%s\""):format(id),
        expected = "one of " .. table.concat(nearest.keys(self.by_id), ", "),
        hint = near and ("did you mean \"%s\"?"):format(near) or nil,
      }
    end
    chosen[#chosen + 1] = client
  end
  return chosen
end

-- All problems of etlhost.yaml and of all clients.
function config:all_problems()
  local list = table.move(self.problems, 1, #self.problems, 1, {})
  for _, client in ipairs(self.clients) do
    table.move(client.problems, 1, #client.problems, #list + 1, list)
  end
  return list
end

return config
