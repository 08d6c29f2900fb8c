-- The run specification for an engine (docs/reference/messages.md), built from the configuration.

local clock = require "host.clock"
local doc = require "host.doc"
local err = require "host.err"
local files = require "host.files"
local projects = require "host.projects"
local nearest = require "host.nearest"
local source_hosts = require "host.source_hosts"
local system = require "host.system"

local spec = {}

local defaults = {
  lanes = 2,
  memory_bytes = 256 * 1000 * 1000,
  deadline_seconds = 60,
  calls = 1000 * 1000,
  max_columns = 300,
  widen_max = 10 * 1000 * 1000,
  window_pages = 100 * 1000,
}

spec.defaults = defaults

-- Sorts by time, and is unique among all machines that load into one database.
function spec.run_id(now_us)
  local at = (now_us or clock.wall_us()) // 1000000
  return os.date("!%Y%m%d-%H%M%S-", at) .. system.random_hex(2)
end

function spec.limits(config)
  local given = config and config.limits or {}
  return {
    memory_bytes = given.memory or defaults.memory_bytes,
    deadline_ms = (given.deadline or defaults.deadline_seconds) * 1000,
    calls = given.calls or defaults.calls,
    max_columns = given.max_columns or defaults.max_columns,
    widen_max = given.widen_max or defaults.widen_max,
    window_pages = given.window_pages or defaults.window_pages,
  }
end

-- What the operator's word opens to requests; nil when it says nothing.
function spec.network(config)
  local given = config and config.network or {}
  if not next(given) then return nil end
  return {
    allow_private = given.allow_private,
    proxy = given.proxy,
    ca_file = given.ca_file and config.project:path(given.ca_file),
  }
end

-- Where a source's secrets may go: `hosts` and the URLs of its entry, and what is known of
-- etlhost's own sources. A script can only leave hosts out.
local function hosts_of(source)
  local list = doc.list {}
  for _, hosts in ipairs { source.hosts or {}, source.addresses, source_hosts[source.use] or {} } do
    table.move(hosts, 1, #hosts, #list + 1, list)
  end
  return list
end

local function source_entry(source)
  -- A pipeline may speak of a source that is switched off, so the script hears of it.
  if source.enabled == false then
    return { instance = source.instance, use = source.use, enabled = false, settings = {} }
  end
  return {
    instance = source.instance,
    use = source.use,
    settings = source.settings,
    roots = doc.list(table.move(source.roots, 1, #source.roots, 1, {})),
    hosts = hosts_of(source),
    resources = source.resources,
    contract = source.contract,
    max_dead = source.max_dead,
    on_changed_file = source.on_changed_file,
    min_ratio = source.min_ratio,
    start = source.first,
  }
end

function spec.sources(client)
  local list = doc.list {}
  for i, source in ipairs(client.sources) do list[i] = source_entry(source) end
  return list
end

-- Reads a pipeline: { path (as shown), text, folder } | nil, err. The path is from the current
-- folder, or from the project.
function spec.read_pipeline(path, config)
  local found = files.stat(path)
  local full = path
  if not found and config then
    full = config.project:path(path)
    found = files.stat(full)
  end
  if not found or found.type ~= "file" then
    return nil, err.new {
      class = "not_found",
      message = ("there is no pipeline %s"):format(path),
      hint = spec.pipeline_hint(config, path),
    }
  end
  local content, problem = files.read(full, 4 * 1024 * 1024)
  if not content then return nil, problem end
  local real
  real, problem = files.real_path(full)
  if not real then return nil, problem end
  local shown = config and config.project:shown(real) or path
  if config then config.places:add(shown, content) end
  return { path = shown, text = content, folder = real:match "^(.*)/" }
end

function spec.pipeline_hint(config, path)
  local names = config and config.project:list("pipelines", ".lua") or {}
  if #names == 0 then return nil end
  local near = nearest.of(path, names)
  if near then return ("did you mean %s?"):format(near) end
  return "there are: " .. table.concat(names, ", ")
end

-- Of the files that decide what a client's run does.
function spec.config_hash(config, client)
  local parts = { config.places.texts[config.project.config_file] or "" }
  if client and client.file then
    parts[2] = config.places.texts[client.file]
    for _, name in ipairs(client.templates) do parts[#parts + 1] = config.places.texts[name] end
  end
  for _, name in ipairs(config.projects_files) do parts[#parts + 1] = config.places.texts[name] end
  return files.hash(table.concat(parts, "\0"))
end

-- What a specification says of its client alone, into `s`.
function spec.add_client(s, config, client)
  s.client = {
    id = client.id, name = client.name or client.id, timezone = client.timezone or "UTC",
  }
  s.sources = spec.sources(client)
  s.max_dead = client.max_dead or config and config.max_dead
  return s
end

-- Where answers of servers wait that are too large for memory.
local function spool(config)
  local folder = os.getenv "ETLHOST_SPOOL"
  if folder and folder ~= "" then return folder end
  if config then return config.project:path ".etlhost/spool" end
  return (os.getenv "TMPDIR" or "/tmp") .. "/etlhost-spool"
end

-- What every specification has. options: op, config, client, destination, sandbox.
function spec.new(options)
  local config, client = options.config, options.client
  local s = {
    op = options.op,
    run_id = spec.run_id(),
    project = config and config.project.root or nil,
    sandbox = options.sandbox or (config and config.sandbox) or "strict",
    destination = options.destination,
    lanes = (client and client.lanes) or (config and config.lanes) or defaults.lanes,
    limits = spec.limits(config),
    max_dead = config and config.max_dead,
    network = spec.network(config),
    spool = spool(config),
  }
  if client then spec.add_client(s, config, client) end
  if options.pipeline then
    s.pipeline = { path = options.pipeline.path, text = options.pipeline.text }
    s.script_hash = files.hash(options.pipeline.text)
  end
  if config then s.config_hash = spec.config_hash(config, client) end
  if options.op ~= "check" then s.projects = projects.of(config, client) end
  if config then s.module_roots = spec.module_roots(config, options.pipeline) end
  return s
end

-- Where `require` of a script looks: "lib.x" beside the pipeline, then from the project's root,
-- where "sources.x" is the project's own; the sources that the executable carries come last.
function spec.module_roots(config, pipeline)
  local roots, seen = doc.list {}, {}
  local wanted = { pipeline and pipeline.folder or config.project.root, config.project.root }
  for _, folder in ipairs(wanted) do
    local real = files.real_path(folder)
    if real and not seen[real] then
      seen[real] = true
      roots[#roots + 1] = real
    end
  end
  return roots
end

return spec
