-- The project's configuration: etlhost.yaml and the clients' files as plain data, with every
-- problem that they have. A client's problems are its own: the others run.

local client_file = require "host.client_file"
local err = require "host.err"
local files = require "host.files"
local nearest = require "host.nearest"
local places = require "host.places"
local projects = require "host.projects"
local schema = require "host.schema"
local settings = require "host.settings"
local templates = require "host.templates"
local tree = require "host.tree"
local yaml = require "host.yaml"

local config = {}
config.__index = config

local FILE_MAX = 1024 * 1024

-- The nodes of a file: node | nil, and a list with the problem of the file as a whole.
local function read_nodes(self, name)
  local content, problem = files.read(self.project:path(name), FILE_MAX)
  if not content then return nil, { problem } end
  self.places:add(name, content)
  local node
  node, problem = yaml.parse(content, name)
  if not node then return nil, { problem } end
  return node, {}
end

-- The configuration of a project. It always comes back; what is wrong is in config.problems (for
-- etlhost.yaml) and in the problems of each client.
function config.load(project)
  local self = setmetatable({ project = project, places = places.new(project.root) }, config)
  local function read(name) return read_nodes(self, name) end
  local node, list = read(project.config_file)
  local found = schema.problems(project.config_file)
  found.list = list
  local data = node and schema.check(tree.stamp(node, project.config_file), settings.project, found)
    or {}
  self.problems = found.list
  self.connections = data.connections or {}
  self.connections[settings.default_connection] = self.connections[settings.default_connection]
    or { url = settings.default_url }
  self.defaults = data.defaults or {}
  self.sandbox = data.sandbox or "strict"
  self.secrets_key = data.secrets and data.secrets.key
  self.lanes = data.lanes
  self.limits = data.limits or {}
  self.max_dead = data.max_dead
  self.network = data.network or {}
  self.log = data.log or {}
  self.keep = data.keep or {}
  client_file.check_connection(self, tree.get(tree.get(node, "defaults"), "destination"),
    self.defaults.destination, found)
  self.projects = projects.read(self, read)
  self.base, self.layers = client_file.base(node), {}
  self.templates = templates.new(project, read)
  self.template_problems = self.templates:problems()
  self.clients, self.by_id, self.schemas = {}, {}, {} -- schemas: which client has which
  for _, name in ipairs(project:list(project.client_folder, ".yaml")) do
    self.clients[#self.clients + 1] = client_file.read(self, name, read)
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

-- All problems of etlhost.yaml, of the templates and of all clients.
function config:all_problems()
  local list = table.move(self.problems, 1, #self.problems, 1, {})
  table.move(self.template_problems, 1, #self.template_problems, #list + 1, list)
  for _, client in ipairs(self.clients) do
    table.move(client.problems, 1, #client.problems, #list + 1, list)
  end
  return list
end

return config
