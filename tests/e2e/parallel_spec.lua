-- Several clients at once: each has an engine, and none hears of the others' failures.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

local PIPELINE = 'return require "etl.pipeline" { s3_exports = { orders = { table = "t" } } }\n'

local function rows(first, count)
  local lines = { "id,v" }
  for i = first, first + count - 1 do lines[#lines + 1] = i .. ",value " .. i end
  return table.concat(lines, "\n") .. "\n"
end

-- A project with the clients c1, c2, ... each with its own folder.
local function project(count, per_client)
  local exports = {}
  for i = 1, count do exports[("c%d/orders/1.csv"):format(i)] = rows(i * 1000000, per_client) end
  local folder = host.project { exports = exports, pipeline = PIPELINE }
  local yaml = files.read(folder .. "/config/clients/acme.yaml")
  files.remove(folder .. "/config/clients/acme.yaml")
  for i = 1, count do
    files.write(("%s/config/clients/c%d.yaml"):format(folder, i),
      (yaml:gsub("acme", "c" .. i):gsub("file:exports", "file:exports/c" .. i)))
  end
  return folder
end

for _, make in ipairs { target.list[1], target.list[3] } do
  describe("run --parallel into " .. make.name, function()
    it("loads every client, and one client's failure stops no other", function()
      local to, folder = make.fresh(), project(5, 200)
      files.write(folder .. "/exports/c2/orders/1.csv", "id,v\n" .. ("x\n"):rep(40))
      local result = host.run(folder, to, { more = { "--parallel", "3" } })
      assert.equal(host.exit.data, result.code, tostring(result))
      assert.equal("c1|200\nc3|200\nc4|200\nc5|200",
        to:sql("select _client_id, count(*) from " .. to:name "t" .. " group by 1 order by 1"))
      assert.matches("^c2", result.out) -- the failure first
      local again = host.run(folder, to, { more = { "--parallel", "3" } })
      assert.equal(host.exit.data, again.code, tostring(again))
      assert.equal(800, to:count "t")
    end)
  end)
end

describe("run --parallel", function()
  it("stops all its clients at their last commit, and goes on from there", function()
    local to, folder = target.postgres { lanes = 1 }, project(3, 60000)
    local arguments = { "run", "pipelines/p.lua", "--parallel", "2", "--unit-bytes", "8192",
      "--destination", to.url }
    local run = host.spawn(arguments, { cwd = folder })
    wait.until_true("both clients to have rows", 60, function()
      local ok, n = pcall(to.sql, to, "select count(distinct _client_id) from etl.t")
      return run:ended() or ok and n == "2"
    end)
    run:signal "INT"
    local result = run:wait(30)
    process.wait_gone(run.pid)
    assert.equal(host.exit.interrupted, result.code, tostring(result))
    assert.equal(0, host.run(folder, to, { more = { "--parallel", "3" } }).code)
    assert.equal("180000|180000", to:sql "select count(*), count(distinct id) from etl.t")
  end)

  it("takes a number that makes sense", function()
    local result = host.etlhost({ "run", "pipelines/p.lua", "--parallel", "0" },
      { cwd = project(1, 1) })
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("--parallel is from 1 to 32", result.err, 1, true)
  end)
end)
