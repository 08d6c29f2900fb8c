-- What rows that are put by their key share with rows that are appended: a schema that follows the
-- data, dead rows that are sent again, limits of the server. On PostgreSQL, several units at once.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local SMALL = { "--unit-bytes", "2048" }

local function pipeline_with(resources)
  return ('return require "etl.pipeline" { s3_exports = { %s } }\n'):format(resources)
end

describe("rows that are put by their key", function()
  it("widen columns that their load has made, bring new ones, leave views alone", function()
    local to = target.list[4].fresh()
    local lines, more = { "id,at,n,v" }, { "id,at,n,w" }
    for i = 1, 300 do
      lines[#lines + 1] = ("%d,%d,%s,a"):format(i, i, i == 250 and "2.5" or i)
      more[#more + 1] = ("%d,%d,%s,b"):format(i + 200, i + 1000, i == 150 and "none" or i)
    end
    local project = host.project {
      pipeline = pipeline_with 'orders = { key = "id", cursor = "at", table = "orders" }',
      exports = { ["orders/1.csv"] = table.concat(lines, "\n") .. "\n" },
    }
    assert.equal(0, host.run(project, to, { more = SMALL }).code)
    to:sql "create view etl.v as select n from etl.orders"
    files.write(project .. "/exports/orders/2.csv", table.concat(more, "\n") .. "\n")
    local result = host.run(project, to, { more = SMALL })
    assert.equal(0, result.code, tostring(result))
    assert.equal("500|300|300|1|numeric", to:sql [[select count(*), count(v), count(w),
      count(n__text), min(pg_typeof(n)::text) from etl.orders]])
    -- A number takes the place of the text.
    files.write(project .. "/exports/orders/3.csv", "id,at,n\n350,5000,7\n")
    assert.equal(0, host.run(project, to).code)
    assert.equal("7|\\N|b", to:sql "select n, n__text, w from etl.orders where id = 350")
  end)

  it("get the index of their key beside those who write to a large table", function()
    local to = target.list[2].fresh()
    local function load(resource, name, text)
      local project = host.project { pipeline = pipeline_with(resource),
        exports = { ["orders/" .. name] = text } }
      return host.run(project, to)
    end
    assert.equal(0, load('orders = { table = "orders" }', "1.csv", "id,v\n0,a\n").code)
    to:sql [[insert into etl.orders (_client_id, _source, id, v)
      select 'acme', 's3_exports', least(n, 60000), repeat('x', 120)
      from generate_series(1, 60001) as n]]
    local keyed = 'orders = { table = "orders", key = "id" }'
    local result = load(keyed, "2.csv", "id,v\n0,b\n")
    assert.equal(host.exit.data, result.code, tostring(result))
    assert.matches('"id": 60000', result.out .. result.err, 1, true)
    -- As a build that was killed leaves it: there, by our name, and not valid.
    local invalid = "select count(*) from pg_index where not indisvalid"
    assert.equal("0", to:sql(invalid))
    local plant = to:sql [[select 'create unique index concurrently etl_key_' || md5(concat_ws('.',
      'etl', 'orders', '["_client_id", "_source", "id"]', 'false')) || ' on etl.orders (id)']]
    assert.is_false(pcall(to.sql, to, plant))
    assert.equal("1", to:sql(invalid))
    to:sql "delete from etl.orders where ctid = (select max(ctid) from etl.orders where id = 60000)"
    result = load(keyed, "3.csv", "id,v\n0,c\n60000,c\n")
    assert.equal(0, result.code, tostring(result))
    -- It becomes valid in a later transaction than the one that made it.
    assert.equal("0|1|2", to:sql(([[select (%s), (select count(*) from pg_index as i
        join pg_class as c on c.oid = i.indexrelid
        where i.indisunique and i.xmin <> c.xmin and i.indrelid = 'etl.orders'::regclass),
      (select count(*) from etl.orders where v = 'c')]]):format(invalid)))
  end)

  it("are dead where their key is too long for an index, and can be sent again", function()
    local to = target.list[2].fresh()
    -- The server compresses; this it cannot. A multiplicative walk through two digits a step.
    local digits, x = {}, 7
    for i = 1, 6000 do
      x = x * 75 % 65537
      digits[i] = ("%02x"):format(x % 256)
    end
    local project = host.project {
      pipeline = pipeline_with 'orders = { key = "id", cursor = "at", table = "orders" }',
      exports = { ["orders/1.csv"] = "id,at,v\na,5,x\nb,5,x\n" .. table.concat(digits)
        .. ",5,x\n" },
    }
    local result = host.run(project, to)
    assert.equal(0, result.code, tostring(result))
    assert.equal("refused|3|54000", to:sql [[select code, row_number, left(reason, 5)
      from _etl.dead_rows]])
    assert.equal("a,b", to:sql "select string_agg(id, ',' order by id) from etl.orders")
    -- A check is dropped; meanwhile a newer row has come.
    to:sql "alter table etl.orders add constraint no check (v <> 'y')"
    files.write(project .. "/exports/orders/2.csv", "id,at,v\na,6,y\nb,6,y\nc,6,y\n")
    assert.equal(0, host.run(project, to).code)
    files.write(project .. "/exports/orders/3.csv", "id,at,v\nb,7,z\n")
    assert.equal(0, host.run(project, to).code)
    to:sql "alter table etl.orders drop constraint no"
    local again = host.etlhost({ "dead", "retry", "--destination", to.url }, { cwd = project })
    assert.equal("a y,b z,c y", to:sql
      "select string_agg(id || ' ' || v, ',' order by id) from etl.orders", tostring(again))
  end)

  it("need a temporary table, and say so where the role may not make one", function()
    local to = target.list[2].fresh()
    local role = "loader_" .. to.database
    to:sql(("create role %s login; revoke temporary on database %s from public; "
      .. "grant create on database %s to %s"):format(role, to.database, to.database, role))
    local file = host.file("a.csv", "id,v\n1,a\n")
    local result = host.etlhost { "load", file, "--into", "t", "--key", "id", "--destination",
      (to.url:gsub("etl@", role .. "@")) }
    assert.not_equal(0, result.code)
    assert.matches("GRANT TEMPORARY ON DATABASE", result.out .. result.err, 1, true)
  end)

  it("may share a table only by one key", function()
    local project = host.project {
      settings = [[
    prefixes:
      create: { table: orders, key: id }
      update: { table: orders, key: [id, at] }
]],
    }
    local to = target.list[2].fresh()
    local result = host.run(project, to)
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("keys that differ", result.out .. result.err, 1, true)
  end)
end)
