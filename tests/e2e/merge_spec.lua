-- Rows that come again: a key says which row of the table is meant, a cursor which one is newer.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local SMALL = { "--unit-bytes", "2048" }

local function pipeline_with(resource)
  return ('return require "etl.pipeline" { s3_exports = { orders = %s } }\n'):format(resource)
end

local function rows(to, columns, order)
  return to:sql(("select %s from %s order by %s"):format(columns, to:name "orders", order or "id"))
end

-- What the units say of their rows, summed up.
local function effects(to)
  local sums, list = {}, {}
  for what, count in to:sql("select effects from " .. to:book "units"):gmatch '"(%a+)": ?(%d+)' do
    sums[what] = (sums[what] or 0) + tonumber(count)
  end
  for what, sum in pairs(sums) do list[#list + 1] = what .. " " .. sum end
  table.sort(list)
  return table.concat(list, ", ")
end

-- Makes the table refuse values of v that are longer than 3 characters.
local function refuse_long(to)
  if to.kind == "postgres" then
    to:sql "alter table etl.orders add constraint short check (length(v) < 4)"
    return
  end
  for _, event in ipairs { "insert", "update" } do
    to:sql(("create trigger short_%s before %s on orders when length(new.v) > 3 "
      .. "begin select raise(abort, 'too long'); end"):format(event, event))
  end
end

local KEYED = '{ key = "id", table = "orders" }'
local BY_TIME = '{ key = "id", cursor = "at", table = "orders" }'

-- Through the pooler and on two lanes there is all that there is without; the direct way is below.
for _, make in ipairs { target.list[1], target.list[4] } do
  local name, fresh = make.name, make.fresh
  describe("merge into " .. name, function()
    it("changes rows that are there, adds others, keeps what a file has no column for", function()
      local to = fresh()
      local step = host.stepper(to, KEYED)
      step("1.csv", "id,v,w\n1,a,x\n2,b,y\n4,d,v\n")
      local result = step("2.csv", "id,v,w\n2,B,\n3,c,z\n4,d,v\n")
      assert.equal("1|a|x\n2|B|\\N\n3|c|z\n4|d|v", rows(to, "id, v, w"))
      assert.matches("1 new, 1 changed, 1 as they were", result.out, 1, true)
      step("3.csv", "id,v\n2,BB\n5,e\n")
      assert.equal("1|a|x\n2|BB|\\N\n3|c|z\n4|d|v\n5|e|\\N", rows(to, "id, v, w"))
      assert.equal("inserted 5, unchanged 1, updated 2", effects(to))
      -- _load_id is the load that wrote the row last: a row that was the same was not written.
      local by_load, last = {}, nil
      for load, id in rows(to, "_load_id, id", "_load_id, id"):gmatch "(%d+)|(%d+)" do
        if load ~= last then by_load[#by_load + 1] = "" end
        by_load[#by_load], last = by_load[#by_load] .. id, load
      end
      assert.same({ "14", "3", "25" }, by_load)
    end)

    it("keeps fields that a JSON record lacks, and takes a null that it has", function()
      local to = fresh()
      local step = host.stepper(to, KEYED)
      step("1.jsonl", '{"id":1,"v":"a","w":"x"}\n{"id":2,"v":"b","w":"y"}\n')
      step("2.jsonl", '{"id":1,"v":null}\n{"id":2,"w":"Y"}\n{"id":3,"w":"z"}\n')
      assert.equal("1|\\N|x\n2|b|Y\n3|\\N|z", rows(to, "id, v, w"))
    end)

    it("puts records of one key together, without those that are stale", function()
      local to = fresh()
      local step = host.stepper(to, BY_TIME)
      step("1.jsonl", '{"id":1,"at":5,"v":"five","w":"five","x":"five"}\n')
      step("2.jsonl", '{"id":1,"at":9,"v":"nine"}\n{"id":1,"at":3,"v":"three","x":"three"}\n'
        .. '{"id":1,"at":7,"v":"seven","w":"seven"}\n{"id":2,"at":1,"v":"a"}\n'
        .. '{"id":2,"at":2,"w":"b"}\n{"id":2,"at":2,"v":null}\n')
      assert.equal("1|9|nine|seven|five\n2|2|\\N|b|\\N", rows(to, "id, at, v, w, x"))
    end)

    it("lets the later row win without a cursor, in a unit and between units", function()
      local to = fresh()
      local step = host.stepper(to, KEYED, { more = SMALL })
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
      local step = host.stepper(to, BY_TIME)
      step("1.csv", "id,at,v\n1,2026-01-05,five\n2,,none\n3,2026-01-01,one\n4,2026-01-01,one\n")
      local result = step("2.csv", "id,at,v\n1,2026-01-04,four\n2,2026-01-01,first\n3,,none\n"
        .. "4,2026-01-01,again\n5,2026-01-09,nine\n5,2026-01-08,eight\n")
      assert.equal("1|five\n2|first\n3|one\n4|again\n5|nine", rows(to, "id, v"))
      assert.matches("1 new, 2 changed, 1 repeated by a newer one, 2 stale", result.out, 1, true)
    end)

    for what, c in pairs {
      numbers = { "9.5", "10.25", "9.75" },
      digits = { "99999999999999999999", "100000000000000000000", "99999999999999999999.5" },
      times = { "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2026-01-01T02:00:00.25+02:00" },
      dates = { "2026-01-02", "2026-01-02T00:00:01", "2026-01-02" },
    } do
      it("compares cursors as values: " .. what, function()
        local to = fresh()
        local step = host.stepper(to, BY_TIME)
        step("1.csv", ("id,at,v\n1,%s,first\n2,%s,first\n3,%s,first\n"):format(c[1], c[2], c[1]))
        step("2.csv", ("id,at,v\n1,%s,second\n2,%s,second\n3,%s,s\n3,%s,late\n3,%s,s\n")
          :format(c[2], c[1], c[1], c[2], c[3]))
        assert.equal("1|second\n2|first\n3|late", rows(to, "id, v"))
        step("3.csv", ("id,at,v\n1,%s,third\n2,%s,third\n"):format(c[3], c[2]))
        assert.equal("1|second\n2|third\n3|late", rows(to, "id, v"))
      end)
    end

    it("lets a cursor that was only null so far take the type of its first value", function()
      local to = fresh()
      local step = host.stepper(to, BY_TIME)
      step("1.csv", "id,v,at\n1,a,\n")
      step("2.csv", "id,v,at\n1,b,10\n")
      local result = step("3.csv", "id,v,at\n1,c,9\n")
      assert.matches("1 stale", result.out, 1, true)
      assert.equal("1|b|10", rows(to, "id, v, at"))
    end)

    it("deletes rows whose flag is true, unless they are stale", function()
      local to = fresh()
      local step = host.stepper(to,
        '{ key = "id", cursor = "at", hard_delete = "gone", table = "orders" }')
      step("1.csv", "id,at,v,gone\n1,5,a,false\n2,5,b,false\n3,5,c,false\n")
      local result = step("2.csv", "id,at,v,gone\n1,6,,true\n2,4,,true\n4,6,d,true\n3,6,C,false\n")
      assert.equal("2|b\n3|C", rows(to, "id, v"))
      assert.matches("1 changed, 1 as they were, 1 stale (older than what is there), 1 deleted",
        result.out, 1, true)
    end)

    it("begins a row anew that is deleted and comes again, in one unit as in two", function()
      local to = fresh()
      local step = host.stepper(to,
        '{ key = "id", cursor = "at", hard_delete = "gone", table = "orders" }')
      step("1.csv", "id,at,v,w,gone\n1,5,a,x,false\n2,5,b,y,false\n3,5,c,z,false\n")
      local result = step("2.csv", "id,at,v,gone\n1,6,,true\n1,7,A,false\n2,4,,true\n2,6,B,false\n")
      assert.matches("1 new, 1 changed, 1 repeated by a newer one, 1 deleted", result.out, 1, true)
      -- What a record before the deletion has is no part of the row either.
      step("3.jsonl", '{"id":3,"at":6,"v":"C"}\n{"id":3,"at":7,"gone":true,"v":"d"}\n'
        .. '{"id":3,"at":8,"gone":false}\n{"id":3,"at":9,"w":"Z"}\n')
      assert.equal("1|A|\\N\n2|B|y\n3|\\N|Z", rows(to, "id, v, w"))
    end)

    it("replaces whole rows with delete_insert", function()
      local to = fresh()
      local step = host.stepper(to,
        '{ key = "id", cursor = "at", merge = "delete_insert", table = "orders" }')
      step("1.csv", "id,at,v,w\n1,5,a,x\n2,5,b,y\n3,5,c,z\n")
      local result = step("2.csv", "id,at,v\n1,6,A\n2,4,B\n4,6,D\n")
      assert.equal("1|A|\\N\n2|b|y\n3|c|z\n4|D|\\N", rows(to, "id, v, w"))
      assert.matches("1 new, 1 changed, 1 stale", result.out, 1, true)
    end)

    it("leaves known rows alone with insert_only", function()
      local to = fresh()
      local step = host.stepper(to, '{ key = "id", write = "insert_only", table = "orders" }')
      step("1.csv", "id,v\n1,a\n1,second\n2,b\n")
      local result = step("2.csv", "id,v\n2,B\n3,c\n")
      assert.equal("1|a\n2|b\n3|c", rows(to, "id, v"))
      assert.matches("1 new, 1 as they were", result.out, 1, true)
    end)

    it("sets rows aside that have no key, or that the server refuses in a step", function()
      local to = fresh()
      local step = host.stepper(to, KEYED)
      step("1.csv", "id,v\n1,a\n2,b\n")
      refuse_long(to)
      local lines = { "id,v", ",x", "2,too long" }
      for id = 3, 2000 do lines[#lines + 1] = id .. (id == 1500 and ",too long" or ",v") end
      local result = step("2.csv", table.concat(lines, "\n") .. "\n")
      assert.matches("3 dead rows", result.out .. result.err, 1, true)
      assert.equal("1999|b", to:sql("select count(*), max(case when id = 2 then v end) from "
        .. to:name "orders"))
      assert.equal("null_key|1\nrefused|2\nrefused|1500",
        to:sql("select code, row_number from " .. to:book "dead_rows" .. " order by 1, 2"))
    end)
  end)
end

local function describe_runs(fresh)
  it("keeps two accounts of one client with the same ids apart", function()
    local to = fresh()
    local project = host.project {
      pipeline = [[return require "etl.pipeline" {
        east = { orders = { key = "id", table = "orders" } },
        west = { orders = { key = "id", table = "orders" } } }]],
      exports = { ["east/orders/1.csv"] = "id,v\n1,east\n2,east\n",
        ["west/orders/1.csv"] = "id,v\n1,west\n" },
    }
    files.write(project .. "/config/clients/acme.yaml", [[
version: 1
id: "acme"
name: Acme
sources:
  east: { use: s3_exports, url: "file:exports/east", prefixes: { orders: {} } }
  west: { use: s3_exports, url: "file:exports/west", prefixes: { orders: {} } }
]])
    assert.equal(0, host.run(project, to).code)
    files.write(project .. "/exports/west/orders/2.csv", "id,v\n1,WEST\n")
    assert.equal(0, host.run(project, to).code)
    assert.equal("east|1|east\neast|2|east\nwest|1|WEST",
      rows(to, "_source, id, v", "1, 2"))
  end)

  it("lets two streams share a table: each leaves the columns of the other alone", function()
    local to = fresh()
    local project = host.project {
      settings = [[
    prefixes:
      create: { table: orders, key: id, cursor: at }
      update: { table: orders, key: id, cursor: at }
]],
      exports = { ["create/1.csv"] = "id,at,v,w,x\n1,2026-01-01,new,new,new\n",
        ["update/1.csv"] = "id,at,v\n1,2026-01-03,changed\n" },
    }
    local first = host.run(project, to)
    assert.equal(0, first.code, tostring(first))
    assert.equal("1|changed|new|new", rows(to, "id, v, w, x"))
    -- Yesterday's file comes late.
    files.write(project .. "/exports/create/2.csv", "id,at,v,w,x\n1,2026-01-02,old,old,old\n"
      .. "2,2026-01-02,two,two,two\n")
    local second = host.run(project, to)
    assert.matches("1 new, 1 stale", second.out, 1, true)
    assert.equal("1|changed|new|new\n2|two|two|two", rows(to, "id, v, w, x"))
  end)

  it("names keys that a table has twice, and stops", function()
    local to = fresh()
    if to.kind == "postgres" then to:sql "create schema etl" end
    local values = {}
    for i = 1, 35 do values[i] = ("('acme', 's3_exports', %d, 'x')"):format(i % 20) end
    to:sql(("create table %s (_client_id text, _source text, id bigint, v text); insert into %s "
      .. "values %s"):format(to:name "orders", to:name "orders", table.concat(values, ", ")))
    local step = host.stepper(to, KEYED)
    local result = step("1.csv", "id,v\n1,a\n", host.exit.data)
    local _, named = (result.out .. result.err):gsub("%(2 times%)", "")
    assert.equal(10, named, tostring(result))
  end)

  it("stops where a key or the cursor is missing", function()
    local to = fresh()
    local result = host.stepper(to, BY_TIME)("1.csv", "id,v\n1,a\n", host.exit.data)
    assert.matches('no column "at"', result.out, 1, true)
    local project = host.project { pipeline = pipeline_with '{ write = "merge" }' }
    result = host.etlhost({ "check" }, { cwd = project })
    assert.equal(host.exit.config, result.code)
    assert.matches("needs `key`", result.out .. result.err, 1, true)
  end)

  it("loses nothing when two processes merge the same keys", function()
    local to = fresh()
    local folders, children = {}, {}
    for writer = 1, 2 do
      local lines = { "id,at,v" }
      for round = 1, 5 do
        for i = 0, 499 do
          -- One up, one down.
          local id = writer == 1 and i or 499 - i
          lines[#lines + 1] = ("%d,%d,w%d"):format(id, round * 2 + writer, writer)
        end
      end
      folders[writer] = host.project {
        settings = ("    prefixes: { orders%d: { table: orders, key: id, cursor: at } }\n")
          :format(writer),
        exports = { ["orders" .. writer .. "/1.csv"] = table.concat(lines, "\n") .. "\n" },
      }
      local arguments = { "run", "pipelines/p.lua", "--unit-bytes", "4096" }
      for _, word in ipairs(to:arguments()) do arguments[#arguments + 1] = word end
      children[writer] = host.spawn(arguments, { cwd = folders[writer], seconds = 60 })
    end
    for _, child in ipairs(children) do
      local result = child:wait()
      assert.equal(0, result.code, tostring(result))
    end
    assert.equal("500|12|12|w2|w2",
      to:sql("select count(*), min(at), max(at), min(v), max(v) from " .. to:name "orders"))
    local sum = 0
    for count in effects(to):gmatch "%d+" do sum = sum + tonumber(count) end
    assert.equal(5000, sum)
  end)
end

for _, make in ipairs { target.list[1], target.list[3] } do
  describe("runs that merge into " .. make.name, function() describe_runs(make.fresh) end)
end
