-- etlhost runs: what was run, and what each run said.

local catalog = require "host.catalog"
local cjson = require "cjson.safe"
local doc = require "host.doc"
local err = require "host.err"
local exit = require "host.exit"
local files = require "host.files"
local job = require "host.job"
local summary = require "host.summary"
local text = require "host.text"
local workspace = require "host.workspace"

local words = { lost = "lost (its process is gone)" }
local colours = { ok = "green", failed = "red", lost = "red", stopped = "yellow", running = "blue" }

local function open(args)
  local space, problem = workspace.open { folder = args.project }
  if not space then return nil, problem end
  if not files.stat(space.project.catalog_folder .. "/catalog.db") then
    return nil, err.new { class = "not_found", message = "nothing was run here yet" }
  end
  local handle
  handle, problem = catalog.open(space.project)
  if not handle then return nil, problem end
  return handle, space
end

local function duration(run)
  if not run.finished_at then return "" end
  return text.seconds((run.finished_at - run.started_at) / 1000000)
end

local list = {
  name = "list",
  usage = "runs list [--client C] [--limit N]",
  summary = "Lists the latest runs, newest first.",
  options = {
    { "client", value = "C", help = "only of this client" },
    { "limit", value = "N", integer = true, help = "how many (default: 20)" },
    { "json", help = "as lines of JSON" },
  },
}

function list.run(args, ctx)
  local handle, space = open(args)
  if not handle then return nil, space end
  local runs, problem = catalog.runs(handle, args.client, args.limit or 20)
  handle:close()
  if not runs then return nil, problem end
  local cells = {}
  for i, run in ipairs(runs) do
    if args.json then ctx.out:print(doc.to_json(run)) end
    cells[i] = {
      run.run_id, text.time(run.started_at), run.verb, run.client or "-", run.status, duration(run),
      text.count(run.rows_loaded), text.count(run.rows_dead),
      text.cut(text.safe(text.brief(run.error or run.pipeline or "")), 60),
    }
  end
  if args.json then return exit.ok end
  local columns = {
    { "run" }, { "began" }, { "verb" }, { "client" }, { "status" }, { "time", right = true },
    { "loaded", right = true }, { "dead", right = true }, { "what" },
  }
  for _, line in ipairs(text.table(columns, cells, function(cell, index, column)
    if index == 0 then return ctx.out:style("bold", cell) end
    local colour = column == 5 and colours[runs[index].status]
    return colour and ctx.out:style(colour, cell) or cell
  end)) do
    ctx.out:print(line)
  end
  return exit.ok
end

local show = {
  name = "show",
  usage = "runs show [ID]",
  summary = "Shows one run (default: the latest): its summary, errors, and what it said.",
  positionals = { { "ID", help = "as `runs list` shows it; its first letters will do" } },
  options = { { "json", help = "its events as lines of JSON, as they came" } },
}

local function print_head(ctx, run)
  local function line(label, value)
    if value and value ~= "" then
      ctx.out:print(ctx.out:style("dim", text.pad(label, 9)) .. " " .. value)
    end
  end
  line("run", run.run_id)
  line("verb", run.verb)
  line("client", run.client)
  line("pipeline", run.pipeline)
  line("began", text.time(run.started_at))
  line("ended", run.finished_at and text.time(run.finished_at) .. " after " .. duration(run) or nil)
  line("process", run.status == "running" and ("%d on %s"):format(run.pid, run.host) or nil)
  line("status", ctx.out:style(colours[run.status] or "dim", words[run.status] or run.status))
  ctx.out:print ""
end

-- The run as it was, from its events.
local function replay(run, events, space)
  local made = job.new {
    spec = { run_id = run.run_id }, title = run.client or "",
    client = run.client and (space.config.by_id[run.client] or { id = run.client, sources = {} }),
    places = space.places, may_skip = true,
  }
  local logs = {}
  for _, row in ipairs(events) do
    local event = cjson.decode(row.json)
    if event then
      made:event(event)
      if event.event == "log" then logs[#logs + 1] = event end
    end
  end
  if run.status ~= "running" then
    made:finish(#made.errors == 0 and run.error and {
      class = run.class or "bug", message = run.error, place = run.place,
    } or nil)
  end
  return made, logs
end

-- What a run that did not end was, or is, reading, and how far it had come.
local function print_reading(out, made)
  for _, stream in ipairs(made.streams) do
    local p = stream.progress
    if p and p.file and not stream.finished then
      local bytes = text.bytes(p.bytes or 0)
      if (p.total_bytes or 0) > 0 then bytes = bytes .. " of " .. text.bytes(p.total_bytes) end
      out:print(("%s %s: %s, %s loaded of the resource"):format(
        out:style("dim", text.pad("reading", 9)), text.safe(p.file), bytes,
        text.plural(p.rows or 0, "row")))
    end
  end
end

function show.run(args, ctx)
  local handle, space = open(args)
  if not handle then return nil, space end
  local run, problem = catalog.find(handle, args.id)
  local events
  if run then events, problem = catalog.events(handle, run.run_id) end
  handle:close()
  if not events then return nil, problem end
  if args.json then
    for _, row in ipairs(events) do ctx.out:print(row.json) end
    return exit.ok
  end
  print_head(ctx, run)
  local made, logs = replay(run, events, space)
  summary.print(ctx.out, { made }, { with_client = run.client ~= nil, all = true })
  print_reading(ctx.out, made)
  if #logs > 0 then ctx.out:print "" end
  for _, event in ipairs(logs) do
    local at = ctx.out:style("dim", text.time(math.tointeger(event.at) or 0))
    ctx.out:print(("%s %s %s"):format(at, event.level or "info", text.safe(event.message or "")))
  end
  return exit.ok
end

return {
  name = "runs",
  usage = "runs list|show ...",
  summary = "Shows what was run, and what each run said.",
  verbs = { list, show },
}
