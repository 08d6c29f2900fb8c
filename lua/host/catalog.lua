-- The host's own bookkeeping: each run and its events in PROJECT/.etlhost/catalog.db. Without a
-- project nothing is kept. A catalog that cannot be written is a warning: the run goes on, since
-- what makes it exactly-once lies beside the data.

local clock = require "host.clock"
local err = require "host.err"
local files = require "host.files"
local process = require "host.process"
local store = require "host.store"
local system = require "host.system"
local text = require "host.text"

local catalog = {}

local FLUSH_US = 2 * 1000000
local PROGRESS_US = 10 * 1000000
local KEEP_SECONDS = 90 * 86400
catalog.keep_seconds = KEEP_SECONDS

local levels = { debug = 1, info = 2, warning = 3, error = 4 }

-- Opens a project's catalog | nil, err.
function catalog.open(project)
  local ok, problem = files.make_folder(project.catalog_folder)
  if not ok then return nil, problem end
  return store.open(project.catalog_folder .. "/catalog.db")
end

-- ---- reading -----------------------------------------------------------------------------------

local numbers = {
  "pid", "pid_started", "started_at", "finished_at", "rows_read", "rows_loaded", "rows_dead",
  "bytes",
}

-- "running" is what a run said last; whether it still does is asked of the system.
local function read_run(row)
  for _, name in ipairs(numbers) do row[name] = math.tointeger(tonumber(row[name])) end
  if row.status == "running" and row.host == system.host_name()
    and process.started(row.pid) ~= row.pid_started then
    row.status = "lost"
  end
  return row
end

local function read_all(rows, problem)
  if not rows then return nil, problem end
  for _, row in ipairs(rows) do read_run(row) end
  return rows
end

function catalog.runs(handle, client, count)
  return read_all(handle:query("run_list", { client, tostring(count) }, 2))
end

-- The latest run of each client.
function catalog.latest(handle)
  return read_all(handle:query("run_latest", {}, 0))
end

-- The run whose id begins so; without an id the latest.
function catalog.find(handle, id)
  local rows, problem = read_all(handle:query("run_find", { id }, 1))
  if not rows then return nil, problem end
  if #rows == 1 then return rows[1] end
  if #rows == 0 then
    return nil, err.new {
      class = "not_found",
      message = id and ("there is no run %s"):format(id) or "nothing was run here yet",
      hint = id and "`etlhost runs list` names them" or nil,
    }
  end
  local ids = {}
  for i, row in ipairs(rows) do ids[i] = row.run_id end
  return nil, err.new {
    class = "config",
    message = ("\"%s\" begins the ids of %s"):format(id, text.plural(#rows, "run")),
    hint = "one of " .. table.concat(ids, ", "),
  }
end

function catalog.events(handle, run_id)
  return handle:query("event_list", { run_id })
end

-- ---- writing -----------------------------------------------------------------------------------

local recorder = {}
recorder.__index = recorder

local function give_up(self, problem)
  if not self.handle then return end
  self.ctx.err:print(self.ctx.err:style("yellow", "warning")
    .. " this run is not in the catalog: " .. text.safe(problem.message))
  self.handle:close()
  self.handle = nil
end

local function query(self, name, params, count)
  if not self.handle then return nil end
  local rows, problem = self.handle:query(name, params, count)
  if not rows then give_up(self, problem) end
  return rows
end

local function flush(self)
  self.flushed = clock.monotonic_us()
  if #self.waiting == 0 or not query(self, "begin") then return end
  for _, e in ipairs(self.waiting) do
    if not query(self, "event_add", e) then return end
  end
  self.waiting = {}
  query(self, "commit")
end

local function wants(self, job, event)
  if event.event == "log" then return levels[event.level or "info"] >= self.level end
  if event.event ~= "progress" then return true end
  -- Of the many lines of progress one now and then, for whoever asks afterwards where it hung.
  local now = clock.monotonic_us()
  if now - (self.progress[job] or 0) < PROGRESS_US then return false end
  self.progress[job] = now
  return true
end

function recorder:began(job)
  local pid, pid_started = system.process()
  local spec = job.spec
  self.numbers[job] = 0
  query(self, "run_begin", {
    spec.run_id, self.verb, job.client and job.client.id, spec.pipeline and spec.pipeline.path,
    system.host_name(), tostring(pid), tostring(pid_started), tostring(clock.wall_us()),
  }, 8)
end

function recorder:event(job, event, line)
  if not line or not wants(self, job, event) then return end
  self.numbers[job] = (self.numbers[job] or 0) + 1
  table.insert(self.waiting, { job.spec.run_id, tostring(self.numbers[job]), event.event, line })
  -- Behind a progress there may be nothing for long.
  local shown = event.event == "progress"
  if shown or clock.monotonic_us() - self.flushed > FLUSH_US then flush(self) end
end

function recorder:ended(job)
  flush(self)
  local first = job.errors[1]
  local status = "ok"
  if first then status = first.class == "cancelled" and "stopped" or "failed" end
  local totals = job:totals()
  query(self, "run_end", {
    job.spec.run_id, tostring(clock.wall_us()), status, first and first.class,
    first and first.message, first and first.place, text.whole(totals.rows_read),
    text.whole(totals.rows_loaded), text.whole(totals.rows_dead), text.whole(totals.bytes),
  }, 10)
end

function recorder:close()
  if not self.handle then return end
  flush(self)
  local before = clock.wall_us() - self.keep_seconds * 1000000
  query(self, "expire", { tostring(before) })
  if self.handle then self.handle:close() end
  self.handle = nil
end

-- options: project (may be absent), log (its settings: level, keep), verb. ctx: for warnings.
function catalog.recorder(options, ctx)
  local log = options.log or {}
  local self = setmetatable({
    ctx = ctx,
    verb = options.verb,
    level = levels[log.level or "info"],
    keep_seconds = log.keep or KEEP_SECONDS,
    waiting = {},
    numbers = {},
    progress = {},
    flushed = clock.monotonic_us(),
  }, recorder)
  if options.project then
    local problem
    self.handle, problem = catalog.open(options.project)
    if not self.handle then
      ctx.err:print(ctx.err:style("yellow", "warning") .. " this run is not in the catalog: "
        .. text.safe(problem.message))
    end
  end
  return self
end

return catalog
