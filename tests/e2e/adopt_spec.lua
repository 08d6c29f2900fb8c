-- Tables that dlt filled are taken over, and given back. ETLHOST_DLT names a Python that has dlt:
-- then it fills them here (`make dlt`); otherwise they are as dlt once wrote them.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

local python = os.getenv "ETLHOST_DLT"

local function fill(to)
  if python then
    local folder = files.temp()
    process.must({ python, host.root .. "/tests/dlt/pipeline.py",
      (to.server:url(to.database):gsub("^postgres://etl@", "postgresql://etl:none@")),
      folder .. "/files" }, { seconds = 120, env = { HOME = folder } })
  else
    process.must { to.server.bin .. "/psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-h", to.server.folder,
      "-p", to.server.port, "-U", "etl", "-d", to.database, "-f",
      host.root .. "/tests/fixtures/dlt.sql" }
  end
end

-- A database with dlt's tables, and a project of client acme that loads into them.
local is_filled
local function filled()
  local to = target.postgres { lanes = 1 }
  if not is_filled then
    fill(to)
    to.server:sql("postgres", "create database dlt_filled template " .. to.database)
    is_filled = true
  end
  to.server:sql("postgres", "drop database " .. to.database,
    ("create database %s template dlt_filled"):format(to.database))
  local project = host.project {
    exports = { ["exports/b.csv"] = "id,v\n3,c\n", ["exports/a.csv"] = "id,v\n1,a\n2,b\n" },
    settings = [[
    prefixes:
      exports: { table: exports }
      orders: { table: orders, key: id, columns: { amount: double } }
]],
    client = "destination: { schema: shop }\n",
    config = ("connections: { local: { url: \"%s\" } }\n"):format(to.url),
  }
  local folder = project .. "/exports/exports"
  process.must { "touch", "-d", "2024-05-01T10:00:00Z", folder .. "/a.csv", folder .. "/b.csv" }
  return to, project
end

local function adopt(project, words)
  local argv = { "adopt" }
  for word in words:gmatch "%S+" do argv[#argv + 1] = word end
  return host.etlhost(argv, { cwd = project })
end

local function must_adopt(project, words)
  local result = adopt(project, words)
  if result.code ~= 0 then error(tostring(result), 2) end
  return result.out
end

-- All of the schema as one text: columns, constraints, indexes and rows of every table.
local function picture(to)
  return to:sql [[
    select string_agg(line, E'\n' order by line) from (
      select format('%s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod),
        attnotnull) as line
      from pg_attribute join pg_class c on c.oid = attrelid
      where c.relnamespace = 'shop'::regnamespace and c.relkind = 'r' and attnum > 0
        and not attisdropped
      union all
      select indexdef from pg_indexes where schemaname = 'shop'
      union all
      select format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
      where connamespace = 'shop'::regnamespace
      union all
      select oid::regclass || ' ' || md5(query_to_xml(
        format('select * from %s as t order by t::text', oid::regclass), true, true, '')::text)
      from pg_class where relnamespace = 'shop'::regnamespace and relkind = 'r') as everything]]
end

describe("tables of dlt:", function()
  it("the real dlt wrote them", function()
    if not python then pending "only `make dlt` has a real dlt write them" end
  end)

  it("the plan is shown, and a dry run changes nothing", function()
    local to, project = filled()
    local before = picture(to)
    local said = must_adopt(project,
      "shop.orders --client acme --as s3_exports.orders --cursor-from dlt --dry-run")
    for _, words in ipairs {
      "shop.orders, 5 rows, for client acme as s3_exports.orders",
      "relaxes +NOT NULL of _dlt_load_id, _dlt_id",
      "builds +the unique index on _client_id, _source, id",
      "cursor +updated_at = 2024%-03%-05T10:00:00Z",
      "leaves +shop.orders__items",
    } do assert.matches(words, said) end
    local refused = adopt(project, "shop.orders --client acme --as s3_exports.orders")
    assert.equal(host.exit.config, refused.code, tostring(refused))
    assert.matches("--yes", refused.err, 1, true)
    assert.equal(before, picture(to))
    assert.equal("\\N", to:sql "select to_regclass('_etl.adoptions')")
  end)

  it("one is adopted, loaded into, and given back as it was", function()
    local to = filled()
    local before = picture(to)
    -- Without a project, since `load` is no source of a client's file.
    local alone = files.temp()
    local where = " --destination " .. to.url
    must_adopt(alone, "shop.orders --client acme --as load.orders --cursor-from dlt --yes" .. where)
    assert.equal("5|1|acme|load|f", to:sql [[select count(*), count(distinct _load_id),
      min(_client_id), min(_source), bool_or(_loaded_at is null) from shop.orders]])
    assert.equal('{"field": "updated_at", "value": "2024-03-05T10:00:00Z"}',
      to:sql "select cursor from _etl.streams")
    assert.equal("t", to:sql [[select indisunique and indisvalid from pg_index
      where indexrelid = 'shop.orders_etl_key'::regclass]])

    -- A new row goes in without dlt's columns; one that is there already is refused by the key.
    local file = host.file("new.csv", "id,updated_at,amount,customer__name\n"
      .. "5,2024-03-05T10:00:00Z,1,x\n6,2024-03-06T10:00:00Z,2,y\n")
    local loaded = host.load(file, "orders", to,
      { more = { "--schema", "shop", "--client", "acme", "--type", "amount=double" } })
    assert.equal(0, loaded.code, tostring(loaded))
    assert.equal("6|y|\\N", to:sql [[select id, customer__name, _dlt_id from shop.orders
      where _load_id <> (select min(_load_id) from shop.orders)]])
    assert.equal("1", to:sql "select count(*) from _etl.dead_rows where reason like '%unique%'")

    local refused = adopt(alone, "shop.orders --undo --yes" .. where)
    assert.not_equal(0, refused.code)
    assert.matches("etlhost has loaded 1 rows into shop.orders since", refused.err .. refused.out)
    to:sql "delete from shop.orders where id = 6; alter table shop.orders drop _file, drop _row"
    local undone = adopt(alone, "shop.orders --undo --yes" .. where)
    assert.equal(0, undone.code, tostring(undone))
    assert.equal(before, picture(to))
    assert.equal("0|0|0|0|1", to:sql [[select (select count(*) from _etl.streams),
      (select count(*) from _etl.loads), (select count(*) from _etl.units),
      (select count(*) from _etl.files), (select count(*) from _etl.adoptions)]])
  end)

  it("rows of dlt's are merged with", function()
    local to, project = filled()
    must_adopt(project, "shop.orders --client acme --as s3_exports.orders --yes")
    files.write(project .. "/exports/orders/1.csv",
      "id,amount,customer__name\n2,2.5,changed\n6,9,new\n")
    local result = host.etlhost({ "run", "pipelines/p.lua", "--resource", "orders" },
      { cwd = project })
    assert.equal(0, result.code, tostring(result))
    assert.equal("6|2.5|changed|2024-03-02", to:sql [[
      select count(*), max(amount) filter (where id = 2), max(customer__name) filter (where id = 2),
        (max(updated_at) filter (where id = 2) at time zone 'UTC')::date from shop.orders]])
    assert.equal("6", to:sql "select id from shop.orders where _dlt_id is null")
  end)

  it("a key that is not unique is shown, and nothing is changed", function()
    local to, project = filled()
    local before = picture(to)
    local result = adopt(project,
      "shop.events --client acme --as s3_exports.events --key kind --yes")
    assert.equal(host.exit.data, result.code, tostring(result))
    assert.matches('"kind": "click".*4 times', result.err)
    assert.matches('"kind": "view".*3 times', result.err)
    assert.equal(before, picture(to))
  end)

  it("a table without a key, and the three ways to a cursor", function()
    local to, project = filled()
    local words = "shop.events --client acme --as s3_exports.events --dry-run "
    assert.matches("no key", must_adopt(project, words))
    assert.matches("cursor +seq = 7\n", must_adopt(project, words .. "--cursor-from dlt"))
    for from, value in pairs { max = "7", ["3"] = "3" } do
      local said = must_adopt(project, words .. "--cursor seq --cursor-from " .. from)
      assert.matches("cursor +seq = " .. value .. "\n", said)
    end
    local result = adopt(project, words .. "--cursor-from max --cursor nothing")
    assert.equal(host.exit.config, result.code, tostring(result))
    must_adopt(project, "shop.events --client acme --as s3_exports.events --key seq --yes")
    assert.equal("7|7", to:sql "select count(*), count(distinct _source || seq) from shop.events")
  end)

  it("files that dlt has loaded are not loaded again", function()
    local to, project = filled()
    local said = must_adopt(project,
      "shop.exports --client acme --as s3_exports.exports --files-from dlt --yes")
    assert.matches("knows +2 files that dlt has loaded %(written until 2024%-05%-01T10:00:00", said)
    files.write(project .. "/exports/exports/c.csv", "id,v\n4,d\n")
    local result = host.etlhost({ "run", "pipelines/p.lua", "--resource", "exports" },
      { cwd = project })
    assert.equal(0, result.code, tostring(result))
    assert.equal("1 2 3 4", (to:sql "select id from shop.exports order by id":gsub("\n", " ")))
    assert.equal("exports/c.csv", to:sql "select _file from shop.exports where _dlt_id is null")
    -- What was missing when it was adopted is done by the same command.
    assert.matches("adopted already", must_adopt(project,
      "shop.exports --client acme --as s3_exports.exports --files-from dlt --yes"))
    local other = adopt(project, "shop.exports --client acme --as s3_exports.orders --yes")
    assert.equal(host.exit.config, other.code, tostring(other))
  end)

  it("what cannot be adopted is told why", function()
    local to, project = filled()
    to:sql "create table shop.plain (id bigint); create view shop.seen as select * from shop.orders"
    local cases = {
      ["shop.nothing"] = "there is no table shop.nothing", ["shop.plain"] = "dlt did not fill it",
      ["shop.seen"] = "is no ordinary table",
    }
    for name, why in pairs(cases) do
      local result = adopt(project, name .. " --client acme --as s3_exports.orders --yes")
      assert.equal(host.exit.config, result.code, tostring(result))
      assert.matches(why, result.err)
    end
    local result = adopt(project, "shop.orders --client acme --as nobody.orders --yes")
    assert.matches("has no source nobody", result.err)
    result = adopt(files.temp(), "orders --client a --as b.c --destination sqlite:x.db")
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("adopt is for PostgreSQL", result.err)
    result = adopt(project, "shop.orders --undo --yes")
    assert.matches("is not adopted", result.err)
  end)
end)
