-- Rows of a replacement that the table itself refuses: a unique index, a trigger. They are dead
-- rows, all others take their places at once, and `dead retry` sends them again as they were.
local api = require "tests.support.api"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local refused = require "tests.support.refused"
local target = require "tests.support.target"

local TABLE, REPLACE, project_of = refused.table, refused.REPLACE, refused.project_of
local run, rows, dead, retry = refused.run, refused.rows, refused.dead, refused.retry
local raw, refuse_where, allow = refused.raw, refused.refuse_where, refused.allow

for _, make in ipairs { target.list[1], target.list[3] } do
  describe("rows that " .. make.name .. " refuses in a replacement", function()
    it("because of a unique index are dead rows, and the others come", function()
      local to = make.fresh()
      local folder = project_of(REPLACE, { ["orders/1.csv"] = "id,v\n1,a\n2,b\n" })
      run(folder, to)
      to:sql(("insert into %s (_client_id, _source, _load_id, id, v) values "
        .. "('b', 's', 900, 9, 'z')"):format(to:name(TABLE)))
      to:sql(("create unique index once on %s (v)"):format(to:name(TABLE)))
      files.write(folder .. "/exports/orders/1.csv", "id,v\n1,a\n2,b\n3,b\n4,z\n5,\n6,\n")
      files.write(folder .. "/exports/orders/2.csv", "id,v\n7,g\n8,a\n")
      local result = run(folder, to)
      assert.matches("3 dead rows", result.out .. result.err)
      assert.equal("1|a\n2|b\n5|\\N\n6|\\N\n7|g", rows(to))
      assert.equal("orders/1.csv|3|refused_in_stage\norders/1.csv|4|refused_in_stage\n"
        .. "orders/2.csv|2|refused_in_stage", dead(to))
      assert.equal('{"id":3,"v":"b"}\n{"id":4,"v":"z"}\n{"id":8,"v":"a"}', raw(to))
      for reason in dead(to, "reason"):gmatch "[^\n]+" do
        assert.matches(to.kind == "postgres" and '^23505: .*unique constraint "once"$'
          or "UNIQUE constraint failed: orders.v", reason)
      end
      assert.equal("5|3", to:sql("select sum(rows), sum(dead) from " .. to:book "units"))
      -- What is there already is left alone, and the dead rows stay.
      assert.matches("nothing new", run(folder, to).out)
      to:sql("drop index " .. to:name "once")
      retry(folder, to)
      assert.equal("1|a\n2|b\n3|b\n4|z\n5|\\N\n6|\\N\n7|g\n8|a", rows(to))
      assert.equal("orders/1.csv|3\norders/1.csv|4\norders/2.csv|2",
        to:sql(("select _file, _row from %s where id in (3, 4, 8) order by 1, 2")
          :format(to:name(TABLE))))
      assert.equal("", dead(to))
    end)

    it("because of a trigger are found one by one, wherever they are", function()
      local to = make.fresh()
      local lines = { "id,v" }
      for i = 1, 3000 do lines[#lines + 1] = i .. "," .. (i % 700 == 1 and "bad" or "ok") end
      local folder = project_of(REPLACE, { ["orders/1.csv"] = "id,v\n1,x\n" })
      run(folder, to)
      refuse_where(to, "new.v = 'bad'")
      files.write(folder .. "/exports/orders/1.csv", table.concat(lines, "\n") .. "\n")
      run(folder, to)
      assert.equal("2995", to:sql("select count(*) from " .. to:name(TABLE)))
      assert.equal("1\n701\n1401\n2101\n2801", dead(to, "row_number"))
      assert.matches("not this one", dead(to, "reason", "and row_number = 1"))
      allow(to)
      retry(folder, to)
      assert.equal("3000", to:sql("select count(*) from " .. to:name(TABLE)))
    end)

    it("come back with every value as it was, and are not changed twice", function()
      local to = make.fresh()
      local folder = project_of('{ table = "orders", write = "replace", max_dead = 20, '
        .. 'rename = { Mail = "email" }, hash = { "email" }, columns = { n = "numeric", '
        .. 'd = "double", b = "boolean", bin = "binary", '
        .. 'at = { type = "timestamp", zone = "+02:00" } }, '
        .. 'row = function(row) row.twice = (row.twice or "") .. "!" end }', {
        ["orders/1.jsonl"] = '{"Order ID":"007","Mail":"a@b.c"}\n' })
      local record = '{"Order ID":"%s","Mail":"a@b.c","n":12.10,"big":12345678901234567890,'
        .. '"d":0.1,"b":true,"bin":"\\\\x6100","at":"2026-01-02T03:04:05.5","day":"2026-02-03",'
        .. '"j":{"b":[1,"x"],"a":null},"none":null,"text":"\\"quoted\\" \\u00e9\\n",'
        .. '"twice":"once"}\n'
      run(folder, to)
      refuse_where(to, "new.order_id like 'x%'")
      files.write(folder .. "/exports/orders/1.jsonl", record:format "007" .. record:format "x7")
      run(folder, to)
      assert.equal("orders/1.jsonl|2|refused_in_stage", dead(to))
      allow(to)
      retry(folder, to)
      local list = "email, n, big, d, b, bin, at, day, j, none, text, twice, _client_id, _source, "
        .. "_file"
      local kept = to:sql(("select %s from %s where order_id = '007'"):format(list, to:name(TABLE)))
      assert.equal(kept, to:sql(("select %s from %s where order_id = 'x7'")
        :format(list, to:name(TABLE))))
      assert.matches("12.10|12345678901234567890|0.1|t", kept)
      assert.equal("2", to:sql(("select _row from %s where order_id = 'x7'")
        :format(to:name(TABLE))))
    end)

    it("take their lists along, and a list takes its record along", function()
      local to = make.fresh()
      local folder = project_of('{ table = "orders", write = "replace", max_dead = 20, '
        .. 'nested = "tables" }', { ["orders/1.jsonl"] = '{"id":1,"items":[{"sku":"a"}]}\n' })
      run(folder, to)
      refuse_where(to, "new.id = 2")
      files.write(folder .. "/exports/orders/1.jsonl",
        '{"id":1,"items":[{"sku":"a","tags":["x",2]}]}\n'
        .. '{"id":2,"items":[{"sku":"b","tags":["y","z"]},{"sku":"c"}],"other":[[1],[2,3]]}\n'
        .. '{"id":3,"items":[{"sku":"d"},{"sku":"never"}]}\n{"id":4,"items":[]}\n')
      run(folder, to)
      assert.equal("1\n3\n4", rows(to, "id"))
      local function all(name, columns)
        return to:sql(("select %s from %s order by _file, _row, %s"):format(columns,
          to:name(name), columns))
      end
      assert.equal("1|0|a\n3|0|d\n3|1|never", all("orders__items", "_row, _position, sku"))
      refuse_where(to, "new.sku = 'never'", "never", "orders__items")
      files.write(folder .. "/exports/orders/2.jsonl", '{"id":5,"items":[{"sku":"e"}]}\n'
        .. '{"id":6,"items":[{"sku":"f"},{"sku":"never"}]}\n')
      run(folder, to)
      assert.equal("1\n3\n4\n5", rows(to, "id"))
      assert.equal("orders/1.jsonl|2|refused_in_stage\norders/2.jsonl|2|refused_in_stage", dead(to))
      allow(to)
      allow(to, "never", "orders__items")
      retry(folder, to)
      assert.equal("", dead(to))
      assert.equal("1|0|a\n2|0|b\n2|1|c\n3|0|d\n3|1|never\n1|0|e\n2|0|f\n2|1|never",
        all("orders__items", "_row, _position, sku"))
      assert.equal("1|0|0|x\n1|0|1|2\n2|0|0|y\n2|0|1|z",
        all("orders__items__tags", "_row, _position_1, _position, value"))
      assert.equal("2|0|0|1\n2|1|0|2\n2|1|1|3",
        all("orders__other__value", "_row, _position_1, _position, value"))
    end)

    it("are left out of a file's new content, too", function()
      local to = make.fresh()
      local folder = project_of('{ table = "orders", max_dead = 20 }',
        { ["orders/1.csv"] = "id,v\n1,a\n2,b\n", ["orders/2.csv"] = "id,v\n9,z\n" })
      run(folder, to)
      to:sql(("create unique index once on %s (v)"):format(to:name(TABLE)))
      files.write(folder .. "/exports/orders/1.csv", "id,v\n1,b\n2,z\n3,c\n")
      run(folder, to)
      assert.equal("1|b\n3|c\n9|z", rows(to))
      assert.equal("orders/1.csv|2|refused_in_stage", dead(to))
      to:sql("drop index " .. to:name "once")
      retry(folder, to)
      assert.equal("1|b\n2|z\n3|c\n9|z", rows(to))
    end)

    it("of several records with one key are judged by the newest", function()
      local to = make.fresh()
      local folder = project_of('{ table = "orders", key = "id", cursor = "at", max_dead = 20 }',
        { ["orders/1.csv"] = "id,at,v\n1,1,a\n2,1,b\n" })
      run(folder, to)
      to:sql(("create unique index once on %s (v)"):format(to:name(TABLE)))
      files.write(folder .. "/exports/orders/1.csv",
        "id,at,v\n1,1,a\n2,1,a\n2,2,b\n3,1,b\n4,1,d\n4,2,a\n")
      local result = host.run(folder, to, { more = { "--full-refresh" } })
      assert.equal(0, result.code, tostring(result))
      assert.equal("1|a\n2|b", rows(to))
      assert.equal("4\n6", dead(to, "row_number"))
    end)

    it("may come from pages of a service, and come back without them", function()
      local to = make.fresh()
      local server = http.start [[
        local round = 0
        return function(request, connection)
          if request.path == "/v1/orders" then round = round + 1 end
          connection:reply(200, { ["Content-Type"] = "application/json" }, round == 1
            and '{"data":[{"id":1,"v":"x"}]}'
            or '{"data":[{"id":1,"v":"a"},{"id":2,"v":"b"},{"id":3,"v":"a"}]}')
        end]]
      finally(function() server:stop() end)
      local folder = api.project(server, 'all = { table = "orders", write = "replace", '
        .. 'max_dead = 5, extract = function(ctx) ctx:emit(ctx:get("orders"):rows "data") end }')
      run(folder, to)
      to:sql(("create unique index once on %s (v)"):format(to:name(TABLE)))
      run(folder, to)
      assert.equal("1|a\n2|b", rows(to))
      assert.equal("all|0|refused_in_stage", dead(to))
      to:sql("drop index " .. to:name "once")
      retry(folder, to)
      assert.equal("1|a\n2|b\n3|a", rows(to))
    end)

    it("are too many for a success when they exceed max_dead: nothing is replaced", function()
      local to = make.fresh()
      local folder = project_of('{ table = "orders", write = "replace", max_dead = 2 }',
        { ["orders/1.csv"] = "id,v\n1,a\n2,b\n" })
      run(folder, to)
      to:sql(("create unique index once on %s (v)"):format(to:name(TABLE)))
      files.write(folder .. "/exports/orders/1.csv", "id,v\n1,a\n2,a\n3,a\n4,a\n5,b\n")
      local before = to:dump(TABLE)
      local result = run(folder, to, host.exit.data)
      assert.matches("refuses 3 or more of the 5 rows", result.out .. result.err)
      assert.equal(before, to:dump(TABLE))
      assert.equal("", dead(to))
      to:sql("drop index " .. to:name "once")
      run(folder, to)
      assert.equal("1|a\n2|a\n3|a\n4|a\n5|b", rows(to))
    end)
  end)
end
