-- Rows that come again: a key says which row of the table is meant, a cursor which one is newer.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local SMALL = { "--unit-bytes", "2048" }

local function pipeline_with(resource)
  return ('return require "etl.pipeline" { s3_exports = { orders = %s } }\n'):format(resource)
end

-- A project whose files come one after the other: step(name, text) adds one and runs.
local function stepper(to, resource, options)
  local project = host.project { pipeline = pipeline_with(resource), exports = {} }
  files.make_folder(project .. "/exports/orders")
  return function(name, text, must_fail)
    files.write(project .. "/exports/orders/" .. name, text)
    local result = host.run(project, to, options)
    assert.equal(must_fail or 0, result.code, tostring(result))
    return result, project
  end
end

local function rows(to, columns, order)
  return to:sql(("select %s from %s order by %s"):format(columns, to:name "orders", order or "id"))
end

local KEYED = '{ key = "id", table = "orders" }'
local BY_TIME = '{ key = "id", cursor = "at", table = "orders" }'

for _, make in ipairs { target.list[2], target.list[3], target.list[4] } do
  local name, fresh = make.name, make.fresh
  describe("merge into " .. name, function()
    it("changes the row that is there, and adds the others", function()
      local to = fresh()
      local step = stepper(to, KEYED)
      step("1.csv", "id,v,w\n1,a,x\n2,b,y\n")
      step("2.csv", "id,v,w\n2,B,\n3,c,z\n")
      assert.equal("1|a|x\n2|B|\\N\n3|c|z", rows(to, "id, v, w"))
    end)

    it("keeps what a file has no column for", function()
      local to = fresh()
      local step = stepper(to, KEYED)
      step("1.csv", "id,v,w\n1,a,x\n2,b,y\n")
      step("2.csv", "id,v\n2,B\n3,c\n")
      assert.equal("1|a|x\n2|B|y\n3|c|\\N", rows(to, "id, v, w"))
    end)

    it("keeps fields that a JSON record lacks, and takes a null that it has", function()
      local to = fresh()
      local step = stepper(to, KEYED)
      step("1.jsonl", '{"id":1,"v":"a","w":"x"}\n{"id":2,"v":"b","w":"y"}\n')
      step("2.jsonl", '{"id":1,"v":null}\n{"id":2,"w":"Y"}\n{"id":3,"w":"z"}\n')
      assert.equal("1|\\N|x\n2|b|Y\n3|\\N|z", rows(to, "id, v, w"))
    end)

    it("lets the later row win without a cursor, in a file and between files", function()
      local to = fresh()
      local step = stepper(to, KEYED, { more = SMALL })
      local lines = { "id,v" }
      for round = 1, 20 do
        for id = 1, 50 do lines[#lines + 1] = id .. "," .. round end
      end
      step("1.csv", table.concat(lines, "\n") .. "\n")
      assert.equal("50|1000|20|20", to:sql("select count(*), sum(v), min(v), max(v) from "
        .. to:name "orders"))
    end)

    it("judges by the cursor what is newer, null being oldest", function()
      local to = fresh()
      local step = stepper(to, BY_TIME)
      step("1.csv", "id,at,v\n1,2026-01-05,five\n2,,none\n3,2026-01-01,one\n4,2026-01-01,one\n")
      step("2.csv", "id,at,v\n1,2026-01-04,four\n2,2026-01-01,first\n3,,none\n4,2026-01-01,again\n"
        .. "5,2026-01-09,nine\n5,2026-01-08,eight\n")
      assert.equal("1|five\n2|first\n3|one\n4|again\n5|nine", rows(to, "id, v"))
    end)
  end)
end
