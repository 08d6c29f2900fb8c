-- Runs jobs: one engine each, some at once, until all have ended. One job's failure never stops
-- another; Ctrl-C stops them all at their last commit, a second one at once.

local doc = require "host.doc"
local engine = require "host.engine"
local signals = require "host.signals"

local supervisor = {}

local IDLE_MS = 250

local function pump(running, watcher)
  while true do
    local event, line = running.engine:next_event()
    if not event then return end
    running.job:event(event)
    watcher.event(running.job, event, line)
  end
end

local function start(job, options)
  local started, problem = engine.start(job.spec, options)
  if not started then
    job:finish(problem)
    return nil
  end
  return { job = job, engine = started }
end

-- Takes what the running engines have said; gives those that still run.
local function collect(running, watcher)
  local left = {}
  for _, r in ipairs(running) do
    pump(r, watcher)
    if r.job.done then r.engine:dismiss() end
    local ended, problem = r.engine:ended(r.job.done)
    if ended then
      pump(r, watcher)
      if r.job.done then problem = nil end
      r.engine:close()
      r.job:finish(problem)
      watcher.ended(r.job)
    else
      r.engine:check_patience()
      left[#left + 1] = r
    end
  end
  return left
end

local function stop_all(running, state, watcher)
  if not state.stopped then watcher.stopping(#running) end
  state.stopped = true
  for _, r in ipairs(running) do r.engine:stop() end
end

local function cancel(job, watcher)
  job:finish { class = "cancelled", message = "stopped before it began" }
  watcher.ended(job)
end

-- jobs: a list of job.lua's. options: at_once, command, inherit_input. watcher: event(job, event,
-- line), began(job), ended(job), idle(job), stopping(count); each may be absent.
-- Gives true when nothing interrupted it.
function supervisor.run(jobs, options, watcher)
  local function nothing() end
  watcher = setmetatable(watcher or {}, { __index = function() return nothing end })
  local caught <close> = assert(signals.open())
  local running, next_job, state = {}, 1, { stopped = false }
  while #running > 0 or jobs[next_job] do
    while jobs[next_job] and #running < (options.at_once or 1) do
      local job = jobs[next_job]
      next_job = next_job + 1
      if state.stopped then
        cancel(job, watcher)
      else
        watcher.began(job)
        local r = start(job, options)
        if r then running[#running + 1] = r else watcher.ended(job) end
      end
    end
    if #running > 0 then
      local engines = {}
      for i, r in ipairs(running) do engines[i] = r.engine end
      assert(engine.wait(engines, IDLE_MS, caught))
      if caught:take() then stop_all(running, state, watcher) end
      running = collect(running, watcher)
      if running[1] then watcher.idle(running[1].job) end
    end
  end
  return not state.stopped
end

-- An event's line with the run and the client in front: every digit stays as the engine wrote it.
function supervisor.tag_line(job, line)
  local tags = { run_id = job.spec and job.spec.run_id, client = job.client and job.client.id }
  local head = doc.to_json(tags)
  return head:sub(1, -2) .. (head == "{}" and "" or ",") .. line:sub(2)
end

return supervisor
