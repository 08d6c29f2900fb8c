-- etlhost run: a pipeline for one client, several, or all of them.

local exit = require "host.exit"
local hints = require "host.hints"
local files = require "host.files"
local inputs = require "host.inputs"
local retention = require "host.retention"
local running = require "host.running"
local session = require "host.session"
local summary = require "host.summary"
local workspace = require "host.workspace"

local verb = {
  name = "run",
  usage = "run PIPELINE.lua [--client C]... [options]",
  summary = "Runs a pipeline: reads what is new at each client's sources and loads it.",
  about = {
    "Without --client every enabled client is run, one after the other or --parallel N at once; "
      .. "one client's failure never stops another. What is loaded stays loaded: the same command "
      .. "again loads only what is new, and goes on where a stopped run was. Ctrl-C stops at the "
      .. "last commit.",
  },
  positionals = {
    { "PIPELINE.lua", required = true,
      help = "the script, from this folder or from the project's" },
  },
  options = {
    { "client", value = "C", many = true, help = "only this client" },
    { "resource", value = "R", help = "only this resource, as RESOURCE or INSTANCE.RESOURCE" },
    { "destination", value = "URL",
      help = "sqlite:PATH or postgres://..., instead of the configured one" },
    { "schema", value = "NAME", help = "the database schema (default: etl; SQLite has none)" },
    { "dry-run", help = "read, infer and convert everything, write nothing" },
    { "full-refresh", help = "load all files anew, in the place of what the streams have" },
    { "allow-shrink", help = "replace rows also when few or none are left" },
    { "strict", help = "exit status 3 when rows went to the dead rows" },
    { "lanes", value = "N", integer = true, help = "connections that load at once (Postgres)" },
    { "parallel", value = "N", integer = true, min = 1, max = 32,
      help = "so many clients at once (default: 1)" },
    inputs.unit_bytes,
    inputs.chunk_bytes,
    { "take-over", help = "take streams from a run that still looks alive" },
    { "sandbox", value = "KIND", one_of = { "strict", "weak" },
      help = "weak: run scripts although the system lacks a wall that strict asks for" },
    { "json", help = "print each event as a line of JSON instead of progress and summary" },
  },
  examples = {
    "etlhost run pipelines/sync.lua",
    "etlhost run pipelines/sync.lua --client 713 --resource orders-create --dry-run",
    "etlhost run pipelines/sync.lua --destination postgres://loader@db.example/warehouse",
  },
}

-- The command once more, for the same clients, resource and destination.
local function same_command(args, shown)
  local words = { "etlhost run " .. shown }
  for _, id in ipairs(args.client or {}) do words[#words + 1] = " --client " .. id end
  if args.resource then words[#words + 1] = " --resource " .. args.resource end
  return table.concat(words) .. hints.destination(args)
end

-- The stream whose rows are worth a look: one with new rows before one that knew all its files.
local function first_stream(jobs)
  local first
  for _, j in ipairs(jobs) do
    for _, stream in ipairs(j.streams) do
      if stream.finished and (stream.rows_loaded or 0) > 0 then return stream end
      local is_known = stream.finished and (stream.files_known or 0) > 0
      first = first or (is_known and stream) or nil
    end
  end
  return first
end

local function next_steps(args, shown)
  local again = same_command(args, shown)
  return function(jobs, code)
    local steps = {}
    local first = first_stream(jobs)
    local totals = summary.totals(jobs)
    if first and first.table then
      steps[1] = hints.look_at(first.destination, first.table, args, args.schema)
    end
    if totals.rows_loaded > 0 then
      steps[#steps + 1] = { again, "again: nothing is loaded twice" }
    end
    if totals.rows_dead > 0 then
      steps[#steps + 1] = {
        "etlhost dead list" .. hints.destination(args), "the rows that did not fit, and why",
      }
    end
    if code == exit.interrupted then
      steps[#steps + 1] = { again, "go on" }
    elseif code ~= exit.ok then
      if code == exit.usage or code == exit.script then
        steps[#steps + 1] = { "etlhost check", "mistakes in the configuration and the scripts" }
      end
      if code == exit.network and totals.rows_loaded == 0 then
        steps[#steps + 1] = { again, "try again: it may pass" }
      end
      steps[#steps + 1] = { "etlhost runs show", "all that this run said" }
    elseif totals.rows_loaded == 0 then
      steps[#steps + 1] = { "etlhost state show", "what is loaded already" }
    end
    return steps
  end
end

function verb.run(args, ctx)
  local path = args["pipeline.lua"]
  local space, problem = workspace.open { folder = args.project, near = path }
  if not space then return nil, problem end
  ctx.places = space.places
  problem = space:blocking_problem()
  if problem then return nil, problem end
  local jobs, pipeline = running.jobs(args, space, path)
  if not jobs then return nil, pipeline end
  local code = session.run(ctx, jobs, {
    verb = "run", json = args.json, strict = args.strict, dry_run = args.dry_run,
    with_client = true, project = space.project, log = space.config.log,
    at_once = args.parallel,
    next_steps = next_steps(args, files.stat(path) and path or pipeline.path),
  })
  if not args.dry_run and code ~= exit.interrupted then
    retention.prune_when_due(ctx, space, jobs)
  end
  return code
end

return verb
