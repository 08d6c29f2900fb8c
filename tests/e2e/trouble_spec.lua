-- Several files, several streams: what goes wrong with one must not touch the others.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local function prefixes(names)
  local list = {}
  for _, name in ipairs(names) do list[#list + 1] = name .. ": {}" end
  return "    prefixes: { " .. table.concat(list, ", ") .. " }\n"
end

local function numbers(count, last)
  local lines = { "id,v" }
  for i = 1, count do lines[#lines + 1] = i .. "," .. i end
  lines[#lines + 1] = last
  return table.concat(lines, "\n") .. "\n"
end

local function ids(to, name)
  return (to:sql("select id from " .. to:name(name) .. " order by id"):gsub("\n", " "))
end

target.each(function(name, fresh)
  describe("trouble on " .. name .. ":", function()
    it("more streams fail in the middle of a file than there are units", function()
      local to = fresh()
      local exports, names, resources = {}, {}, {}
      for i = 1, 5 do
        names[i] = "r" .. i
        exports[names[i] .. "/a.csv"] = numbers(9000)
        resources[i] = ([[r%d = { table = "r%d", on_row_error = "stop",
          row = function(row) if %s and tostring(row.id) == "8000" then error "boom" end end },]])
          :format(i, i, tostring(i < 5))
      end
      local project = host.project { exports = exports, settings = prefixes(names),
        pipeline = 'return require "etl.pipeline" { s3_exports = { '
          .. table.concat(resources, "\n") .. " } }\n" }
      local result = host.run(project, to, { seconds = 60 })
      assert.equal(host.exit.script, result.code, tostring(result))
      assert.equal(9000, to:count "r5")
      for i = 1, 4 do assert.equal(0, to:has_table("r" .. i) and to:count("r" .. i) or 0) end
    end)

    it("the same bytes twice in one load", function()
      local to = fresh()
      local text = numbers(3)
      host.must_load({ host.file("a.csv", text), host.file("b.csv", text),
        host.file("c.csv", text) }, "t", to)
      assert.equal(3, to:count "t")
    end)

    it("keys that come late, into a new table and into one that has them", function()
      local to = fresh()
      local function rows(from)
        local lines = {}
        for i = from, from + 19999 do
          lines[#lines + 1] = i % 20000 < 10000 and ('{"id":%d,"a":"x"}'):format(i)
            or ('{"id":%d,"a":"x","b":%d}'):format(i, i)
        end
        return table.concat(lines, "\n") .. "\n"
      end
      host.must_load(host.file("a.jsonl", rows(0)), "t", to)
      host.must_load(host.file("b.jsonl", rows(20000)), "t", to)
      assert.equal(40000, to:count "t")
      assert.equal("20000", to:sql("select count(*) from " .. to:name "t" .. " where b = id"))
    end)

    it("a column that a row function adds in one file is written in the next", function()
      local to = fresh()
      local project = host.project {
        exports = { ["orders/1.csv"] = "id\n1\n", ["orders/2.csv"] = "id,x\n2,20\n3,\n",
          ["orders/3.csv"] = "id\n4\n" },
        pipeline = [[return require "etl.pipeline" { s3_exports = { orders = { table = "t",
          row = function(row) if row.id % 2 == 1 then row.x = row.id * 100 end end } } }]] }
      local result = host.run(project, to)
      assert.equal(0, result.code, tostring(result))
      assert.equal("1 2 3 4", ids(to, "t"))
      assert.equal("420", to:sql("select sum(x) from " .. to:name "t"))
    end)

    it("a header that is repeated below, with more columns than any patience", function()
      local to = fresh()
      local header, values = {}, {}
      for i = 1, 120 do header[i], values[i] = "c" .. i, tostring(i) end
      local row = table.concat(values, ",")
      local text = table.concat({ table.concat(header, ","), row, row, table.concat(header, ","),
        row }, "\n") .. "\n"
      host.must_load(host.file("a.csv", text), "t", to, { seconds = 60 })
      assert.equal(4, to:count "t")
      assert.equal("c120", to:sql("select c120 from " .. to:name "t" .. " where c1 = 'c1'"))
    end)

    it("two streams share a table, and one of them changes it", function()
      local to = fresh()
      local exports = {}
      for i = 1, 6 do
        exports[("a/%d.csv"):format(i)] = ("id,v\n%d,%s\n"):format(i, i == 3 and "x" or i)
        exports[("b/%d.csv"):format(i)] = ("id,v\n%d,%d\n"):format(i + 10, i)
      end
      local project = host.project { exports = exports, settings = prefixes { "a", "b" },
        pipeline = [[return require "etl.pipeline" { s3_exports = {
          a = { table = "t" }, b = { table = "t" } } }]] }
      local result = host.run(project, to)
      assert.equal(0, result.code, tostring(result))
      assert.equal("1 2 3 4 5 6 11 12 13 14 15 16", ids(to, "t"))
    end)

    it("another run has the stream: trying again may help, and the status says so", function()
      local to = fresh()
      local file = host.file("a.csv", "id\n1\n")
      host.must_load(file, "t", to)
      to:sql("update " .. to:book "loads" .. " set status = 'running'")
      to:sql("update " .. to:book "runs" .. " set host = 'elsewhere', heartbeat_at = "
        .. (to.kind == "sqlite" and "strftime('%Y-%m-%dT%H:%M:%SZ')" or "now()"))
      local result = host.load(file, "t", to)
      assert.equal(host.exit.network, result.code, tostring(result))
      assert.matches("is loading this stream: process %d+ on elsewhere", result.out)
      assert.matches("--take-over", result.out, 1, true)
      assert.equal(0, host.load(file, "t", to, { more = { "--take-over" } }).code)
    end)

    it("a script names the bookkeeping as its table", function()
      local to = fresh()
      local project = host.project { exports = { ["orders/1.csv"] = "id\n1\n" },
        pipeline = [[return require "etl.pipeline" { s3_exports = {
          orders = { table = "_etl_streams" } } }]] }
      local result = host.run(project, to)
      assert.not_equal(0, result.code, tostring(result))
      assert.matches("reserved", result.out .. result.err)
    end)
  end)
end)

describe("trouble in a preview:", function()
  it("the error of a row function is told once", function()
    local project = host.project { exports = { ["orders/1.csv"] = "id\n1\n" },
      pipeline = [[return require "etl.pipeline" { s3_exports = { orders = { table = "t",
        on_row_error = "stop", row = function() error "boom" end } } }]] }
    local result = host.etlhost({ "preview", "s3_exports.orders", "--pipeline",
      "pipelines/p.lua" }, { cwd = project })
    assert.equal(host.exit.script, result.code, tostring(result))
    local _, count = (result.out .. result.err):gsub("error:", "")
    assert.equal(1, count, tostring(result))
    assert.is_true(files.exists(project .. "/exports/orders/1.csv"))
  end)
end)
