-- Which client has a pipeline of its own: a file of pipelines/ that says `client = "713"`. What it
-- hashes and drops must not be loaded by another pipeline that knows nothing of it, so a run of
-- another one leaves such a client out. Who owns whom is declared in Lua, so a jail evaluates the
-- files; `check` evaluates them anyway and gives its jobs to ownership.of.

local err = require "host.err"
local job = require "host.job"
local spec = require "host.spec"
local supervisor = require "host.supervisor"

local ownership = {}
ownership.__index = ownership

local AT_ONCE = 2

local function new()
  return setmetatable({
    paths = {}, -- client id -> the pipelines that are its own, in order
    client = {}, -- pipeline -> the client whose own it is
    evaluated = {}, -- pipeline -> whether anybody could evaluate it
    broken = {}, -- { path, text, problem }
  }, ownership)
end

local function note(self, made)
  local script = made.spec.pipeline
  if made.declared then
    if not self.evaluated[script.path] and made.only_client then
      local id = made.only_client
      self.paths[id] = self.paths[id] or {}
      table.insert(self.paths[id], script.path)
      self.client[script.path] = id
    end
    self.evaluated[script.path] = true
  elseif made.errors[1] and not self.evaluated[script.path] then
    table.insert(self.broken, { path = script.path, text = script.text, problem = made.errors[1] })
  end
end

-- From jobs that evaluated pipelines.
function ownership.of(jobs)
  local self = new()
  for _, made in ipairs(jobs) do
    if made.spec.pipeline.kind == "pipeline" then note(self, made) end
  end
  return self
end

-- Evaluates every pipeline of the project, and the one that is to be run (may be nil), which may
-- lie elsewhere. A project with no other one has nothing to find out. nil, err when somebody
-- stopped it.
function ownership.read(space, pipeline)
  if not space.project then return new() end
  local jobs, is_listed = {}, false
  local function add(script)
    local s = spec.new { op = "check", config = space.config, pipeline = script }
    s.pipeline.kind = "pipeline"
    jobs[#jobs + 1] = job.new { spec = s, title = "", places = space.places }
  end
  for _, path in ipairs(space.project:list("pipelines", ".lua")) do
    local script, problem = spec.read_pipeline(space.project:path(path), space.config)
    if not script then return nil, problem end
    is_listed = is_listed or (pipeline and script.path == pipeline.path)
    add(script)
  end
  if pipeline and not is_listed then add(pipeline) end
  if pipeline and #jobs == 1 then return new() end
  if not supervisor.run(jobs, { at_once = AT_ONCE }) then
    return nil, err.new { class = "cancelled", message = "stopped" }
  end
  return ownership.of(jobs)
end

-- The line of a pipeline that names its client, as a place.
local function client_place(known, path)
  local number = 0
  for line in ((known:find(path) or "") .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local at = line:gsub("%-%-.*$", ""):find "%f[%w_]client%s*="
    if at then return ("%s:%d:%d"):format(path, number, at) end
  end
  return path
end

-- Two pipelines for one client: an error for each client that has them.
function ownership:conflict(id, known)
  local list = self.paths[id]
  if not list or #list < 2 then return nil end
  return err.new {
    class = "config",
    message = ("client %s has %d pipelines of its own: %s"):format(id, #list,
      table.concat(list, ", ")),
    hint = "a client has one: join them, or take `client` out of those that are for any client",
    place = client_place(known, list[2]),
  }
end

-- `client = "999"` where nobody has that id.
function ownership:unknown_clients(config, known)
  local list = {}
  for path, id in pairs(self.client) do
    if not config.by_id[id] then
      list[#list + 1] = err.new {
        class = "config",
        message = ("this pipeline is for client %s, and there is none"):format(id),
        place = client_place(known, path), expected = "the id of a client of this project",
      }
    end
  end
  return list
end

-- A file that nobody can evaluate may be the own pipeline of whom it names: in its text, or as its
-- file name.
local function names_client(script, id)
  local quoted = id:gsub("%p", "%%%0")
  return script.path:match("([^/]*)%.lua$") == id
    or script.text:find("[\"']" .. quoted .. "[\"']") ~= nil
end

function ownership:doubt(id, path)
  for _, script in ipairs(self.broken) do
    if script.path ~= path and names_client(script, id) then
      local why = script.problem
      return err.new {
        class = why.class, message = why.message, place = why.place,
        trail = ("reading %s, which may be the own pipeline of client %s"):format(script.path, id),
        hint = "mend it, or move it out of pipelines/: until then this client is not loaded",
      }
    end
  end
end

function ownership:problem_of(path)
  for _, script in ipairs(self.broken) do
    if script.path == path then return script.problem end
  end
end

-- May the pipeline at `path` load this client? true; or false and the client's own pipeline; or nil
-- and an error.
function ownership:allows(path, id, known)
  local problem = self:conflict(id, known)
  if problem then return nil, problem end
  local own = self.paths[id] and self.paths[id][1]
  if own and not self.evaluated[path] then return nil, self:problem_of(path) end
  if own then return own == path, own end
  if self.client[path] then return true end -- for another client: its engine leaves this one out
  problem = self:doubt(id, path)
  if problem then return nil, problem end
  return true
end

-- The pipelines that may load a client: its own, or all that are for any client.
function ownership:pipelines(id)
  if self.paths[id] then return self.paths[id] end
  local list = {}
  for path in pairs(self.evaluated) do
    if not self.client[path] then list[#list + 1] = path end
  end
  table.sort(list)
  return list
end

function ownership.refusal(id, own)
  return err.new {
    class = "config",
    message = ("client %s has a pipeline of its own, %s"):format(id, own),
    hint = ("etlhost run %s; what it hashes and drops is known there only"):format(own),
  }
end

return ownership
