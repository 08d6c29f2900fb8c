-- An engine from the supervisor's side: started with a specification, watched until it ends,
-- stopped when asked. What its events mean is job.lua's.

local clock = require "host.clock"
local cjson = require "cjson.safe"
local err = require "host.err"
local process = require "host.process"
local system = require "host.system"

local engine = {}
engine.__index = engine

-- How long an engine that was told to stop may take until its last commit.
local STOP_SECONDS = 30

-- All that an engine may see of our environment: what libpq reads, where it looks for files, how
-- text and times are written, and what a test build or a sanitizer is told.
local allowed = {
  HOME = true, LANG = true, TZ = true, TMPDIR = true, USER = true, LOGNAME = true,
  SSL_CERT_FILE = true, SSL_CERT_DIR = true, ETLHOST_LUA = true, ETLHOST_FAULT = true,
  ASAN_OPTIONS = true, UBSAN_OPTIONS = true, LSAN_OPTIONS = true,
  ETLHOST_FAULT_ROLE = true, ETLHOST_CLOCK_OFFSET = true,
}

local function is_allowed(name)
  return allowed[name] or name:match "^PG%u+$" or name:match "^LC_%u+$" or name:match "^KRB5"
end

local function environment()
  local list = {}
  for _, pair in ipairs(system.environment()) do
    -- An empty variable is none: libpq would take PGSERVICE= for the name of a service.
    local name, value = pair:match "^([^=]*)=(.*)$"
    if name and value ~= "" and is_allowed(name) then list[#list + 1] = pair end
  end
  return list
end

local default_command = { path = "/proc/self/exe", args = { "etlhost", "--engine" } }

-- options: command (tests only), inherit_input.
function engine.start(spec, options)
  local command = options.command or default_command
  local child, problem = process.spawn {
    path = command.path,
    args = command.args,
    env = environment(),
    inherit_input = options.inherit_input,
  }
  if not child then return nil, problem end
  local ok
  ok, problem = child:send("SPEC", spec)
  if not ok then
    child:close()
    return nil, problem
  end
  return setmetatable({ child = child, done = false }, engine)
end

-- The next event: a table and the line it came as; nil when there is none now.
function engine:next_event()
  local line = self.child:next_line()
  if not line then return nil end
  local event = cjson.decode(line)
  if type(event) ~= "table" or type(event.event) ~= "string" then
    local message = "the engine said: " .. line:sub(1, 200)
    return { event = "log", level = "warning", message = message }, nil
  end
  return event, line
end

-- Ask once: end at the last commit. Ask twice, or wait too long: killed.
function engine:stop()
  if self.stopping then
    self.child:kill "KILL"
    return
  end
  self.stopping = clock.monotonic_us()
  self.child:send("STOP", nil)
end

-- It has said that it is done: nothing is left to tell it, and it has as long to go as one that was
-- told to stop.
function engine:dismiss()
  if self.dismissed then return end
  self.dismissed = true
  self.stopping = self.stopping or clock.monotonic_us()
  self.child:hang_up()
end

-- Called now and then: an engine that does not obey is ended.
function engine:check_patience()
  if self.stopping and clock.monotonic_us() - self.stopping > STOP_SECONDS * 1000000 then
    self.child:kill "KILL"
  end
end

local signal_words = {
  [6] = "it found a mistake of its own and ended itself",
  [7] = "it crashed (bus error)",
  [9] = "it was killed (kill -9, or the system ran out of memory)",
  [11] = "it crashed (segmentation fault)",
  [24] = "it used up its processor time",
  [25] = "it wrote a file larger than allowed",
}

-- nil while it runs; then true, and an error when its end was no end at all. saw_done: it has said
-- that it was done.
function engine:ended(saw_done)
  local state, value = self.child:status()
  if state == "running" then return nil end
  if saw_done then return true end
  local why
  if state == "killed" then
    why = signal_words[value] or ("signal " .. value .. " ended it")
  else
    why = "it exited with status " .. value
  end
  return true, err.new {
    class = self.stopping and "cancelled" or "bug",
    message = "the engine of this run ended without saying why: " .. why,
    hint = "what was committed is safe; the same command goes on from there",
  }
end

function engine:close()
  self.child:close()
end

-- Waits until one of the engines has something to say, or timeout_ms have passed.
function engine.wait(engines, timeout_ms, signals)
  local children = {}
  for i, e in ipairs(engines) do children[i] = e.child end
  return process.wait(children, timeout_ms, signals and signals:descriptor())
end

return engine
