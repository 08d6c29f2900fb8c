-- One command that runs jobs, as people see it: progress, events for --json, the summary, the exit
-- status. The catalog's entries are made here too.

local catalog = require "host.catalog"
local clock = require "host.clock"
local doc = require "host.doc"
local exit = require "host.exit"
local progress = require "host.progress"
local summary = require "host.summary"
local supervisor = require "host.supervisor"
local text = require "host.text"

local session = {}

local function exit_code(jobs, strict)
  local code = exit.ok
  for _, job in ipairs(jobs) do
    if job.errors[1] then
      code = exit.gravest(code, exit.of_class(job.errors[1].class))
    elseif strict and job:totals().rows_dead > 0 then
      code = exit.gravest(code, exit.dead_rows)
    end
  end
  return code
end

local function json_watcher(ctx, record)
  return {
    began = function(job) record:began(job) end,
    event = function(job, event, line)
      record:event(job, event, line)
      if line then
        ctx.out:print(supervisor.tag_line(job, line))
        ctx.out:flush()
      end
    end,
    ended = function(job) record:ended(job) end,
  }
end

local function person_watcher(ctx, record)
  local view = progress.new { out = ctx.err, now_us = clock.monotonic_us }
  return {
    began = function(job)
      record:began(job)
      view:add(job)
    end,
    event = function(job, event, line)
      record:event(job, event, line)
      view:update(job)
    end,
    idle = function(job) view:update(job) end,
    stopping = function()
      view:finish()
      ctx.err:print "stopping at the last commit; Ctrl-C again stops at once"
    end,
    ended = function(job)
      view:finish()
      view:remove(job)
      record:ended(job)
    end,
  }
end

-- The last line of each run under --json: how it ended, also where no engine came to say so.
local function print_finished(ctx, job)
  local first = job.errors[1] or {}
  local totals = job:totals()
  for key, value in pairs(totals) do totals[key] = math.tointeger(value // 1) end
  local line = doc.to_json(doc.ordered({
    event = "finished", at = clock.wall_us(), ok = job.ok, skipped = job.skipped,
    class = first.class, message = first.message, hint = first.hint, place = first.place,
    rows_read = totals.rows_read, rows_loaded = totals.rows_loaded, rows_dead = totals.rows_dead,
  }, {
    "event", "at", "ok", "skipped", "class", "message", "hint", "place", "rows_read",
    "rows_loaded", "rows_dead",
  }))
  ctx.out:print(supervisor.tag_line(job, line))
end

-- jobs: a list of job.lua's; some may have failed before they began. options: verb, json, strict,
-- dry_run, with_client, next_steps (a function of the jobs), project and log (for the catalog),
-- at_once, inherit_input, command.
function session.run(ctx, jobs, options)
  local ready = {}
  for _, job in ipairs(jobs) do
    if not job.done then ready[#ready + 1] = job end
  end
  local record = catalog.recorder(options, ctx)
  local watcher = options.json and json_watcher(ctx, record) or person_watcher(ctx, record)
  supervisor.run(ready, options, watcher)
  record:close()
  local code = exit_code(jobs, options.strict)
  if options.json then
    for _, job in ipairs(jobs) do print_finished(ctx, job) end
  else
    summary.print(ctx.out, jobs, {
      with_client = options.with_client,
      dry_run = options.dry_run,
      next_steps = not options.dry_run and options.next_steps and options.next_steps(jobs, code),
    })
    if options.strict and code == exit.dead_rows then
      ctx.err:print(("--strict: %s did not fit, so this is exit status %d"):format(
        text.plural(summary.totals(jobs).rows_dead, "row"), code))
    end
  end
  return code
end

return session
