-- Where clients' tables are, and what each of them has beside its columns.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

-- A project whose clients each have a folder exports/ID; destination: YAML below `defaults`.
local function project(url, clients, destination, pipeline)
  local folder = files.temp()
  files.write(folder .. "/config/etlhost.yaml", ([[
version: 1
connections: { db: "%s" }
defaults: { destination: { connection: db, %s } }
]]):format(url, destination))
  for id, rows in pairs(clients) do
    files.write(("%s/config/clients/%s.yaml"):format(folder, id), ([[
version: 1
id: "%s"
sources: { shop: { use: s3_exports, url: "file:exports/%s", prefixes: { orders: {} } } }
]]):format(id, id))
    files.write(("%s/exports/%s/orders/1.csv"):format(folder, id), rows)
  end
  files.write(folder .. "/pipelines/p.lua", pipeline or 'return require "etl.pipeline" {}\n')
  return folder
end

local function run(folder, ...)
  return host.etlhost({ "run", "pipelines/p.lua", ... }, { cwd = folder })
end

local function must_run(folder, ...)
  local result = run(folder, ...)
  assert.equal(0, result.code, tostring(result))
  return result
end

local function index_of(to, schema, name)
  return to:sql(("select indexdef from pg_indexes where schemaname = '%s' and tablename = '%s'")
    :format(schema, name))
end

describe("a table of all clients", function()
  it("has an index that leads with the client, and with the cursor behind it", function()
    local to = target.postgres {}
    local folder = project(to.url, { a = "id,at\n1,2026-01-01\n" }, "schema: etl", [[
      return require "etl.pipeline" { shop = { orders = { cursor = "at" } } }]])
    must_run(folder)
    assert.matches("(_client_id, _source, at)", index_of(to, "etl", "s3_exports_orders"), 1, true)
    -- One that is there is not made again, and other people's tables are left as they are.
    to:sql "create table etl.other (id bigint, name text)"
    host.must_load(host.file("o.csv", "id,name\n1,x\n"), "other", to)
    assert.equal("", index_of(to, "etl", "other"))
  end)

  it("has it in SQLite, too", function()
    local to = target.sqlite()
    must_run(project(to.url, { a = "id,at\n1,2026-01-01\n" }, "layout: shared", [[
      return require "etl.pipeline" { shop = { orders = { cursor = "at" } } }]]))
    assert.matches('(_client_id, _source, "at")',
      to:sql "select sql from sqlite_master where type = 'index' and sql is not null", 1, true)
  end)
end)

describe("a schema for each client", function()
  it("keeps clients' tables apart, in schemas that only the loader may use", function()
    local to = target.postgres {}
    local folder = project(to.url, { ["713"] = "id\n1\n", ["Acme-2"] = "id\n1\n2\n" },
      "layout: schema_per_client")
    must_run(folder)
    assert.equal("1", to:sql "select count(*) from client_713.s3_exports_orders")
    assert.equal("2", to:sql "select count(*) from client_acme_2.s3_exports_orders")
    assert.equal("Acme-2", to:sql "select distinct _client_id from client_acme_2.s3_exports_orders")
    assert.equal("f", to:sql "select has_schema_privilege('public', 'client_713', 'usage')")
    -- A schema that is named takes every client.
    must_run(folder, "--schema", "trial")
    assert.equal("3", to:sql "select count(*) from trial.s3_exports_orders")
  end)

  it("is refused where it cannot be", function()
    local to = target.sqlite()
    local result = run(project(to.url, { a = "id\n1\n" }, "layout: schema_per_client"))
    assert.equal(host.exit.config, result.code)
    assert.matches("SQLite file has no schemas", result.out .. result.err, 1, true)
    local both = host.etlhost({ "check" }, { cwd = project("postgres://x@localhost/x",
      { ["a.b"] = "id\n1\n", ["a-b"] = "id\n1\n" }, "layout: schema_per_client") })
    assert.equal(host.exit.config, both.code)
    assert.matches('would both have the schema "client_a_b"', both.out .. both.err, 1, true)
    local open = host.etlhost({ "check" }, { cwd = project("postgres://x@localhost/x",
      { public = "id\n1\n" }, 'layout: schema_per_client, schema: "{client}"') })
    assert.equal(host.exit.config, open.code)
    assert.matches('would be "public"', open.out .. open.err, 1, true)
  end)
end)

describe("row_security: by_client", function()
  local function as_reader(to, client, from)
    return to:sql(([[set role reader; set etlhost.client_id = '%s'; select count(*) from %s]])
      :format(client, from))
  end

  it("shows a client's rows to who reads for that client, and loads by COPY all the same",
    function()
      local to = target.postgres {}
      to:sql [[do $$ begin create role reader nologin;
        exception when duplicate_object then null; end $$]]
      local folder = project(to.url, { a = "id\n1\n", b = "id\n1\n2\n" },
        "schema: etl, row_security: by_client")
      must_run(folder)
      to:sql [[grant usage on schema etl to reader; grant select on all tables in schema etl to
        reader]]
      local orders = "etl.s3_exports_orders"
      assert.equal("1", as_reader(to, "a", orders))
      assert.equal("2", as_reader(to, "b", orders))
      assert.equal("0", as_reader(to, "", orders))
      assert.equal("0", to:sql("set role reader; select count(*) from " .. orders))
      assert.equal("3", to:sql("select count(*) from " .. orders))
      files.write(folder .. "/exports/a/orders/2.csv", "id\n7\n")
      must_run(folder)
      assert.equal("2", as_reader(to, "a", orders))
    end)

  it("may be asked for later, and lets a table be where anonymous visitors look", function()
    local to = target.postgres {}
    to:sql [[do $$ begin create role anon nologin;
      exception when duplicate_object then null; end $$;
      create schema api; grant usage on schema api to anon]]
    local folder = project(to.url, { a = "id\n1\n" }, "schema: api")
    must_run(folder)
    local orders = "api.s3_exports_orders"
    assert.equal("f", to:sql("select relrowsecurity from pg_class where oid = '" .. orders
      .. "'::regclass"))
    files.write(folder .. "/config/etlhost.yaml", (files.read(folder .. "/config/etlhost.yaml")
      :gsub("schema: api", "schema: api, row_security: by_client")))
    must_run(folder)
    to:sql("grant select on " .. orders .. " to anon")
    files.write(folder .. "/exports/a/orders/2.csv", "id\n2\n")
    must_run(folder)
    assert.equal("0", to:sql("set role anon; select count(*) from " .. orders))
    assert.equal("2", to:sql("select count(*) from " .. orders))
  end)

  it("is not forced on a table that etlhost did not make", function()
    local to = target.postgres {}
    to:sql [[create schema etl; create table etl.s3_exports_orders (id bigint)]]
    local result = must_run(project(to.url, { a = "id\n1\n" },
      "schema: etl, row_security: by_client"))
    assert.matches("which etlhost did not make", result.out .. result.err, 1, true)
    assert.equal("f", to:sql [[select relrowsecurity from pg_class
      where oid = 'etl.s3_exports_orders'::regclass]])
  end)
end)

describe("the view over all clients", function()
  local VIEW = "etl.s3_exports_orders"
  local LAYOUT = "layout: schema_per_client"

  local function more(folder, client, name, rows)
    files.write(("%s/exports/%s/orders/%s"):format(folder, client, name), rows)
  end
  local function columns(to)
    return to:sql(([[select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', '
      order by attnum) from pg_attribute
      where attrelid = '%s'::regclass and attnum > 0 and attname !~ '^_']]):format(VIEW))
  end

  it("has every client's rows by column name, and follows what changes", function()
    local to = target.postgres {}
    local folder = project(to.url, { a = "id,name\n1,x\n", b = "name,amount,id\ny,1.50,2\n" },
      LAYOUT)
    must_run(folder)
    assert.equal("1|x|\\N|a\n2|y|1.50|b",
      to:sql("select id, name, amount, _client_id from " .. VIEW .. " order by id"))
    -- Whoever may read it keeps it, also when a column's type changes below it.
    to:sql("grant select on " .. VIEW .. " to pg_monitor with grant option")
    assert.equal("id bigint, name text, amount numeric", columns(to))
    more(folder, "a", "2.csv", "id,name,late\n2.5,z,2026-01-01\n")
    must_run(folder)
    assert.equal("id numeric, name text, late date, amount numeric", columns(to))
    assert.equal("a|2|2.5\nb|1|2", to:sql("select _client_id, count(*), max(id) from " .. VIEW
      .. " group by 1 order by 1"))
    assert.equal("t", to:sql("select has_table_privilege('pg_monitor', '" .. VIEW
      .. "', 'select with grant option')"))
    assert.matches("security_invoker=true", to:sql("select reloptions from pg_class where oid = '"
      .. VIEW .. "'::regclass"), 1, true)
    -- A run that changes nothing leaves it alone.
    local version = "select xmin from pg_class where oid = '" .. VIEW .. "'::regclass"
    local before = to:sql(version)
    more(folder, "b", "2.csv", "name,amount,id\nq,2,3\n")
    must_run(folder)
    assert.equal(before, to:sql(version))
    assert.equal("4", to:sql("select count(*) from " .. VIEW))
  end)

  it("shows a column of two kinds as text, spelt as etlhost spells it", function()
    local to = target.postgres {}
    must_run(project(to.url, { a = "at\n2026-01-02T03:04:05Z\n", b = "at\nsoon\n" }, LAYOUT))
    assert.equal("2026-01-02T03:04:05Z\nsoon", to:sql("select at from " .. VIEW .. " order by 1"))
  end)

  it("is made again when it is gone, and never in the place of something else", function()
    local to = target.postgres {}
    local folder = project(to.url, { a = "id\n1\n" }, LAYOUT)
    must_run(folder)
    to:sql("drop view " .. VIEW)
    must_run(folder)
    assert.equal("1", to:sql("select count(*) from " .. VIEW))
    to:sql("drop view " .. VIEW .. "; create view " .. VIEW .. " as select 7 as mine")
    local result = must_run(folder)
    assert.matches("something else has that name", result.out .. result.err, 1, true)
    assert.equal("7", to:sql("select mine from " .. VIEW))
  end)

  it("goes where `views` says, and leaves nothing behind but what somebody changed", function()
    local to = target.postgres {}
    local folder = project(to.url, { a = "id\n1\n", b = "id\n2\n" }, LAYOUT)
    must_run(folder)
    files.write(folder .. "/config/etlhost.yaml", (files.read(folder .. "/config/etlhost.yaml")
      :gsub(LAYOUT, LAYOUT .. ", views: all_of_them")))
    -- The first client that goes leaves the old view to the other one.
    must_run(folder, "--client", "a")
    assert.equal("2|1", to:sql(("select (select id from %s), (select id from all_of_them.%s)")
      :format(VIEW, VIEW:match "%.(.*)")))
    local result = must_run(folder)
    assert.matches("the view etl.s3_exports_orders is gone", result.out .. result.err, 1, true)
    assert.equal("all_of_them|2", to:sql [[select string_agg(table_schema, ','),
      (select count(*) from all_of_them.s3_exports_orders) from information_schema.views
      where table_name = 's3_exports_orders']])
    to:sql [[create or replace view all_of_them.s3_exports_orders as
      select * from client_a.s3_exports_orders]]
    files.write(folder .. "/config/etlhost.yaml", (files.read(folder .. "/config/etlhost.yaml")
      :gsub("all_of_them", "etl")))
    result = must_run(folder)
    assert.matches("is not etlhost's as it is now, and stays", result.out .. result.err, 1, true)
    assert.equal("1|2", to:sql(("select count(*), (select count(*) from %s) from "
      .. "all_of_them.s3_exports_orders"):format(VIEW)))
  end)

  it("does not stop a load when others build on it", function()
    local to = target.postgres {}
    local folder = project(to.url, { a = "id,n\n1,1\n" }, LAYOUT)
    must_run(folder)
    to:sql("create view public.report as select sum(n) as total from " .. VIEW)
    -- The column keeps its type, since somebody's view depends on it, and the value its spelling.
    more(folder, "a", "2.csv", "id,n,extra\n2,2.5,x\n")
    must_run(folder)
    assert.equal("id bigint, n bigint, extra text, n__numeric numeric", columns(to))
    assert.equal("2", to:sql("select count(*) from " .. VIEW))
    -- A client whose table does not fit into what is built on cannot be shown; its rows load.
    files.write(folder .. "/config/clients/b.yaml", (files.read(folder .. "/config/clients/a.yaml")
      :gsub('"a"', '"b"'):gsub("exports/a", "exports/b")))
    more(folder, "b", "1.csv", "id,n\n5,none\n")
    local result = must_run(folder)
    assert.matches("etl.s3_exports_orders over all clients is not up to date",
      result.out .. result.err, 1, true)
    assert.equal("1", to:sql "select count(*) from client_b.s3_exports_orders")
    assert.equal("2", to:sql("select count(*) from " .. VIEW))
  end)
end)

describe("comments", function()
  it("come from the declaration, follow it, and leave those of others alone", function()
    local to = target.postgres {}
    local function pipeline(of_table, of_id)
      return ([[return require "etl.pipeline" { shop = { orders = { description = "%s",
        columns = { ["Order ID"] = { type = "text", description = "%s" },
          name = { description = "as it's written" } } } } }]]):format(of_table, of_id)
    end
    local folder = project(to.url, { a = "Order ID,name\n1,x\n" }, "schema: etl",
      pipeline("an order", "from the shop"))
    local function comments()
      return to:sql [[select obj_description(c, 'pg_class'), col_description(c, a.attnum),
        col_description(c, b.attnum)
        from (select 'etl.s3_exports_orders'::regclass as c) x
        join pg_attribute a on a.attrelid = c and a.attname = 'order_id'
        join pg_attribute b on b.attrelid = c and b.attname = 'name']]
    end
    must_run(folder)
    assert.equal("an order|from the shop|as it's written", comments())
    files.write(folder .. "/pipelines/p.lua", pipeline("an order, paid", "the shop's number"))
    to:sql "comment on column etl.s3_exports_orders.order_id is 'ask Ada'"
    to:sql "comment on column etl.s3_exports_orders.name is null"
    must_run(folder)
    assert.equal("an order, paid|ask Ada|\\N", comments())
    files.write(folder .. "/pipelines/p.lua", 'return require "etl.pipeline" { shop = { orders = '
      .. "{ columns = { name = { zone = nil } } } } }\n")
    local wrong = run(folder)
    assert.equal(host.exit.config, wrong.code)
    assert.matches("columns.name: type is missing", wrong.out .. wrong.err, 1, true)
  end)
end)
