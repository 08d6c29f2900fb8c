-- What networks, servers and disks do to a load. Each ends with the table of an undisturbed run.
local data = require "tests.crash.data"
local files = require "tests.support.files"
local host = require "tests.support.host"
local postgres = require "tests.support.postgres"
local process = require "tests.support.process"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

local LANES = { 1, 2 }

local function fresh_with(lanes)
  return function() return target.postgres { lanes = lanes } end
end

-- One name for both: what is loaded does not depend on lanes.
local function expected() return data.expected("postgres", fresh_with(1)) end

local function assert_whole(to) assert.equal(expected(), data.result(to)) end

local function engine_of(run)
  return wait.until_true("the engine", 20, function()
    return process.member(run.pid, "--engine")
  end)
end

-- Waits until the engine has stopped itself at its fault point.
local function stopped_engine(run)
  return wait.until_true("the engine to stop inside COPY", 20, function()
    if run:ended() then error("it ended instead:\n" .. run:output()) end
    local engine = process.member(run.pid, "--engine")
    return engine and engine.state == "T" and engine
  end)
end

local function continue(engine) os.execute("kill -CONT " .. engine.pid) end

for _, lanes in ipairs(LANES) do
  describe("on postgres, lanes: " .. lanes .. ",", function()
    it("the server restarted in the middle of COPY", function()
      local project, to = data.project(), target.postgres { lanes = lanes }
      local run = data.spawn(project, to, "copy.middle:3=stop")
      local engine = stopped_engine(run)
      to.server:restart "immediate"
      continue(engine)
      local result = run:wait()
      process.wait_gone(run.pid)
      -- It may have redone the unit by itself, or failed: both are right, losing rows is not.
      if result.code ~= 0 then
        assert.equal(host.exit.network, result.code, tostring(result))
        local again = data.run(project, to)
        assert.equal(0, again.code, tostring(again))
      end
      assert_whole(to)
    end)

    for _, n in ipairs { 1, 3, 6 } do
      it("the answer to COMMIT number " .. n .. " lost on the way", function()
        local project, to = data.project(), target.postgres { lanes = lanes }
        local port = postgres.free_port()
        local proxy = process.spawn { "python3", host.root .. "/tests/crash/proxy.py", port,
          to.server.port, "swallow", n }
        wait.until_true("the proxy", 10, function() return proxy:output():find "ready" end)
        to.url = to.server:url(to.database, port)
        local result = data.run(project, to)
        local said = proxy:output()
        proxy:signal "KILL"
        assert.matches("lost", said)
        assert.equal(0, result.code, tostring(result))
        assert_whole(to)
      end)
    end

    -- The COMMIT of the first unit waits for a lock that the test holds.
    local function with_slow_commit(to)
      to:sql [[create schema if not exists etl;
        create table etl.orders (id bigint, code text, amount bigint, note text, label text,
          _client_id text, _source text, _file text, _row bigint, _load_id bigint,
          _loaded_at timestamptz);
        create function etl.slow() returns trigger language plpgsql as $$
          begin perform pg_advisory_xact_lock_shared(42); return null; end $$;
        create constraint trigger slow after insert on etl.orders deferrable initially deferred
          for each row execute function etl.slow()]]
      local holder = process.spawn { "psql", "-Xq", "-h", to.server.folder, "-p", to.server.port,
        "-U", "etl", "-d", to.database, "-c", "select pg_advisory_lock(42)",
        "-c", "select 'held'", "-c", "select pg_sleep(600)" } -- sleep-ok: holds a lock until killed
      wait.until_true("the lock", 10, function() return holder:output():find "held" end)
      return holder
    end

    -- Ends the session that holds the lock, at the server: its client cannot linger.
    local function release(to, holder)
      to:sql [[select pg_terminate_backend(pid) from pg_locks
        where locktype = 'advisory' and granted and mode = 'ExclusiveLock']]
      holder:wait()
    end

    local function waits(to)
      return tonumber(to:sql [[select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock']])
    end

    local function ids(to)
      return to:sql "select count(*), count(distinct id), sum(id) from etl.orders"
    end

    it("a COMMIT that still runs when its own run looks again", function()
      local project, to = data.project(), target.postgres { lanes = lanes }
      local holder = with_slow_commit(to)
      local port = postgres.free_port()
      local proxy = process.spawn { "python3", host.root .. "/tests/crash/proxy.py", port,
        to.server.port, "cut", 1 }
      wait.until_true("the proxy", 10, function() return proxy:output():find "ready" end)
      local direct = to.url
      to.url = to.server:url(to.database, port)
      local run = data.spawn(project, to, "")
      wait.until_true("a COMMIT and one who looks for it", 30, function()
        return run:ended() or waits(to) >= 2
      end)
      release(to, holder)
      local result = run:wait()
      proxy:signal "KILL"
      to.url = direct
      if result.code ~= 0 then
        local again = data.run(project, to)
        assert.equal(0, again.code, tostring(again))
      end
      assert.equal("900|900|405450", ids(to))
    end)

    it("a COMMIT that still runs when the next run looks", function()
      local project, to = data.project(), target.postgres { lanes = lanes }
      local holder = with_slow_commit(to)
      local killed = data.run(project, to, { program = host.faulty_program,
        env = { ETLHOST_FAULT = "commit.sent" } })
      process.wait_gone(killed.session)
      assert.not_equal(0, killed.code, tostring(killed))
      assert.equal(1, waits(to), "the COMMIT of the one that was killed")
      local run = data.spawn(project, to, "")
      wait.until_true("the next run to wait for the old COMMIT", 30, function()
        return run:ended() or waits(to) >= 1
      end)
      release(to, holder)
      local result = run:wait()
      assert.equal(0, result.code, tostring(result))
      assert.equal("900|900|405450", ids(to))
    end)

    it("a run stopped inside COPY that wakes up after another took over", function()
      local project, to = data.project(), target.postgres { lanes = lanes }
      local old = data.spawn(project, to, "copy.middle:3=stop")
      local engine = stopped_engine(old)
      -- It looks alive: it is named, and left alone.
      local refused = data.run(project, to)
      assert.not_equal(0, refused.code, tostring(refused))
      assert.matches("%-%-take%-over", refused.out .. refused.err)
      local more = { "--take-over" }
      for _, word in ipairs(data.more) do more[#more + 1] = word end
      local new = data.run(project, to, { more = more })
      assert.equal(0, new.code, tostring(new))
      assert_whole(to)
      continue(engine)
      local result = old:wait()
      process.wait_gone(old.pid)
      assert.not_equal(0, result.code, tostring(result))
      assert_whole(to)
    end)

    it("connections ended by an administrator, again and again", function()
      local project, to = data.project(), target.postgres { lanes = lanes }
      local run = data.spawn(project, to, "copy.middle:2=stop")
      local engine = stopped_engine(run)
      to.server:sql("postgres", ("select pg_terminate_backend(pid) from pg_stat_activity "
        .. "where datname = '%s'"):format(to.database))
      continue(engine)
      local result = run:wait()
      if result.code ~= 0 then
        local again = data.run(project, to)
        assert.equal(0, again.code, tostring(again))
      end
      assert_whole(to)
    end)
  end)
end

describe("on sqlite,", function()
  it("another program that holds the write lock for a while", function()
    local project, to = data.project(), target.sqlite()
    local expected_here = data.expected("sqlite", target.sqlite)
    local first = data.run(project, to, { program = host.faulty_program,
      env = { ETLHOST_FAULT = "commit.answered:3" } })
    assert.not_equal(0, first.code)
    local holder = process.spawn { "python3", "-c", [[
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("begin immediate")
print("held", flush=True)
sys.stdin.read() or __import__("signal").pause()]], to.path }
    wait.until_true("the lock", 10, function() return holder:output():find "held" end)
    local run = data.spawn(project, to, "")
    engine_of(run)
    holder:signal "KILL"
    local result = run:wait()
    if result.code ~= 0 then
      local again = data.run(project, to)
      assert.equal(0, again.code, tostring(again))
    end
    assert.equal(expected_here, data.result(to))
  end)
end)

-- A small file system of our own; nil where mounting is not permitted.
local function small_disk(size)
  local folder = files.temp(true)
  local mounted = process.run { "mount", "-t", "tmpfs", "-o", "mode=777,size=" .. size, "none",
    folder }
  if mounted.code ~= 0 then return nil end
  os.execute(("setsid sh -c 'tail --pid=%d -f /dev/null; umount -l %s; rmdir %s' "
    .. "</dev/null >/dev/null 2>&1 &"):format(process.own_pid(), folder, folder))
  return folder
end

local function big_file()
  local lines = { "id,filler" }
  for i = 1, 40000 do lines[#lines + 1] = i .. "," .. ("x"):rep(300) .. i end
  return host.file("big.csv", table.concat(lines, "\n") .. "\n")
end

describe("a disk that is full,", function()
  it("under SQLite", function()
    local folder = small_disk "2m"
    if not folder then return pending "mounting a tmpfs is not permitted here" end
    local to, file = target.sqlite(), big_file()
    to.path = folder .. "/data.db"
    to.url = "sqlite:" .. to.path
    local more = { "--unit-bytes", "65536" }
    local full = host.load(file, "t", to, { more = more })
    assert.equal(host.exit.destination, full.code, tostring(full))
    assert.matches("SQLite: the disk is full", full.out .. full.err, 1, true)
    process.must { "mount", "-o", "remount,size=64m", folder }
    host.must_load(file, "t", to, { more = more })
    assert.equal("40000|40000", to:sql "select count(*), count(distinct id) from t")
  end)

  it("under a new SQLite file, from its first bytes on", function()
    for size = 4, 132, 32 do
      local folder = small_disk(size .. "k")
      if not folder then return pending "mounting a tmpfs is not permitted here" end
      local to = target.sqlite()
      to.path = folder .. "/data.db"
      to.url = "sqlite:" .. to.path
      local file = host.file("x.csv", "id\n1\n2\n")
      local full = host.load(file, "t", to)
      assert.equal(host.exit.destination, full.code, tostring(full))
      assert.matches("SQLite: the disk is full", full.out .. full.err, 1, true)
      process.must { "mount", "-o", "remount,size=64m", folder }
      host.must_load(file, "t", to)
      assert.equal("2|2", to:sql "select count(*), count(distinct id) from t")
    end
  end)

  it("under PostgreSQL", function()
    local folder = small_disk "14m"
    if not folder then return pending "mounting a tmpfs is not permitted here" end
    local to, file = target.postgres { lanes = 2 }, big_file()
    files.make_folder(folder .. "/space")
    process.must { "chmod", "777", folder .. "/space" }
    if process.must({ "id", "-u" }):match "%d+" == "0" then
      process.must { "chown", "nobody:nogroup", folder .. "/space" }
    end
    to:sql(("create tablespace small location '%s/space'"):format(folder))
    to.server:sql("postgres", ("alter database %s set tablespace small"):format(to.database))
    local more = { "--unit-bytes", "65536" }
    local full = host.load(file, "t", to, { more = more })
    assert.not_equal(0, full.code, tostring(full))
    process.must { "mount", "-o", "remount,size=256m", folder }
    host.must_load(file, "t", to, { more = more })
    assert.equal("40000|40000", to:sql("select count(*), count(distinct id) from etl.t"))
    to.server:sql("postgres", ("alter database %s set tablespace pg_default"):format(to.database))
    to.server:sql("postgres", "drop tablespace small")
  end)
end)
