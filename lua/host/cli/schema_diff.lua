-- etlhost schema diff: what the last runs changed in the tables, and what a run would change.

local admin = require "host.admin"
local doc = require "host.doc"
local err = require "host.err"
local exit = require "host.exit"
local failures = require "host.failures"
local running = require "host.running"
local streams = require "host.streams"
local supervisor = require "host.supervisor"
local text = require "host.text"

local LIMIT = 30

local verb = {
  name = "diff",
  usage = "schema diff [PIPELINE.lua] [--client C]... [--since DATE]",
  summary = "Shows what the last runs changed in the tables, and what a run would change.",
  about = {
    "With a pipeline, everything new is read, typed and held against the real tables, as `run "
      .. "--dry-run` does, and the changes that a run would make are listed: nothing is written. "
      .. "The exit status is then that of the dry run.",
  },
  positionals = { { "PIPELINE.lua", help = "what it would change, too" } },
  options = {
    { "since", value = "DATE", help = "only changes since, such as 2026-03-01 (UTC)" },
    { "limit", value = "N", integer = true, help = "the latest N changes (default: 30)" },
    { "resource", value = "R", help = "of the pipeline only this resource" },
    { "json", help = "as lines of JSON: made or planned" },
    table.unpack(admin.options),
  },
  examples = {
    "etlhost schema diff --since 2026-03-01",
    "etlhost schema diff pipelines/sync.lua --client 713",
  },
}

-- ---- changes as they are shown -----------------------------------------------------------------

-- { at, client, table, what, why } of a change that was made.
local function made_change(row)
  return {
    state = "made", at = row.changed_at, client = row.client_id, source = row.instance,
    resource = row.resource, schema = row.table_schema, table = row.table_name,
    change = row.change, column = row.column_name, from = row.from_type, to = row.to_type,
    why = row.why, run = row.run_id, columns = math.tointeger(tonumber(row.columns)),
  }
end

-- The changes that dry runs would make: those of etlhost's own columns are no news, the columns of
-- a table that is new are counted.
local function planned_changes(jobs)
  local list, new_table = {}, {}
  for _, job in ipairs(jobs) do
    for _, change in ipairs(job.changes) do
      local key = (job.title or "") .. "\0" .. (change.table or "")
      local fresh = new_table[key]
      if change.change == "add column" and fresh then
        fresh.columns = fresh.columns + 1
      elseif (change.why or "") ~= "added by etlhost" then
        local entry = {
          state = "planned", client = job.title, source = change.instance,
          resource = change.resource, table = change.table, change = change.change,
          column = change.column, from = change.from, to = change.to, why = change.why,
        }
        if change.change == "create table" then
          entry.columns = 0
          new_table[key] = entry
        end
        list[#list + 1] = entry
      end
    end
  end
  return list
end

local function describe(entry)
  if entry.change == "create table" then
    return "new table", text.plural(entry.columns or 0, "column")
  end
  local to = entry.to == "unknown" and "text for now" or entry.to or "?"
  if entry.change == "add column" then return "new column", ("%s %s"):format(entry.column, to) end
  if entry.from then
    return entry.change, ("%s %s -> %s"):format(entry.column or "", entry.from, to)
  end
  return entry.change, entry.column or ""
end

local function print_changes(ctx, list, with_time)
  local cells = {}
  for i, entry in ipairs(list) do
    local kind, what = describe(entry)
    cells[i] = {
      entry.client and entry.client ~= "" and entry.client or "-",
      entry.schema and entry.schema ~= "main" and entry.schema .. "." .. entry.table
        or entry.table or "?",
      kind, text.safe(what),
      entry.why and entry.why ~= "new" and text.cut(text.safe(entry.why), 70) or "",
    }
    if with_time then table.insert(cells[i], 1, admin.time(entry.at)) end
  end
  local columns = { { "client" }, { "table" }, { "change" }, { "what" }, { "why" } }
  if with_time then table.insert(columns, 1, { "at (UTC)" }) end
  for _, line in ipairs(text.table(columns, cells)) do ctx.out:print(line) end
end

local json_keys = {
  "state", "at", "client", "source", "resource", "schema", "table", "change", "column", "columns",
  "from", "to", "why", "run",
}

local function print_json(ctx, list)
  for _, entry in ipairs(list) do ctx.out:print(doc.to_json(doc.ordered(entry, json_keys))) end
end

-- ---- looking -----------------------------------------------------------------------------------

local function read_since(args)
  if not args.since then return nil end
  local day, time = args.since:match "^(%d%d%d%d%-%d%d%-%d%d)[T ]?([%d:]*)Z?$"
  if day then return day .. "T" .. (time ~= "" and time or "00:00:00") end
  return nil, err.new {
    class = "config", is_usage = true,
    message = ("--since is a day or a time in UTC, not \"%s\""):format(args.since),
    expected = "2026-03-01 or 2026-03-01T12:30:00",
  }
end

local function past(space, targets, args, since)
  local rows, problem = admin.ask_all(space, targets, "schema_changes",
    { since = since, limit = tostring(args.limit or LIMIT) })
  if not rows then return nil, problem end
  local list = {}
  for i, row in ipairs(rows) do list[i] = made_change(row) end
  table.sort(list, function(a, b) return a.at > b.at end)
  return list
end

local function exit_code(jobs)
  local code = exit.ok
  for _, job in ipairs(jobs) do
    if job.errors[1] then code = exit.gravest(code, exit.of_class(job.errors[1].class)) end
  end
  return code
end

-- What a run would change: list, jobs | nil, err
local function future(space, args)
  if not space.config then
    return nil, err.new { class = "config", message = "a pipeline is run in a project only" }
  end
  local wanted = {
    client = args.client, resource = args.resource, destination = args.destination, dry_run = true,
  }
  local jobs, problem = running.jobs(wanted, space, args["pipeline.lua"])
  if not jobs then return nil, problem end
  local ready = {}
  for _, job in ipairs(jobs) do
    if not job.done then ready[#ready + 1] = job end
  end
  supervisor.run(ready, {})
  return planned_changes(jobs), jobs
end

function verb.run(args, ctx)
  local since, problem = read_since(args)
  if problem then return nil, problem end
  local space, targets = streams.open(args, ctx)
  if not space then return nil, targets end
  local made
  made, problem = past(space, targets, args, since)
  if not made then return nil, problem end
  local planned, jobs
  if args["pipeline.lua"] then
    planned, jobs = future(space, args)
    if not planned then return nil, jobs end
  end
  if args.json then
    print_json(ctx, made)
    print_json(ctx, planned or {})
    return exit_code(jobs or {})
  end
  ctx.out:print(ctx.out:style("bold", "what runs changed"))
  if #made > 0 then print_changes(ctx, made, true) else ctx.out:print "  nothing" end
  if planned then
    failures.print({
      style = function(_, ...) return ctx.out:style(...) end,
      print = function(_, ...) ctx.out:print(...) end,
      gap = function() end,
    }, jobs)
    ctx.out:print ""
    ctx.out:print(ctx.out:style("bold", "what a run would change"))
    if #planned > 0 then print_changes(ctx, planned) else ctx.out:print "  nothing" end
  end
  return exit_code(jobs or {})
end

return verb
