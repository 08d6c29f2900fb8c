-- The connections that all runs of a host share: who has them, who waits, and who need not.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

-- A project whose connection has so many slots; gives its folder and the target.
local function project(most, patience)
  local to = target.postgres {}
  local folder = files.temp()
  files.write(folder .. "/config/etlhost.yaml", ([[
version: 1
connections:
  local: { url: "%s", max_connections: %d, wait_for_connection: %s }
]]):format(to.url, most, patience or "60s"))
  for _, id in ipairs { "acme", "holder" } do
    files.write(("%s/config/clients/%s.yaml"):format(folder, id),
      ("version: 1\nid: %s\nsources: {}\n"):format(id))
  end
  files.write(folder .. "/a.csv", "id\n1\n2\n")
  return folder, to
end

local function load_words(more)
  local words = { "load", "a.csv", "--into", "t", "--client", "acme" }
  for _, word in ipairs(more or {}) do words[#words + 1] = word end
  return words
end

-- A run that keeps its two connections until its standard input ends, which is a pipe.
local function start_holder(folder, to)
  process.must { "mkfifo", folder .. "/pipe" }
  local run = process.spawn({ "sh", "-c", 'exec "$@" 0<>pipe', "sh", host.program, "load", "-",
    "--into", "held", "--client", "holder" }, { cwd = folder })
  wait.until_true("the first run to be connected", 20, function()
    if run:ended() then error("it ended:\n" .. run:output()) end
    return to:sql "select to_regclass('_etl.streams') is not null" == "t"
  end)
  return run
end

local function start_waiter(folder, more)
  local run = host.spawn(load_words(more), { cwd = folder })
  wait.until_true("the second run to wait", 20, function()
    if run:ended() then error("it ended:\n" .. run:output()) end
    return run:output():find("waiting for a connection slot", 1, true)
  end)
  return run
end

local function engine_of(run)
  return wait.until_true("the engine", 20, function()
    return process.member(run.pid, "--engine")
  end)
end

local function stop(run)
  process.kill_session(run.pid)
  run:wait()
end

describe("connection slots:", function()
  it("a run waits for its turn, says for whom, and goes on", function()
    local folder, to = project(2)
    local first = start_holder(folder, to)
    local second = start_waiter(folder)
    assert.matches("waiting for a connection slot: 2 of 2 in use by run %S+ %(holder%)\n",
      second:output())
    assert.is_false(second:ended())
    stop(first)
    local result = second:wait()
    assert.equal(0, result.code, tostring(result))
    assert.equal(2, to:count "t")
  end)

  it("a run that is killed keeps nothing", function()
    local folder, to = project(2)
    local first = start_holder(folder, to)
    local second = start_waiter(folder)
    os.execute("kill -9 " .. engine_of(first).pid)
    local result = second:wait()
    stop(first)
    assert.equal(0, result.code, tostring(result))
    assert.equal(2, to:count "t")
  end)

  it("a run that is stopped keeps nobody waiting", function()
    local folder, to = project(2)
    local first = start_holder(folder, to)
    os.execute("kill -STOP " .. engine_of(first).pid)
    local result = host.etlhost(load_words(), { cwd = folder })
    stop(first)
    assert.equal(0, result.code, tostring(result))
    assert.not_matches("waiting", result.err)
  end)

  it("whoever does not want to wait longer is told who was in the way", function()
    local folder, to = project(2, "0s")
    local first = start_holder(folder, to)
    local result = host.etlhost(load_words(), { cwd = folder })
    assert.equal(host.exit.network, result.code, tostring(result))
    assert.matches("no connection slot was free for 0 s: 2 of 2 in use by run %S+ %(holder%)",
      result.out .. result.err)
    assert.matches("max_connections", result.out .. result.err)
    -- Neither who takes over, nor who only looks, waits for a turn.
    local taking = host.etlhost(load_words { "--take-over" }, { cwd = folder })
    local looking = host.etlhost({ "state", "show" }, { cwd = folder })
    local dry = host.etlhost(load_words { "--dry-run" }, { cwd = folder })
    stop(first)
    assert.equal(0, taking.code, tostring(taking))
    assert.equal(2, to:count "t")
    assert.equal(0, looking.code, tostring(looking))
    assert.matches("load%.t ", looking.out)
    assert.equal(0, dry.code, tostring(dry))
  end)

  it("Ctrl-C ends the waiting", function()
    local folder, to = project(2)
    local first = start_holder(folder, to)
    local second = start_waiter(folder)
    second:signal "INT"
    local result = second:wait()
    stop(first)
    assert.equal(host.exit.interrupted, result.code, tostring(result))
    assert.is_false(to:has_table "t")
  end)

  it("a run with many lanes makes no more connections than there are slots", function()
    local folder, to = project(2)
    local lines = { "id" }
    for i = 1, 5000 do lines[#lines + 1] = tostring(i) end
    files.write(folder .. "/a.csv", table.concat(lines, "\n") .. "\n")
    -- The server would refuse the third.
    to:sql(([[create role few login superuser; alter role few nosuperuser connection limit 2;
      grant create on database %s to few]]):format(to.database))
    files.write(folder .. "/config/etlhost.yaml", ([[
version: 1
connections: { local: { url: "%s", max_connections: 2 } }
]]):format(to.url:gsub("etl@", "few@")))
    local result = host.etlhost(load_words { "--lanes", "4", "--unit-bytes", "4096" },
      { cwd = folder })
    assert.equal(0, result.code, tostring(result))
    assert.equal(5000, to:count "t")
  end)
end)
