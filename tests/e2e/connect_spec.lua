-- Connecting: certificates of servers elsewhere, what poolers say, and passwords tried once.
local files = require "tests.support.files"
local host = require "tests.support.host"
local postgres = require "tests.support.postgres"
local process = require "tests.support.process"
local wait = require "tests.support.wait"

local is_root = process.must({ "id", "-u" }):match "%d+" == "0"

-- ---- A server with TLS and passwords ----------------------------------------------------------

-- An authority of our own, and a server's certificate for the name db.test.
local function make_certificates()
  local folder = files.temp()
  local function openssl(words)
    local argv = { "openssl" }
    for word in words:gmatch "%S+" do argv[#argv + 1] = word end
    process.must(argv, { cwd = folder })
  end
  local key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
  openssl("req -x509 " .. key .. "-keyout ca.key -out ca.crt -days 2 -subj /CN=test-ca")
  openssl("req " .. key .. "-keyout server.key -out server.csr -subj /CN=db.test")
  files.write(folder .. "/names", "subjectAltName=DNS:db.test\n")
  openssl [[x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial
    -out server.crt -days 2 -extfile names]]
  if is_root then process.must { "chown", "nobody:nogroup", folder .. "/server.key" } end
  process.must { "chmod", "600", folder .. "/server.key" }
  return folder
end

local HBA = [[
local all all trust
host all locked 127.0.0.1/32 scram-sha-256
host all shut 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
]]

local server, certificates, home
local function start_server()
  certificates = make_certificates()
  home = files.temp()
  files.write(certificates .. "/hba", HBA)
  server = postgres.start(([[
ssl = on
ssl_cert_file = '%s/server.crt'
ssl_key_file = '%s/server.key'
hba_file = '%s/hba'
]]):format(certificates, certificates, certificates))
  server:sql("postgres", "create role locked login superuser password 'right'",
    "create role shut login; create role poor login")
end

-- A verb that only connects and looks. words: of the url's query.
local function look(url, env)
  local all = { HOME = home, PGSSLMODE = false, PGSSLROOTCERT = false }
  for name, value in pairs(env or {}) do all[name] = value end
  return host.etlhost({ "state", "show", "--destination", url }, { env = all })
end

local function elsewhere(words, name)
  return ("postgres://etl@%s:%d/postgres?hostaddr=127.0.0.1%s"):format(name or "db.test",
    server.port, words or "")
end

local function said(result) return result.out .. result.err end

setup(start_server)

describe("a server elsewhere:", function()
  it("is not trusted without its authority, and the message says where to get that", function()
    local result = look(elsewhere())
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("root certificate", said(result))
    assert.matches("sslrootcert=", said(result), 1, true)
    assert.matches("Supabase", said(result))
    -- The same message where there is one, but another's.
    local other = make_certificates()
    result = look(elsewhere("&sslrootcert=" .. other .. "/ca.crt"))
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("certificate verify failed", said(result))
    assert.matches("sslrootcert=FILE", said(result), 1, true)
  end)

  it("is connected to when the certificate and the name are right", function()
    local ca = "&sslrootcert=" .. certificates .. "/ca.crt"
    local result = look(elsewhere(ca))
    assert.equal(0, result.code, tostring(result))
    result = look(elsewhere(ca, "other.test"))
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("does not match host name", said(result))
  end)

  it("a word of the operator's about sslmode wins: url, service file, environment", function()
    local result = look(elsewhere "&sslmode=require")
    assert.equal(0, result.code, tostring(result))
    result = look(elsewhere(), { PGSSLMODE = "prefer" })
    assert.equal(0, result.code, tostring(result))
    local services = files.write(files.temp() .. "/services", ([[
[theirs]
host=db.test
hostaddr=127.0.0.1
port=%d
user=etl
dbname=postgres
sslmode=prefer
[bare]
host=db.test
hostaddr=127.0.0.1
port=%d
user=etl
dbname=postgres
]]):format(server.port, server.port))
    result = look("postgres://?service=theirs", { PGSERVICEFILE = services })
    assert.equal(0, result.code, tostring(result))
    result = look("postgres://?service=bare", { PGSERVICEFILE = services })
    assert.equal(host.exit.config, result.code, tostring(result))
  end)

  it("without TLS is refused, and the message says how to go without", function()
    server:sql("postgres", "alter system set ssl = off", "select pg_reload_conf()")
    local url = elsewhere("&sslrootcert=" .. certificates .. "/ca.crt")
    local result = wait.until_true("the server to do without TLS", 10, function()
      local one = look(url)
      return one.code ~= 0 and one
    end)
    server:sql("postgres", "alter system reset ssl", "select pg_reload_conf()")
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("does not support SSL", said(result))
    assert.matches("sslmode=disable", said(result), 1, true)
  end)

  it("this machine is not elsewhere", function()
    for _, url in ipairs {
      ("postgres://etl@127.0.0.1:%d/postgres"):format(server.port),
      ("postgres://etl@localhost:%d/postgres"):format(server.port),
      ("postgres://etl@/postgres?host=%s&port=%d"):format(server.folder, server.port),
    } do
      local result = look(url)
      assert.equal(0, result.code, tostring(result))
    end
  end)
end)

-- ---- Passwords --------------------------------------------------------------------------------

local function refusals()
  local _, count = files.read(server.log):gsub("password authentication failed", "")
  return count
end

describe("a password:", function()
  local function url(password, database)
    return ("postgres://locked:%s@127.0.0.1:%d/%s?sslmode=disable"):format(password, server.port,
      database or "postgres")
  end

  it("that is wrong is tried once", function()
    local before = refusals()
    local result = host.load(host.file("a.csv", "id\n1\n"), "t",
      { arguments = function() return { "--destination", url "wrong" } end })
    assert.equal(host.exit.auth, result.code, tostring(result))
    assert.equal(1, refusals() - before)
    assert.not_matches("wrong@", said(result), 1, true)
  end)

  it("that is changed while four lanes are about to log in is tried once", function()
    local database = server:fresh_database()
    -- The table's creation changes it; the lanes come after that.
    server:sql(database, [[create function lock_out() returns event_trigger language plpgsql as $$
      begin
        if exists (select from pg_event_trigger_ddl_commands()
          where object_identity = 'etl.t') then
          alter role locked password 'other';
        end if;
      end $$;
      create event trigger lock_out on ddl_command_end when tag in ('CREATE TABLE')
        execute function lock_out()]])
    local lines = { "id" }
    for i = 1, 20000 do lines[#lines + 1] = tostring(i) end
    local before = refusals()
    local result = host.load(host.file("a.csv", table.concat(lines, "\n") .. "\n"), "t",
      { arguments = function() return { "--destination", url("right", database) } end },
      { more = { "--lanes", "3", "--unit-bytes", "2048" } })
    server:sql("postgres", "alter role locked password 'right'")
    assert.equal(host.exit.auth, result.code, tostring(result))
    assert.equal(1, refusals() - before)
  end)

  it("that is missing, and a user who may not come from here", function()
    local result = look(("postgres://locked@127.0.0.1:%d/postgres"):format(server.port))
    assert.equal(host.exit.auth, result.code, tostring(result))
    assert.matches("PGPASSWORD", said(result))
    result = look(("postgres://shut@127.0.0.1:%d/postgres"):format(server.port))
    assert.equal(host.exit.auth, result.code, tostring(result))
    assert.matches("pg_hba.conf", said(result), 1, true)
  end)
end)

-- ---- Poolers ----------------------------------------------------------------------------------

describe("PgBouncer says", function()
  local port
  setup(function()
    port = server:pooler {
      databases = ([[
postgres = host=%s port=%d
stranger = host=127.0.0.1 port=%d dbname=postgres user=locked password=wrong
]]):format(server.folder, server.port, server.port),
      settings = "auth_type = md5\nmax_client_conn = 3\nserver_login_retry = 1\n",
      users = '"etl" "secret"\n',
    }
  end)

  local cases = {
    { "no such database", "postgres://etl:secret@127.0.0.1:%d/nowhere", "config",
      "no such database" },
    { "a wrong password", "postgres://etl:wrong@127.0.0.1:%d/postgres", "auth", "password" },
    { "no such user", "postgres://nobody:x@127.0.0.1:%d/postgres", "auth", "password" },
    { "a startup parameter", "postgres://etl:secret@127.0.0.1:%d/postgres?options=-cgeqo%%3Doff",
      "config", "ignore_startup_parameters" },
    { "that its own password is wrong", "postgres://etl:secret@127.0.0.1:%d/stranger", "auth",
      "password authentication failed" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local result = look(case[2]:format(port))
      assert.equal(host.exit[case[3]], result.code, tostring(result))
      assert.matches(case[4], said(result), 1, true)
    end)
  end
end)

describe("a pooler's words:", function()
  local port, refuser
  local cases = {
    { "08P01", "no more connections allowed (max_client_conn)", "network", "max_connections" },
    { "08P01", "query_wait_timeout", "network", "free for long" },
    { "08P01", "server login failed: FATAL the database system is starting up", "network" },
    { "08P01", "server login has been failing, try again later (server_login_retry)", "network" },
    { "XX000", "Tenant or user not found", "config", "USER.PROJECT" },
    { "XX000", "(ENOTFOUND) tenant/user etl.abc not found", "config", "USER.PROJECT" },
    { "XX000", "Max client connections reached", "network", "max_connections" },
    { "XX000", "(EMAXCLIENTSESSION) max clients reached in session mode - max clients are limited "
      .. "to pool_size: 15", "network", "max_connections" },
    { "XX000", "Unable to check out process from the pool due to timeout", "network" },
    { "XX000", "(EDBHANDLEREXITED) connection to database closed. Check logs", "network" },
    { "XX000", "(ECIRCUITBREAKER) too many authentication errors, new connections are temporarily "
      .. "blocked", "network", "some minutes" },
    { "XX000", "Authentication error, reason: \"Invalid format for user or db_name\"", "auth" },
    { "XX000", "Address not in tenant allow_list: {127, 0, 0, 1}", "auth" },
    { "58000", "could not get connection from the pool - AllServersDown", "network" },
    { "58000", "No pool configured for database: \"x\", user: \"y\"", "config" },
    { "XX000", "something that nobody has heard of", "destination" },
  }

  setup(function()
    local lines = {}
    for i, case in ipairs(cases) do
      lines[i] = ("case%d|%s|%s\n"):format(i, case[1], case[2])
    end
    port = postgres.free_port()
    local path = files.write(files.temp() .. "/answers", table.concat(lines))
    refuser = process.spawn { "python3", host.root .. "/tests/support/refuser.py", port, path }
    wait.until_true("the refuser", 10, function() return refuser:output():find "ready" end)
  end)
  teardown(function()
    refuser:signal "KILL"
    refuser:wait()
  end)

  for i, case in ipairs(cases) do
    it(case[1] .. " " .. case[2], function()
      local result = look(("postgres://etl@127.0.0.1:%d/case%d"):format(port, i))
      assert.equal(host.exit[case[3]], result.code, tostring(result))
      assert.matches(case[2], said(result), 1, true)
      if case[4] then assert.matches(case[4], said(result), 1, true) end
      -- What no further try would mend is not tried again.
      local _, tries = refuser:output():gsub("client case" .. i .. "\n", "")
      if case[3] ~= "network" then assert.equal(1, tries) end
      if case[3] == "network" and case[2]:find "ECIRCUIT" then assert.equal(1, tries) end
    end)
  end
end)
