-- tests/support/postgres.lua: a private PostgreSQL, and PgBouncer in transaction mode in front of
-- it: temporary folders, loopback and Unix sockets, free ports. One of each serves all the specs of
-- a process; they end with it, however it ends.
local files = require "tests.support.files"
local process = require "tests.support.process"
local wait = require "tests.support.wait"

local postgres = {}
local server = {}
server.__index = server

function postgres.free_port()
  return tonumber(process.must { "python3", "-c",
    "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])" })
end

-- Servers refuse root.
local is_root = process.must({ "id", "-u" }):match "%d+" == "0"
local function as_nobody(argv)
  if not is_root then return argv end
  local result = { "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups" }
  for _, word in ipairs(argv) do result[#result + 1] = word end
  return result
end
local function give(folder)
  if is_root then process.must { "chown", "-R", "nobody:nogroup", folder } end
end

-- However this process ends, what it started does too. `tail --pid` waits for a process of others.
local function end_with_us(pid_file, folder, signal)
  os.execute(("setsid sh -c 'tail --pid=%d -f /dev/null; kill -%s $(head -n 1 %s); rm -rf %s' "
    .. "</dev/null >/dev/null 2>&1 &"):format(process.own_pid(), signal, pid_file, folder))
end

local function programs()
  local newest
  local list = process.must { "sh", "-c", "ls -d /usr/lib/postgresql/*/bin | sort -V" }
  for path in list:gmatch "%S+" do newest = path end
  return assert(newest, "no PostgreSQL below /usr/lib/postgresql")
end

local SETTINGS = [[
listen_addresses = '127.0.0.1'
port = %d
unix_socket_directories = '%s'
max_connections = 60
shared_buffers = 32MB
fsync = off
full_page_writes = off
log_min_messages = warning
log_line_prefix = '%%m [%%p] %%a '
]]

-- settings: text appended to postgresql.conf.
function postgres.start(settings)
  local self = setmetatable({ folder = files.temp(true), bin = programs() }, server)
  self.port = postgres.free_port()
  self.data, self.log = self.folder .. "/data", self.folder .. "/log"
  give(self.folder)
  process.must(as_nobody { self.bin .. "/initdb", "-D", self.data, "-U", "etl", "-A", "trust",
    "-E", "UTF8", "--locale=C.UTF-8", "--no-sync" })
  local conf = assert(io.open(self.data .. "/postgresql.conf", "a"))
  conf:write(SETTINGS:format(self.port, self.folder), settings or "")
  conf:close()
  self:up()
  end_with_us(self.data .. "/postmaster.pid", self.folder, "INT")
  return self
end

function server:up()
  process.must(as_nobody { self.bin .. "/pg_ctl", "-D", self.data, "-l", self.log, "-w",
    "start" })
end

-- mode: "fast" or "immediate" (as if the machine had lost its power).
function server:down(mode)
  process.must(as_nobody { self.bin .. "/pg_ctl", "-D", self.data, "-m", mode, "-w", "stop" })
end

function server:restart(mode)
  self:down(mode)
  self:up()
end

function server:url(database, port)
  return ("postgres://etl@127.0.0.1:%d/%s"):format(port or self.port, database)
end

-- Runs one SQL text (or two, each on its own) and gives standard output: rows of fields, parted by
-- |, NULL as \N.
function server:sql(database, text, more)
  -- Not the one in PATH: that is a wrapper, slower to start than what it is asked to do.
  local argv = { self.bin .. "/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-P", "null=\\N",
    "-h", self.folder, "-p", self.port, "-U", "etl", "-d", database, "-c", text }
  if more then
    argv[#argv + 1] = "-c"
    argv[#argv + 1] = more
  end
  return (process.ask(argv):gsub("\n$", ""))
end

local made = 0
-- A new, empty database; the one made four before is dropped, so that they do not pile up.
function server:fresh_database()
  made = made + 1
  local name = "test" .. made
  local old = "test" .. math.max(0, made - 4)
  self:sql("postgres", "create database " .. name .. " template template0",
    "drop database if exists " .. old .. " with (force)")
  return name
end

local POOLER = [[
[databases]
%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
pool_mode = transaction
default_pool_size = 10
auth_file = %s/users
logfile = %s/log
pidfile = %s/pid
]]

local function start_pooler(self, databases, settings, users)
  local folder, port = files.temp(true), postgres.free_port()
  files.write(folder .. "/users", users)
  files.write(folder .. "/ini", POOLER:format(databases, port, folder, folder, folder) .. settings)
  give(folder)
  process.must(as_nobody { "/usr/sbin/pgbouncer", "-q", "-d", folder .. "/ini" })
  end_with_us(folder .. "/pid", folder, "TERM")
  local env = { PGPASSWORD = users:match '" "([^"]*)"' }
  wait.until_true("pgbouncer to answer", 10, function()
    return process.run({ "psql", "-Xq", self:url("postgres", port), "-c", "select 1" },
      { env = env }).code == 0
  end)
  return port
end

-- Gives the port of a PgBouncer in front of this server. options: databases, settings and users,
-- texts of its own files, of a PgBouncer that nobody else gets; it must let `etl` in.
function server:pooler(options)
  if options then
    return start_pooler(self, options.databases, options.settings, options.users)
  end
  self.pooler_port = self.pooler_port or start_pooler(self,
    ("* = host=%s port=%d"):format(self.folder, self.port), "auth_type = trust\n", '"etl" ""\n')
  return self.pooler_port
end

local shared
function postgres.shared()
  shared = shared or postgres.start()
  return shared
end

return postgres
