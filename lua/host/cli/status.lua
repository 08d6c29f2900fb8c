-- etlhost status: which client's sources are late or failing, and what to do about it.

local admin = require "host.admin"
local doc = require "host.doc"
local exit = require "host.exit"
local hints = require "host.hints"
local status = require "host.status"
local steps = require "host.steps"
local text = require "host.text"
local workspace = require "host.workspace"

local ERRORS_MAX, STEPS_MAX = 10, 8

local colours = {
  failing = "red", unknown = "red", late = "yellow", never = "dim", running = "blue", ok = "green",
  disabled = "dim",
}

local verb = {
  name = "status",
  usage = "status [--client C]... [--json]",
  summary = "Shows how each client's sources are doing: failing and late ones first.",
  about = {
    "A stream is late when its last success is older than its `fresh_within` (config.md), failing "
      .. "when its latest run failed. A source that has that setting and from which nothing ever "
      .. "came is late too. Disabled clients and sources are shown and never count.",
    "The exit status is 10 when something is late, failing, or in a destination that cannot be "
      .. "asked, and 0 when all is well: what cron, systemd or any monitor can watch.",
  },
  options = {
    { "json", help = "as lines of JSON" },
    table.unpack(admin.options),
  },
  examples = {
    "etlhost status",
    "etlhost status --json --client 713",
    "etlhost status > /dev/null || mail -s 'etlhost: late or failing' ops@example.com",
  },
}

local function stream_name(entry)
  if not entry.source then return "-" end
  return entry.resource and entry.source .. "." .. entry.resource or entry.source
end

-- What to type about an entry; nil when there is nothing to do.
local function next_step(space, entry, args)
  local where = hints.destination(args)
  if entry.state == "unknown" then return nil end
  if entry.state == "failing" and entry.place then return "etlhost check" end
  if entry.state == "failing" and entry.run and space.project then
    return "etlhost runs show " .. entry.run
  end
  if not status.bad[entry.state] and entry.state ~= "never" then return nil end
  if entry.source == "load" then return nil end -- only its owner knows where the next file is
  local scripts = space.project and space.project:list("pipelines", ".lua") or {}
  local pipeline = entry.pipeline or scripts[1]
  if not pipeline then return nil end
  local words = { "etlhost run", pipeline, "--client", entry.client }
  if entry.resource then
    words[#words + 1] = "--resource " .. hints.shell_word(stream_name(entry))
  end
  return table.concat(words, " ") .. where
end

local json_keys = {
  "client", "source", "resource", "table", "schema", "state", "last_success_at", "age_seconds",
  "fresh_within_seconds", "dead_rows", "error", "hint", "run", "next",
}

local function print_json(ctx, space, list, args)
  for _, entry in ipairs(list) do
    ctx.out:print(doc.to_json(doc.ordered({
      client = entry.client, source = entry.source, resource = entry.resource,
      table = entry.table, schema = entry.schema, state = entry.state,
      last_success_at = entry.last_success_at, age_seconds = math.tointeger(entry.age),
      fresh_within_seconds = math.tointeger(entry.fresh_within),
      dead_rows = math.tointeger(entry.dead), error = entry.error, hint = entry.hint,
      run = entry.run, next = next_step(space, entry, args),
    }, json_keys)))
  end
end

local function print_table(ctx, list)
  local cells = {}
  for i, entry in ipairs(list) do
    cells[i] = {
      entry.client ~= "" and entry.client or "-", stream_name(entry), entry.state,
      entry.last_success_at and admin.time(entry.last_success_at) or "never",
      entry.age and text.age(entry.age) or "",
      entry.fresh_within and text.age(entry.fresh_within) or "",
      (entry.dead or 0) > 0 and text.count(entry.dead) or "",
      text.cut(text.safe(text.brief(entry.error or "")), 80),
    }
  end
  local columns = {
    { "client" }, { "source" }, { "state" }, { "last success (UTC)" }, { "age", right = true },
    { "fresh within", right = true }, { "dead", right = true }, { "first error" },
  }
  for _, line in ipairs(text.table(columns, cells, function(cell, index, column)
    if index == 0 then return ctx.out:style("bold", cell) end
    if column == 3 then return ctx.out:style(colours[list[index].state], cell) end
    return cell
  end)) do
    ctx.out:print(line)
  end
end

-- Errors that the table had to cut, the same one once.
local function print_errors(ctx, list)
  local seen, count = {}, 0
  for _, entry in ipairs(list) do
    local message = entry.error and text.safe(entry.error)
    if message and not seen[message] and (#message > 80 or entry.hint or entry.place) then
      seen[message] = true
      count = count + 1
      if count <= ERRORS_MAX then
        ctx.out:print ""
        ctx.out:print(ctx.out:style("bold", entry.client .. " " .. stream_name(entry))
          .. (entry.place and " at " .. entry.place or ""))
        ctx.out:print("  " .. message)
        if entry.hint then ctx.out:print("  " .. text.safe(entry.hint)) end
      end
    end
  end
  if count > ERRORS_MAX then
    ctx.out:print(("and %d more errors; --json has all"):format(count - ERRORS_MAX))
  end
end

local function print_counts(ctx, list)
  local counts, words = {}, {}
  for _, entry in ipairs(list) do counts[entry.state] = (counts[entry.state] or 0) + 1 end
  for _, state in ipairs(status.order) do
    if counts[state] then
      words[#words + 1] = ctx.out:style(colours[state], text.count(counts[state]) .. " " .. state)
    end
  end
  ctx.out:print ""
  ctx.out:print(table.concat(words, ", "))
end

local function print_steps(ctx, space, list, args)
  local shown, seen = {}, {}
  for _, entry in ipairs(list) do
    local command = next_step(space, entry, args)
    if command and not seen[command] and #shown < STEPS_MAX then
      seen[command] = true
      shown[#shown + 1] = { command, ("%s %s is %s"):format(entry.client, stream_name(entry),
        entry.state == "never" and "new" or entry.state) }
    end
  end
  local dead = {}
  for _, entry in ipairs(list) do
    if (entry.dead or 0) > 0 then dead[1] = true end
  end
  if dead[1] then
    shown[#shown + 1] = {
      "etlhost dead list" .. hints.destination(args), "the rows that did not fit, and why",
    }
  end
  if #shown > 0 then ctx.out:print "" end
  steps.print(ctx.out, shown)
end

function verb.run(args, ctx)
  local space, problem = workspace.begin(args, ctx)
  if not space then return nil, problem end
  local list
  list, problem = status.list(space, args)
  if not list then return nil, problem end
  local code = status.is_bad(list) and exit.late or exit.ok
  if args.json then
    print_json(ctx, space, list, args)
  elseif #list == 0 then
    ctx.out:print "nothing is loaded, and no client is configured"
  else
    print_table(ctx, list)
    print_errors(ctx, list)
    print_counts(ctx, list)
    print_steps(ctx, space, list, args)
  end
  return code
end

return verb
