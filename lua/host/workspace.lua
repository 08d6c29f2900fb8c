-- What most verbs begin with: the project, its configuration, its secrets. `load` and `preview`
-- also work without a project; then there is only the current folder.

local config = require "host.config"
local destination = require "host.destination"
local err = require "host.err"
local places = require "host.places"
local project = require "host.project"
local secrets = require "host.secrets"

local workspace = {}
workspace.__index = workspace

-- options: folder (--project), near (a file that may lie in the project), optional (a missing
-- project is fine unless it was named). nil, err otherwise.
function workspace.open(options)
  local found, problem = project.find(options)
  if not found then
    if options.optional and not options.folder then
      return setmetatable({ places = places.new(nil), secrets = secrets.new(nil) }, workspace)
    end
    return nil, problem
  end
  local loaded = config.load(found)
  return setmetatable({
    project = found,
    config = loaded,
    places = loaded.places,
    secrets = secrets.new(found.root),
  }, workspace)
end

-- The first problem of etlhost.yaml, as an error that stops everything; nil when it is well.
function workspace:blocking_problem()
  local list = self.config and self.config.problems or {}
  if #list == 0 then return nil end
  if #list > 1 and not list[1].hint then
    list[1].hint = ("`etlhost check` shows all %d problems"):format(#list)
  end
  return list[1]
end

-- What a verb begins with that works without a project, too: from now on errors name places of the
-- project, if there is one. anyway: what is wrong with etlhost.yaml does not matter yet.
function workspace.begin(args, ctx, anyway)
  local space, problem = workspace.open { folder = args.project, optional = true }
  if not space then return nil, problem end
  ctx.places = space.places
  problem = not anyway and space:blocking_problem()
  if problem then return nil, problem end
  return space
end

-- A client of the project by its id, whatever may be wrong with it; without an id the only one.
function workspace:any_client(id)
  local chosen, problem = self.config:select(id and { id })
  if not chosen then return nil, problem end
  if #chosen > 1 then
    local names = {}
    for i, client in ipairs(chosen) do names[i] = client.id end
    return nil, err.new {
      class = "config",
      message = "which client? This project has several",
      hint = "--client " .. table.concat(names, ", or --client "),
    }
  end
  return chosen[1]
end

-- The same for one that can be run.
function workspace:one_client(id)
  local client, problem = self:any_client(id)
  problem = problem or workspace.client_problem(client)
  if problem then return nil, problem end
  return client
end

-- Why a client cannot be run: a mistake in its file, or a folder that is not there.
function workspace.client_problem(client)
  if client.problems[1] then return client.problems[1] end
  for _, source in ipairs(client.sources) do
    local missing = source.enabled ~= false and source.missing and source.missing[1]
    if missing then return missing end
  end
end

-- Where rows go: --destination and --schema first, then the client's file, then the defaults. A
-- schema that was named is that one for every client, without views.
function workspace:destination(args, client)
  if args.destination then return destination.from_option(args.destination, args.schema) end
  local where, problem
  if self.config then
    where, problem = destination.of(self.config, client, self.secrets)
  else
    where, problem = destination.fallback()
  end
  if not where then return nil, problem end
  if args.schema then where.schema, where.views = args.schema, nil end
  return where
end

-- The secrets of a run into its specification: the key of `hash`, and those of the client's sources
-- (instance: only of this one); nil, err when one is named and not to be had.
function workspace:add_secrets(s, client, instance)
  if not client then return s end
  local problem
  if client.hash_key ~= nil then
    s.hash_key, problem = self.secrets:resolve(client.hash_key)
    if problem then problem.trail = "while resolving hash_key" end
  end
  if not problem then s.secrets, problem = self.secrets:of_sources(client, instance) end
  if not problem and self.config.secrets_key then
    problem = self.secrets:add_token_key(s.secrets, self.config.secrets_key, self.project)
  end
  if problem then return nil, problem end
  return s
end

return workspace
