-- Questions and corrections to the bookkeeping beside the data. It lies in the destination, so an
-- engine asks; a project whose clients have several destinations has several answers.

local doc = require "host.doc"
local job = require "host.job"
local spec = require "host.spec"
local supervisor = require "host.supervisor"
local text = require "host.text"

local admin = {}

local function warn(ctx, about, problem)
  ctx.err:print(("%s %s: %s%s"):format(ctx.err:style("yellow", "left out"), about,
    text.safe(problem.message), problem.place and " (" .. problem.place .. ")" or ""))
end

-- The places that the words --client and --destination mean: a list of { client = id or nil,
-- destination }, each destination once. A client that is not asked for by name, and whose file is
-- broken, is left out with a warning on ctx.err.
function admin.targets(space, args, ctx)
  if args.destination or not space.config then
    local where, problem = space:destination(args)
    if not where then return nil, problem end
    return { { client = args.client and args.client[1], destination = where } }
  end
  local clients, problem = space.config:select(args.client)
  if not clients and args.client then return nil, problem end
  local targets, by_url, first = { ctx = ctx }, {}, nil
  for _, client in ipairs(clients or {}) do
    local where
    problem = client.problems[1]
    if not problem then where, problem = space:destination(args, client) end
    if problem then
      if args.client then return nil, problem end
      warn(ctx, "client " .. client.id, problem)
      first = first or problem
    elseif args.client then
      targets[#targets + 1] = { client = client.id, destination = where }
    elseif not by_url[where.url] then
      by_url[where.url] = true
      targets[#targets + 1] = { destination = where }
    end
  end
  if #targets > 0 then return targets end
  if first then return nil, first end
  local where
  where, problem = space:destination(args)
  if not where then return nil, problem end
  return { { destination = where } }
end

-- One question to one destination: its rows | nil, err. What was never loaded into knows nothing.
function admin.ask(space, target, verb, params)
  local s = spec.new { op = "admin", config = space.config, destination = target.destination }
  s.admin = { verb = verb }
  for key, value in pairs(params or {}) do s.admin[key] = value end
  local made = job.new { spec = s, title = "", places = space.places }
  supervisor.run({ made }, {})
  local problem = made.errors[1]
  if problem and problem.class == "not_found" then return {}, problem end
  if problem then return nil, problem end
  return made.result or {}
end

-- Is one destination of several that cannot be asked only worth a warning? The others answer.
function admin.goes_on(targets, problem)
  if #targets < 2 or problem.class == "cancelled" then return false end
  targets.failed = (targets.failed or 0) + 1
  if targets.failed == #targets then return false end
  warn(targets.ctx, "a destination", problem)
  return true
end

-- Several steps in one transaction of one destination, all or none: the rows of each, in order |
-- nil, err. steps: { query, names (spliced), params, count (of params, where some are nil), file
-- (rows go there, as CSV), expect (the first value of the first row) or like (the step that must
-- have given the same), what (that it is), bare (not about the bookkeeping), alone (the only one,
-- outside of a transaction) }. A name that is a list stands for its names, parted by commas.
function admin.transact(space, target, steps, changes)
  local s = spec.new { op = "admin", config = space.config, destination = target.destination }
  local list = doc.list {}
  for i, step in ipairs(steps) do
    local params = doc.list {}
    for p = 1, step.count or #(step.params or {}) do
      local value = step.params[p]
      params[p] = value == nil and doc.null or tostring(value)
    end
    list[i] = {
      query = step.query, names = step.names, params = params, file = step.file,
      expect = step.expect and tostring(step.expect), like = step.like, what = step.what,
      bare = step.bare, alone = step.alone,
    }
  end
  s.admin = { steps = list, changes = changes }
  local made = job.new { spec = s, title = "", places = space.places }
  supervisor.run({ made }, {})
  if made.errors[1] then return nil, made.errors[1] end
  for _, rows in ipairs(made.result) do
    for _, row in ipairs(rows) do
      for key, value in pairs(row) do
        if value == doc.null then row[key] = nil end
      end
    end
  end
  return made.result
end

-- The same question to all: the rows of all, each with its `target` | nil, err.
function admin.ask_all(space, targets, verb, params)
  local all, nothing = {}, nil
  for _, target in ipairs(targets) do
    local asked = { client = target.client }
    for key, value in pairs(params or {}) do asked[key] = value end
    local rows, problem = admin.ask(space, target, verb, asked)
    if not rows and not admin.goes_on(targets, problem) then return nil, problem end
    nothing = problem or nothing
    for _, row in ipairs(rows or {}) do
      for key, value in pairs(row) do
        if value == doc.null then row[key] = nil end
      end
      row.target = target
      all[#all + 1] = row
    end
  end
  return all, nothing
end

-- "INSTANCE.RESOURCE", "RESOURCE" or "TABLE" against a row of state_show or dead_list.
function admin.is_stream(row, word)
  if not word then return true end
  return word == admin.stream_name(row) or word == row.resource or word == row.table_name
end

function admin.stream_name(row)
  return row.instance .. "." .. row.resource
end

-- A time of either database as "2026-03-01 12:30:00", UTC.
function admin.time(value)
  return value and value:gsub("T", " "):sub(1, 19) or nil
end

-- What the ledger of a stream knows, by input, latest first: a list of { name, size, rows, dead,
-- complete, last_at, is_retry (dead rows sent again), is_window (of a service), units: { rows, at,
-- load } } | nil, err
function admin.inputs(space, row)
  local units, problem = admin.ask(space, row.target, "state_units", { stream = row.stream_id })
  if not units then return nil, problem end
  local inputs, by_input = {}, {}
  for _, unit in ipairs(units) do
    local input = by_input[unit.input]
    if not input then
      input = {
        name = unit.file ~= doc.null and unit.file or "?",
        rows = 0, dead = 0, complete = false, last_at = "", units = {},
        is_retry = unit.input:match "^dead:" ~= nil,
        is_window = unit.input:match "^window:" ~= nil,
        size = not unit.input:match "^window:"
          and math.tointeger(tonumber(unit.input:match ":(%d+)$")) or nil,
      }
      by_input[unit.input] = input
      inputs[#inputs + 1] = input
    end
    input.rows = input.rows + (tonumber(unit.rows) or 0)
    input.dead = input.dead + (tonumber(unit.dead) or 0)
    input.complete = input.complete or unit.is_last == "1" or unit.is_last == "t"
    local at = admin.time(unit.committed_at)
    table.insert(input.units, { rows = tonumber(unit.rows) or 0, at = at, load = unit.load_id })
    if at > input.last_at then input.last_at = at end
  end
  table.sort(inputs, function(a, b)
    if a.last_at ~= b.last_at then return a.last_at > b.last_at end
    return a.name > b.name
  end)
  return inputs
end

-- The options of every verb that asks.
admin.options = {
  { "client", value = "C", many = true, help = "only this client" },
  { "destination", value = "URL",
    help = "sqlite:PATH or postgres://..., instead of the configured one" },
}

return admin
