-- The jobs of a pipeline: one for each client that it is to load, with the specification for its
-- engine. `run` runs them; `schema diff` only looks what they would change.

local job = require "host.job"
local ownership = require "host.ownership"
local spec = require "host.spec"
local workspace = require "host.workspace"

local running = {}

-- The source of INSTANCE.RESOURCE, when that is what was asked for.
local function instance_of(client, resource)
  local name = resource and resource:match "^([^.]+)%."
  for _, source in ipairs(name and client.sources or {}) do
    if source.instance == name then return name end
  end
end

local function specification(args, space, client, pipeline)
  local where, problem = space:destination(args, client)
  if not where then return nil, problem end
  local s = spec.new {
    op = "run", config = space.config, client = client, pipeline = pipeline,
    destination = where, sandbox = args.sandbox,
  }
  s.only_resource = args.resource
  s.dry_run = args.dry_run
  s.take_over = args.take_over
  s.full_refresh = args.full_refresh
  s.allow_shrink = args.allow_shrink
  s.unit_bytes, s.chunk_bytes = args.unit_bytes, args.chunk_bytes
  s.lanes = args.lanes or s.lanes
  return space:add_secrets(s, client, instance_of(client, args.resource))
end

-- A client that cannot be run, or is not to be, is a job that has ended already.
local function make_job(args, space, client, pipeline, owners)
  local s
  local allowed, own = owners:allows(pipeline.path, client.id, space.places)
  local problem = allowed == nil and own or workspace.client_problem(client)
  if allowed and not problem then s, problem = specification(args, space, client, pipeline) end
  local made = job.new {
    spec = s, title = client.id, client = client, places = space.places,
    may_skip = args.client == nil,
  }
  if allowed == false then
    made:leave_out("it has a pipeline of its own, " .. own)
    made:finish()
  elseif problem then
    made:finish(problem)
  end
  return made
end

-- A client that was asked for by name, and that this pipeline may not load.
local function refused_client(args, clients, pipeline, owners)
  for _, client in ipairs(args.client and clients or {}) do
    local allowed, own = owners:allows(pipeline.path, client.id)
    if allowed == false then return ownership.refusal(client.id, own) end
  end
end

-- args: the options of `run`; path: of the pipeline. Gives the jobs, the pipeline | nil, err
function running.jobs(args, space, path)
  local pipeline, problem = spec.read_pipeline(path, space.config)
  if not pipeline then return nil, problem end
  local clients
  clients, problem = space.config:select(args.client)
  if not clients then return nil, problem end
  local owners
  owners, problem = ownership.read(space, pipeline)
  problem = problem or refused_client(args, clients, pipeline, owners)
  if problem then return nil, problem end
  local jobs = {}
  for i, client in ipairs(clients) do
    jobs[i] = make_job(args, space, client, pipeline, owners)
  end
  return jobs, pipeline
end

return running
