-- tests/support/process.lua: starting programs, with a bound on time, and seeing what is left of
-- them. Each program gets a session of its own, so that its whole family can be found by it.
local lfs = require "lfs"
local files = require "tests.support.files"
local wait = require "tests.support.wait"

local process = {}

function process.quote(text) return "'" .. tostring(text):gsub("'", [['\'']]) .. "'" end

local function words(list)
  local result = {}
  for i, word in ipairs(list) do result[i] = process.quote(word) end
  return table.concat(result, " ")
end

local function environment(env)
  -- A shell starts what runs in the background with SIGINT ignored; Ctrl-C must reach ours.
  local result = { "env", "--default-signal=INT,QUIT" }
  local set = {}
  for name, value in pairs(env or {}) do
    if value then
      set[#set + 1] = name .. "=" .. tostring(value)
    else
      result[#result + 1] = "--unset=" .. name
    end
  end
  return words(result) .. " " .. words(set)
end

local scratch, count
local function next_prefix()
  scratch = scratch or files.temp()
  count = (count or 0) + 1
  return scratch .. "/" .. count
end

-- What it ran as, for messages: a failed assertion shows all of it.
local function describe(self)
  return ("$ %s\nexit %s\n%s%s"):format(self.command, self.code, self.out, self.err)
end

local function finished(prefix, command, code)
  local self = { command = command, code = code }
  self.session = tonumber(files.read(prefix .. ".pid") or "")
  self.out = files.read(prefix .. ".out") or ""
  self.err = files.read(prefix .. ".err") or ""
  self.killed = code == 137
  return setmetatable(self, { __tostring = describe })
end

-- Leaves its process id, which is that of the session, and becomes the program.
local START = process.quote [[echo $$ >"$0"; exec "$@"]]

-- Runs argv to its end and gives { code, out, err, killed, session }. options: cwd, env (false:
-- not set), input (text for standard input), seconds (60; then it is killed and code is 124).
function process.run(argv, options)
  options = options or {}
  local prefix = next_prefix()
  local input = "/dev/null"
  if options.input then input = files.write(prefix .. ".in", options.input) end
  local command = words(argv)
  local script = ("cd %s && setsid -w sh -c %s %s.pid timeout -k 2 %d %s %s"):format(
    process.quote(options.cwd or "."), START, prefix, options.seconds or 60,
    environment(options.env), command)
  local redirected = ("{ %s; } <%s >%s.out 2>%s.err"):format(script, input, prefix, prefix)
  local _, how, code = os.execute(redirected)
  return finished(prefix, command, how == "signal" and 128 + code or code)
end

-- Like run, and raises unless the program ends with 0. Gives its standard output.
function process.must(argv, options)
  local result = process.run(argv, options)
  if result.code ~= 0 then error(tostring(result), 2) end
  return result.out
end

-- The same for a program that starts no others: no session of its own, so half as many processes.
function process.ask(argv)
  local prefix = next_prefix()
  local command = words(argv)
  local pipe = assert(io.popen(("exec timeout -k 2 60 %s </dev/null 2>%s.err")
    :format(command, prefix)))
  local out = pipe:read "a"
  local ok, how, code = pipe:close()
  if ok then return out end
  local failed = finished(prefix, command, how == "signal" and 128 + code or code)
  failed.out = out
  error(tostring(failed), 2)
end

local handle = {}
handle.__index = handle

-- Starts argv and returns at once; the handle has :signal(name), :wait(seconds), :output().
function process.spawn(argv, options)
  options = options or {}
  local prefix = next_prefix()
  local command = words(argv)
  local script = ("cd %s && setsid -w sh -c %s %s.pid %s %s; echo $? >%s.tmp; mv %s.tmp %s.code")
    :format(process.quote(options.cwd or "."), START, prefix, environment(options.env), command,
      prefix, prefix, prefix)
  assert(os.execute(("{ %s; } </dev/null >%s.out 2>%s.err &"):format(script, prefix, prefix)))
  local self = setmetatable({ prefix = prefix, command = command }, handle)
  self.pid = wait.until_true(command .. " to start", 10, function()
    return tonumber(files.read(prefix .. ".pid") or "")
  end)
  return self
end

function handle:signal(name) os.execute(("kill -%s %d 2>/dev/null"):format(name, self.pid)) end
function handle:output()
  return (files.read(self.prefix .. ".out") or "") .. (files.read(self.prefix .. ".err") or "")
end
function handle:ended() return files.exists(self.prefix .. ".code") end

function handle:wait(seconds)
  local ok, why = pcall(wait.until_true, self.command .. " to end", seconds or 60, function()
    return self:ended()
  end)
  if not ok then
    process.kill_session(self.pid)
    error(why .. "\n" .. self:output(), 2)
  end
  return finished(self.prefix, self.command, tonumber(files.read(self.prefix .. ".code")))
end

-- ---- Families -------------------------------------------------------------------------------

-- The live processes of a session: { pid, parent, state, command }.
function process.session(id)
  local result = {}
  for name in lfs.dir "/proc" do
    local stat = name:find "^%d+$" and files.read("/proc/" .. name .. "/stat")
    local state, parent, _, session = (stat or ""):match ".*%) (%S) (%d+) (%d+) (%d+)"
    if tonumber(session) == id and state ~= "Z" then
      local command = (files.read("/proc/" .. name .. "/cmdline") or ""):gsub("%z", " ")
      result[#result + 1] = {
        pid = tonumber(name), parent = tonumber(parent), state = state, command = command,
      }
    end
  end
  return result
end

-- The member of a session whose command line has this word, or nil.
function process.member(id, word)
  for _, one in ipairs(process.session(id)) do
    if one.command:find(word, 1, true) then return one end
  end
end

function process.kill_session(id)
  for _, one in ipairs(process.session(id)) do
    os.execute("kill -9 " .. one.pid .. " 2>/dev/null")
  end
end

-- Nothing of the family may outlive its run: waits for the last one to be gone.
function process.wait_gone(id, seconds)
  local ok = pcall(wait.until_true, "a family to end", seconds or 10, function()
    return #process.session(id) == 0
  end)
  if ok then return end
  local left = {}
  for _, one in ipairs(process.session(id)) do
    left[#left + 1] = ("%d %s %s"):format(one.pid, one.state, one.command)
  end
  process.kill_session(id)
  error("still there:\n" .. table.concat(left, "\n"), 2)
end

function process.own_pid()
  local pipe = assert(io.popen "echo $PPID")
  local pid = tonumber(pipe:read "l")
  pipe:close()
  return pid
end

return process
