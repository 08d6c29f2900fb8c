-- Rows that do not fit: where they go, how many are too many, and what can be done with them.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local function broken(good, bad)
  local lines = { "id,v" }
  for i = 1, good do lines[#lines + 1] = i .. ",x" end
  for i = 1, bad do table.insert(lines, 1 + i * 3, "broken" .. i .. ",too,many") end
  return table.concat(lines, "\n") .. "\n"
end

local function config_for(to)
  return ("connections:\n  here: { url: %q }\ndefaults:\n  destination: { connection: here }\n")
    :format(to.url)
end

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("dead rows of a load into " .. make.name, function()
    it("are kept with their bytes, line and reason; the rest is loaded", function()
      local to = make.fresh()
      local result = host.must_load(host.file("b.csv", broken(50, 2)), "t", to)
      assert.equal(50, to:count "t")
      assert.equal("2", to:sql("select count(*) from " .. to:book "dead_rows"))
      assert.matches("2 dead rows", result.out .. result.err)
      assert.matches("b.csv:4", result.out .. result.err, 1, true)
    end)

    it("make the exit code under --strict", function()
      local to = make.fresh()
      local file = host.file("b.csv", broken(50, 2))
      local result = host.load(file, "t", to, { more = { "--strict" } })
      assert.equal(host.exit.dead_rows, result.code, tostring(result))
      assert.equal(50, to:count "t")
    end)

    it("are not a success when they are too many: nothing of the unit stays", function()
      local to = make.fresh()
      local result = host.load(host.file("b.csv", broken(100, 30)), "t", to)
      assert.equal(host.exit.data, result.code, tostring(result))
      assert.equal(0, to:has_table "t" and to:count "t" or 0)
      -- The file is not done: mended, it loads.
      host.must_load(host.file("b.csv", broken(100, 0)), "t", to)
      assert.equal(100, to:count "t")
    end)

    it("are no success either when each of many small files has a few", function()
      local to = make.fresh()
      local folder, paths = files.temp(), {}
      for i = 1, 14 do
        paths[i] = files.write(("%s/%02d.csv"):format(folder, i),
            ("id,v\n%d,a\n2,b\n3\n"):format(i))
      end
      local result = host.load(paths, "t", to)
      assert.equal(host.exit.data, result.code, tostring(result))
      assert.matches("11 of the 33 rows that this run read of t, up to .*11.csv", result.out)
      -- What committed before stays, and is not read again.
      assert.equal(20, to:count "t")
      local again = host.load({ paths[1], paths[10] }, "t", to)
      assert.equal(0, again.code, tostring(again))
      assert.equal(20, to:count "t")
    end)

    it("are the same after a second run", function()
      local to = make.fresh()
      local file = host.file("b.csv", broken(50, 2))
      host.must_load(file, "t", to)
      local before = to:dump_dead()
      host.must_load(file, "t", to)
      assert.equal(before, to:dump_dead())
    end)

    it("can be listed, shown, exported and discarded", function()
      local to = make.fresh()
      local project = host.project {
        exports = { ["orders/b.csv"] = broken(50, 2) },
        config = config_for(to),
      }
      local run = host.etlhost({ "run", "pipelines/p.lua" }, { cwd = project })
      assert.equal(0, run.code, tostring(run))
      local list = host.etlhost({ "dead", "list" }, { cwd = project })
      assert.equal(0, list.code, tostring(list))
      assert.matches("b.csv", list.out, 1, true)
      local export = host.etlhost({ "dead", "export" }, { cwd = project })
      assert.matches("broken1,too,many", export.out, 1, true)
      local discard = host.etlhost({ "dead", "discard", "--all", "--yes" }, { cwd = project })
      assert.equal(0, discard.code, tostring(discard))
      assert.equal("0", to:sql("select count(*) from " .. to:book "dead_rows"
        .. " where status = 'dead'"))
    end)

    it("come back through the present script with dead retry", function()
      local to = make.fresh()
      local project = host.project {
        exports = { ["orders/b.csv"] = "id,v\n1,10\n2,n/a\n3,30\n" },
        config = config_for(to),
        pipeline = [[return require "etl.pipeline" {
          s3_exports = { orders = { table = "t", columns = { v = "bigint" },
            contract = { types = "discard_row" } } } }]],
      }
      assert.equal(0, host.etlhost({ "run", "pipelines/p.lua" }, { cwd = project }).code)
      assert.equal(2, to:count "t")
      files.write(project .. "/pipelines/p.lua", [[return require "etl.pipeline" {
        s3_exports = { orders = { table = "t", columns = { v = "bigint" },
          contract = { types = "discard_row" }, format = { nulls = { "n/a" } } } } }]])
      local retry = host.etlhost({ "dead", "retry" }, { cwd = project })
      assert.equal(0, retry.code, tostring(retry))
      assert.equal(3, to:count "t")
      assert.equal("resolved", to:sql("select status from " .. to:book "dead_rows"))
    end)
  end)
end
