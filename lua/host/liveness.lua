-- Is a run that the bookkeeping calls running still at work? As the engines judge it themselves
-- (host/load/dest.c): its heartbeat is fresh and, on this machine, its process is there.

local err = require "host.err"
local process = require "host.process"
local system = require "host.system"

local liveness = {}

local FRESH_SECONDS = 60

-- row: host, pid, pid_started, heartbeat_age (seconds), as the destination has them: texts.
function liveness.is_live(row)
  local age = tonumber(row.heartbeat_age)
  if not row.host or not age or age > FRESH_SECONDS then return false end
  if row.host ~= system.host_name() then return true end
  return process.started(math.tointeger(tonumber(row.pid))) == math.tointeger(
    tonumber(row.pid_started))
end

-- true | nil, err: one of the rows, each a stream with the run that loads it, is being loaded.
function liveness.nothing_runs(rows)
  for _, row in ipairs(rows) do
    if liveness.is_live(row) then
      return nil, err.new {
        class = "config",
        message = ("run %s (%s) is loading %s.%s: process %s on %s"):format(row.run_id,
          row.pipeline or "?", row.instance, row.resource, row.pid, row.host),
        hint = "wait until it ends, or stop it; nothing was changed",
      }
    end
  end
  return true
end

return liveness
