-- Eight runs merge the same keys at once: nothing is lost, whoever comes last. `make stress` sets
-- ETLHOST_BATCHES: how many transactions all of them together make.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

local WRITERS, KEYS, ROWS = 8, 300, 12
local batches = tonumber(os.getenv "ETLHOST_BATCHES") or 160

-- Which keys each writer has in which order: the same in every run (a linear congruence).
local state = 42
local function random(n)
  state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
  return (state >> 33) % n + 1
end

-- The files, and by key the newest row of all: { seq, writer }.
local function make_files(folder)
  local newest = {}
  local rows = batches // WRITERS * ROWS
  for writer = 1, WRITERS do
    local lines = { "id,seq,writer" }
    for i = 1, rows do
      local id, seq = random(KEYS), i * WRITERS + writer
      lines[#lines + 1] = ("%d,%d,w%d"):format(id, seq, writer)
      if not newest[id] or newest[id][1] < seq then newest[id] = { seq, "w" .. writer } end
    end
    files.write(("%s/exports/w%d/a.csv"):format(folder, writer), table.concat(lines, "\n") .. "\n")
  end
  return newest
end

local function project(to)
  local prefixes = {}
  for writer = 1, WRITERS do
    prefixes[writer] = ("      w%d: { table: orders, key: id, cursor: seq }\n"):format(writer)
  end
  return host.project {
    client = "destination: { connection: all }\n",
    config = ("connections: { all: { url: \"%s\", max_connections: 40 } }\n"):format(to.url),
    settings = "    prefixes:\n" .. table.concat(prefixes),
  }
end

local function expected(newest)
  local lines = {}
  for id = 1, KEYS do
    if newest[id] then
      lines[#lines + 1] = ("%d|%d|%s"):format(id, newest[id][1], newest[id][2])
    end
  end
  return table.concat(lines, "\n")
end

describe("eight writers", function()
  it("merge the same keys: the newest row of each is there, once", function()
    local to = target.postgres { lanes = 1 }
    local folder = project(to)
    local newest = make_files(folder)
    local function argv(writer)
      return { host.program, "run", "pipelines/p.lua", "--resource", "w" .. writer, "--lanes", "2",
        "--unit-bytes", "1000" }
    end
    local runs = {}
    for writer = 1, WRITERS do runs[writer] = process.spawn(argv(writer), { cwd = folder }) end
    for writer = 1, WRITERS do
      local result = runs[writer]:wait(batches > 1000 and 540 or 60)
      assert.equal(0, result.code, tostring(result))
    end
    assert.equal(expected(newest), to:sql
      "select id, seq, writer from etl.orders order by id")
    local units = tonumber(to:sql "select count(*) from _etl.units where rows > 0")
    assert.is_true(units >= batches, units .. " units")
    if batches > 1000 then
      print(("%d transactions of %d writers, %s deadlocks"):format(units, WRITERS, to:sql
        "select deadlocks from pg_stat_database where datname = current_database()"))
    end
  end)
end)
