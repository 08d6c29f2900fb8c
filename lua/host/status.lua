-- How each client's sources are doing: what the configuration expects, held against what the
-- destinations and the catalog of runs know. One question a destination, however many clients.

local admin = require "host.admin"
local catalog = require "host.catalog"
local cjson = require "cjson.safe"
local clock = require "host.clock"
local doc = require "host.doc"
local files = require "host.files"
local liveness = require "host.liveness"
local workspace = require "host.workspace"

local status = {}

-- Worst first: the order in which they are shown. Of the bad ones a monitor wants to hear.
status.order = { "failing", "unknown", "late", "never", "running", "ok", "disabled" }
status.bad = { failing = true, unknown = true, late = true }

local rank = {}
for i, word in ipairs(status.order) do rank[word] = i end

-- ---- what is asked -----------------------------------------------------------------------------

-- The clients by the address of their destination: { url, destination, clients, by_id, problem }
local function destinations(space, args, clients)
  local list, by_url = {}, {}
  for _, client in ipairs(clients) do
    local where, problem = space:destination(args, client)
    local url = where and where.url or "?" .. client.id
    local entry = by_url[url]
    if not entry then
      entry = { destination = where, problem = problem, clients = {}, by_id = {} }
      by_url[url] = entry
      list[#list + 1] = entry
    end
    table.insert(entry.clients, client)
    entry.by_id[client.id] = client
  end
  return list
end

local function plain(row)
  for key, value in pairs(row) do
    if value == doc.null then row[key] = nil end
  end
  return row
end

-- The streams of a destination by client | nil, err
local function ask(space, entry)
  local only = #entry.clients == 1 and entry.clients[1].id or nil
  local rows, problem = admin.ask(space, { destination = entry.destination }, "status",
    { client = only })
  if not rows then return nil, problem end
  local by_client = {}
  for _, row in ipairs(rows) do
    by_client[row.client_id] = by_client[row.client_id] or {}
    table.insert(by_client[row.client_id], plain(row))
  end
  return by_client
end

-- The first error of each stream of a run, as "class: message" by "source.resource".
local function failures_of(handle, run)
  local failures = {}
  for _, row in ipairs(catalog.events(handle, run.run_id) or {}) do
    local event = row.event == "error" and cjson.decode(row.json)
    if event and event.instance and event.resource and event.class ~= "cancelled" then
      local name = event.instance .. "." .. event.resource
      failures[name] = failures[name] or ("%s: %s"):format(event.class or "bug",
        event.message or "?")
    end
  end
  return failures
end

-- The latest run of each client in the catalog of this project.
local function latest_runs(space)
  local by_client = {}
  if not files.stat(space.project.catalog_folder .. "/catalog.db") then return by_client end
  local handle = catalog.open(space.project)
  if not handle then return by_client end
  for _, run in ipairs(catalog.latest(handle) or {}) do
    by_client[run.client] = run
    if run.status == "failed" then run.failures = failures_of(handle, run) end
  end
  handle:close()
  return by_client
end

-- ---- judging -----------------------------------------------------------------------------------

local function fresh_within(client, source, resource)
  local own = source and source.fresh_within or {}
  return own[resource] or own["*"] or client.fresh_within
end

local function is_off(client, source)
  return not client.enabled or (source ~= nil and source.enabled == false)
end

local function state_of(row, limit)
  if row.status == "running" then
    if liveness.is_live(row) then return "running" end
    return "failing", "transient: the run that loaded it ended without a word"
  end
  if row.status == "failed" then return "failing", row.error end
  if not row.last_success_at then return limit and "late" or "never" end
  if limit and tonumber(row.age) > limit then return "late" end
  return "ok"
end

local function judge_stream(client, source, row)
  local limit = fresh_within(client, source, row.resource)
  local state, message = state_of(row, limit)
  if is_off(client, source) then state, message = "disabled", nil end
  return {
    client = client.id, source = row.instance, resource = row.resource, state = state,
    table = row.table_name, schema = row.table_schema ~= "main" and row.table_schema or nil,
    last_success_at = row.last_success_at, age = tonumber(row.age), fresh_within = limit,
    error = message, run = row.run_id, pipeline = row.pipeline, dead = tonumber(row.dead),
  }
end

-- A source, or a resource of it that the file names, from which nothing ever came.
local function never(client, source, resource)
  local limit = fresh_within(client, source, resource)
  local state = is_off(client, source) and "disabled" or limit and "late" or "never"
  return {
    client = client.id, source = source.instance, resource = resource, state = state,
    fresh_within = limit, dead = 0,
  }
end

-- Another machine may have gone on since the run; ages are whole seconds of another clock.
local function went_on(entry, run)
  local now = clock.wall_us() // 1000000
  return entry.age ~= nil and now - entry.age > (run.finished_at or run.started_at) // 1000000 + 2
end

-- The entry of a stream, or of its source as a whole when nothing is known of its resources.
local function entry_of(list, first, instance, resource)
  for i = first, #list do
    local entry = list[i]
    if entry.source == instance and (entry.resource == resource or not entry.resource) then
      return entry
    end
  end
end

-- What failed in the latest run before it had anything to write into the destination: a service
-- that refused the key, a bucket that is not there.
local function add_failures(list, first, client, sources, run)
  if not run or not client.enabled then return end
  for name, message in pairs(run.failures or {}) do
    local instance, resource = name:match "^([^.]*)%.(.*)$"
    local entry = entry_of(list, first, instance, resource)
    if not entry and sources[instance] then
      entry = { client = client.id, source = instance, state = "never", dead = 0 }
      list[#list + 1] = entry
    end
    local is_told = not entry or entry.state == "failing" or entry.state == "disabled"
    if not is_told and not went_on(entry, run) then
      entry.resource, entry.state, entry.error = resource, "failing", message
      entry.run, entry.pipeline = run.run_id, run.pipeline
    end
  end
end

-- What befell a client before any of its streams could tell: no such script, a refused sign-in.
local function add_run(list, first, client, run)
  if not run or not client.enabled then return end
  if run.status ~= "failed" and run.status ~= "lost" then return end
  for i = first, #list do
    if list[i].state == "failing" or went_on(list[i], run) then return end
  end
  list[#list + 1] = {
    client = client.id, state = "failing", run = run.run_id, pipeline = run.pipeline, dead = 0,
    error = run.error and ("%s: %s"):format(run.class or "bug", run.error)
      or "transient: the run ended without a word",
  }
end

local function add_client(list, client, streams, run)
  local first = #list + 1
  local problem = client.enabled and workspace.client_problem(client)
  if problem then
    list[#list + 1] = {
      client = client.id, state = "failing", dead = 0, place = problem.place,
      error = "config: " .. problem.message,
    }
    return
  end
  local sources, seen = {}, {}
  for _, source in ipairs(client.sources) do sources[source.instance] = source end
  for _, row in ipairs(streams) do
    local source = sources[row.instance]
    if source then
      seen[row.instance] = true
      seen[row.instance .. "." .. row.resource] = true
      list[#list + 1] = judge_stream(client, source, row)
    end
  end
  for _, source in ipairs(client.sources) do
    for _, resource in ipairs(source.resources or {}) do
      local name = source.instance .. "." .. resource
      if not seen[name] then
        seen[source.instance] = true
        list[#list + 1] = never(client, source, resource)
      end
    end
    if not seen[source.instance] then list[#list + 1] = never(client, source) end
  end
  add_failures(list, first, client, sources, run)
  add_run(list, first, client, run)
end

local function add_unknown(list, clients, problem)
  for _, client in ipairs(clients) do
    list[#list + 1] = {
      client = client.id, state = client.enabled and "unknown" or "disabled", dead = 0,
      error = client.enabled and ("%s: %s"):format(problem.class, problem.message) or nil,
      hint = problem.hint,
    }
  end
end

local function sort(list)
  for i, entry in ipairs(list) do entry.at = i end
  table.sort(list, function(a, b)
    if a.state ~= b.state then return rank[a.state] < rank[b.state] end
    if a.client ~= b.client then return a.client < b.client end
    return a.at < b.at
  end)
  return list
end

-- ---- the whole ---------------------------------------------------------------------------------

-- Without a project: the streams of the one destination, which nobody expects anything of.
local function without_project(space, args)
  local targets, problem = admin.targets(space, args)
  if not targets then return nil, problem end
  local rows
  rows, problem = admin.ask_all(space, targets, "status")
  if not rows then return nil, problem end
  local list = {}
  for _, row in ipairs(rows) do
    list[#list + 1] = judge_stream({ id = row.client_id, enabled = true }, nil, row)
  end
  return sort(list)
end

-- A list of { client, source, resource (nil: the whole), state, last_success_at, age, fresh_within,
-- error, run, pipeline, dead, ... }, worst first | nil, err
function status.list(space, args)
  if not space.config then return without_project(space, args) end
  local clients = space.config.clients
  if args.client then
    local chosen, problem = space.config:select(args.client)
    if not chosen then return nil, problem end
    clients = chosen
  end
  local list, runs = {}, latest_runs(space)
  for _, entry in ipairs(destinations(space, args, clients)) do
    local streams, why = nil, entry.problem
    if not why then streams, why = ask(space, entry) end
    if streams then
      for _, client in ipairs(entry.clients) do
        add_client(list, client, streams[client.id] or {}, runs[client.id])
      end
    else
      add_unknown(list, entry.clients, why)
    end
  end
  return sort(list)
end

function status.is_bad(list)
  for _, entry in ipairs(list) do
    if status.bad[entry.state] then return true end
  end
  return false
end

return status
