-- The table's shape depends on what was loaded, never on when: not on lanes, units, or what another
-- reader of the database has built on it.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local SMALL = { "--unit-bytes", "2048" }

local function integers(count, last)
  local lines = { "k,n" }
  for i = 1, count do lines[#lines + 1] = i .. "," .. i end
  if last then lines[#lines + 1] = (count + 1) .. "," .. last end
  return table.concat(lines, "\n") .. "\n"
end

local function pipeline_with(resource)
  return ('return require "etl.pipeline" { s3_exports = { orders = %s } }\n'):format(resource)
end

target.each(function(name, fresh)
  describe("the schema of a load into " .. name, function()
    it("is the same for units of any size", function()
      local mixed = {}
      for i = 1, 400 do
        mixed[i] = ("%d,%s,%s"):format(i, i < 350 and i or i .. ".5", i < 300 and "" or "x")
      end
      local file = host.file("mixed.csv", "id,amount,late\n" .. table.concat(mixed, "\n") .. "\n")
      local one = fresh()
      host.must_load(file, "t", one)
      local expected = one:dump "t"
      for _, bytes in ipairs { "64", "1000", "5000" } do
        local to = fresh()
        host.must_load(file, "t", to, { more = { "--unit-bytes", bytes } })
        assert.equal(expected, to:dump "t")
      end
    end)

    it("widens in place a column that this load has made", function()
      local to = fresh()
      host.must_load(host.file("a.csv", integers(3000, "1.25")), "t", to, { more = SMALL })
      assert.same({ "k", "n" }, (function()
        local names = {}
        for column in pairs(to:types "t") do names[#names + 1] = column end
        table.sort(names)
        return names
      end)())
      assert.equal("3001|1.25", to:sql("select count(*), max(n) filter (where _row = 3001) from "
        .. to:name "t"))
    end)

    it("takes a column that only the second file has", function()
      local folder = files.temp()
      files.write(folder .. "/a.csv", integers(500))
      files.write(folder .. "/b.csv", "k,n,more\n501,501,x\n502,502,y\n")
      local to = fresh()
      host.must_load({ folder .. "/a.csv", folder .. "/b.csv" }, "t", to, { more = SMALL })
      assert.equal("502|2", to:sql("select count(*), count(more) from " .. to:name "t"))
    end)

    it("widens a bigint column of before in place where nothing depends on it", function()
      local to = fresh()
      host.must_load(host.file("a.csv", integers(10)), "t", to)
      host.must_load(host.file("b.csv", integers(500, "1.25")), "t", to, { more = SMALL })
      assert.is_nil(to:types "t".n__numeric)
      assert.equal("1.25", to:sql("select n from " .. to:name "t" .. " where _row = 501"))
      assert.equal(511, to:count "t")
    end)

    it("is the same when row 200,001 of a column of integers is 1.25", function()
      local to = fresh()
      host.must_load(host.file("late.csv", integers(200000, "1.25")), "t", to)
      assert.equal("200001|200001|1.25",
        to:sql("select count(*), count(distinct k), max(n) filter (where _row = 200001) from "
          .. to:name "t"))
      assert.equal("199999", to:sql("select n from " .. to:name "t" .. " where _row = 199999"))
    end)

    it("writes down every change with its reason", function()
      local to = fresh()
      host.must_load(host.file("a.csv", integers(10)), "t", to)
      host.must_load(host.file("b.csv", "k,n,x\n1,2.5,hello\n"), "t", to)
      local changes = to:sql(("select change, column_name, why is not null from %s "
        .. "where change <> 'create table' and load_id = (select max(load_id) from %s) "
        .. "order by 1, 2")
        :format(to:book "schema_changes", to:book "schema_changes"))
      assert.matches("add column|x|", changes, 1, true)
      assert.matches("change type|n|", changes, 1, true)
    end)

    it("never gives a key column a variant: the run stops and says what to declare", function()
      local to = fresh()
      local project = host.project {
        pipeline = pipeline_with '{ key = "id", table = "orders" }',
        exports = { ["orders/1.csv"] = "id,v\n1,a\n2,b\n" },
      }
      local first = host.run(project, to)
      assert.equal(0, first.code, tostring(first))
      files.write(project .. "/exports/orders/2.csv", "id,v\n3,c\n007,d\n")
      local second = host.run(project, to)
      assert.not_equal(0, second.code)
      assert.matches("id", second.out .. second.err, 1, true)
      assert.matches("declare", second.out .. second.err)
      assert.is_nil(to:types "orders".id__text)
      -- Declared from the start, both files load.
      local declared = fresh()
      files.write(project .. "/pipelines/p.lua",
        pipeline_with '{ key = "id", table = "orders", columns = { id = "text" } }')
      local result = host.run(project, declared)
      assert.equal(0, result.code, tostring(result))
      assert.equal(4, declared:count "orders")
    end)

    it("widens a key that this load has made when a late value is no number", function()
      local to = fresh()
      local lines = { "id,v" }
      for i = 1, 500 do lines[#lines + 1] = i .. ",x" end
      lines[#lines + 1] = "007,late"
      local project = host.project {
        pipeline = pipeline_with '{ key = "id", table = "orders" }',
        exports = { ["orders/1.csv"] = table.concat(lines, "\n") .. "\n" },
      }
      local result = host.run(project, to, { more = SMALL })
      assert.equal(0, result.code, tostring(result))
      assert.equal("late", to:sql("select v from " .. to:name "orders" .. " where id = '007'"))
      assert.equal("x", to:sql("select v from " .. to:name "orders" .. " where id = '7'"))
    end)
  end)
end)

for _, make in ipairs { target.list[2], target.list[3], target.list[4] } do
  describe("the schema of a table that was there, on " .. make.name, function()
    it("gets a variant column where a view depends on the one that does not fit", function()
      local to = make.fresh()
      host.must_load(host.file("a.csv", integers(10)), "t", to)
      to:sql("create view etl.v as select n from etl.t")
      host.must_load(host.file("b.csv", integers(200000, "1.25")), "t", to)
      assert.equal("bigint", to:types "t".n)
      assert.equal("200011|200010|1.25",
        to:sql "select count(*), count(n), max(n__numeric) from etl.t")
      assert.equal("200011", to:sql("select count(*) from etl.v"))
    end)

    it("never rounds, pads or cuts a value to fit", function()
      local to = make.fresh()
      to:sql [[create schema etl;
        create table etl.t (id bigint, amount numeric(10,2), short varchar(3), at timestamptz(0))]]
      host.must_load(host.file("a.csv", "id,amount,short,at\n1,1.25,abc,2026-03-01T00:00:00Z\n"
        .. "2,1.255,abcd,2026-03-01T00:00:00.5Z\n"), "t", to)
      assert.equal("1.25|abc", to:sql "select amount, short from etl.t where id = 1")
      assert.equal("\\N|\\N", to:sql "select amount, short from etl.t where id = 2")
      -- Each is whole in a variant column, whatever type that was given.
      local row = to:sql "select to_jsonb(t) from etl.t where id = 2"
      assert.matches('"amount__%a+": "?1%.255"?[,}]', row)
      assert.matches('"short__text": "abcd"', row, 1, true)
      assert.equal("1", to:sql "select count(*) from etl.t where at = '2026-03-01T00:00:00Z'")
    end)

    it("rows that the table itself refuses become dead rows", function()
      local to = make.fresh()
      to:sql "create schema etl; create table etl.t (id bigint unique, n bigint check (n < 400))"
      host.must_load(host.file("a.csv", "id,n\n1,1\n2,2\n3,900\n4,4\n"), "t", to)
      assert.equal("1|2|4", (to:sql("select id from etl.t order by 1"):gsub("\n", "|")))
      assert.equal("3", to:sql "select row_number from _etl.dead_rows")
    end)
  end)
end
