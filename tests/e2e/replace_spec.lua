-- write = "replace" and --full-refresh: what a run finds is what a stream has afterwards, at once,
-- and nothing of anybody else's moves.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local TABLE = "s3_exports_orders"

local function project_of(resource, exports, settings)
  return host.project {
    pipeline = ('return require "etl.pipeline" { s3_exports = { orders = %s } }\n')
      :format(resource),
    exports = exports, settings = settings,
  }
end

local function rows(to, more)
  return to:sql(("select id, v from %s where _client_id = 'acme' and _source = 's3_exports' %s")
    :format(to:name(TABLE), more or "") .. " order by id, v")
end

local function must(folder, to, more)
  local result = host.run(folder, to, { more = more })
  assert.equal(0, result.code, tostring(result))
  return result
end

local function many(count, word)
  local lines = { "id,v" }
  for i = 1, count do lines[#lines + 1] = i .. "," .. word end
  return table.concat(lines, "\n") .. "\n"
end

-- Rows of another client, of another source, and of somebody who knows nothing of etlhost.
local function add_others(to)
  to:sql(([[insert into %s (_client_id, _source, _load_id, _file, id, v) values
    ('b', 's3_exports', 900, 'orders/1.csv', 1, 'xB'),
    ('acme', 'other', 901, 'orders/1.csv', 1, 'xO'),
    (null, null, null, null, 1, 'xN')]]):format(to:name(TABLE)))
end
local function others(to)
  return to:sql(("select v from %s where v like 'x_' order by v"):format(to:name(TABLE)))
end

for _, make in ipairs { target.list[1], target.list[3] } do
  describe("replace in " .. make.name, function()
    it("makes a folder's files the stream's rows, whatever came, changed or went", function()
      local to = make.fresh()
      local folder = project_of('{ write = "replace" }', {
        ["orders/1.csv"] = "id,v\n1,a\n2,b\n", ["orders/2.csv"] = "id,v\n3,c\n4,d\nx\n",
        ["orders/3.csv"] = "id,v\n5,e\n" })
      must(folder, to)
      add_others(to)
      assert.matches("3 files already loaded, nothing new", must(folder, to).out)
      files.write(folder .. "/exports/orders/2.csv", "id,v\n3,C\n4,d\n")
      files.write(folder .. "/exports/orders/4.csv", "id,v\n6,f\n")
      os.remove(folder .. "/exports/orders/3.csv")
      local result = must(folder, to)
      assert.equal("1|a\n2|b\n3|C\n4|d\n6|f", rows(to))
      assert.matches("3 rows went, 3 came in their place", result.out)
      assert.matches("nothing new", must(folder, to).out)
      os.remove(folder .. "/exports/orders/4.csv")
      assert.matches("1 row went, 0 came", must(folder, to).out)
      assert.equal("1|a\n2|b\n3|C\n4|d", rows(to))
      assert.equal("xB\nxN\nxO", others(to))
      assert.equal("discarded|1", to:sql("select status, count(*) from " .. to:book "dead_rows"
        .. " group by status"))
      assert.equal("0", to:sql(("select count(*) from %s u join %s s on s.stream_id = u.stream_id "
        .. "where u.generation <> s.generation"):format(to:book "units", to:book "streams")))
    end)

    it("stops before few or no rows are left", function()
      local to = make.fresh()
      local folder = project_of('{ write = "replace" }', { ["orders/1.csv"] = many(6, "a"),
        ["orders/2.csv"] = "id,v\n7,a\n8,a\n9,a\n10,a\n" },
        "    prefixes: { orders: {} }\n    min_ratio: 0.7\n")
      must(folder, to)
      local before = rows(to)
      os.remove(folder .. "/exports/orders/2.csv")
      local result = host.run(folder, to)
      assert.equal(host.exit.data, result.code, tostring(result))
      assert.matches("would keep 6 of the 10 rows", result.out .. result.err)
      files.write(folder .. "/exports/orders/1.csv", "id,v\n1,x\n")
      result = host.run(folder, to)
      assert.matches("would keep 1 of the 10 rows", result.out .. result.err)
      assert.matches("orders +1 +0 +0 .*FAILED", result.out) -- read, but not loaded
      os.remove(folder .. "/exports/orders/1.csv")
      result = host.run(folder, to)
      assert.equal(host.exit.data, result.code, tostring(result))
      assert.matches("would keep 0 of the 10 rows", result.out .. result.err)
      assert.equal(before, rows(to))
      must(folder, to, { "--allow-shrink" })
      assert.equal("", rows(to))
    end)

    it("loads anew what an append stream has, when asked for a full refresh", function()
      local to = make.fresh()
      local folder = project_of("{}", { ["orders/1.csv"] = "id,v\n1,a\n2,b\n" })
      must(folder, to)
      add_others(to)
      to:sql(("update %s set v = 'touched' where id = 2"):format(to:name(TABLE)))
      files.write(folder .. "/pipelines/p.lua", [[return require "etl.pipeline" { s3_exports = {
        orders = { row = function(row) row.v = row.v:upper() end } } }]])
      must(folder, to)
      assert.equal("1|a\n2|touched", rows(to))
      local result = must(folder, to, { "--full-refresh" })
      assert.equal("1|A\n2|B", rows(to))
      assert.matches("2 rows went, 2 came", result.out)
      assert.matches("nothing new", must(folder, to).out)
      assert.equal("xB\nxN\nxO", others(to))
    end)

    it("shows a reader the old rows or the new ones, never others", function()
      local to = make.fresh()
      local folder = project_of('{ write = "replace" }', { ["orders/1.csv"] = many(3000, "a") })
      must(folder, to)
      files.write(folder .. "/exports/orders/1.csv", many(2500, "b"))
      local arguments = { "run", "pipelines/p.lua", "--unit-bytes", "4096" }
      for _, word in ipairs(to:arguments()) do arguments[#arguments + 1] = word end
      local child = host.spawn(arguments, { cwd = folder, seconds = 60 })
      local seen = {}
      repeat
        local over = child:ended()
        seen[to:sql(("select count(*), min(v), max(v) from %s"):format(to:name(TABLE)))] = true
      until over
      assert.equal(0, child:wait().code)
      seen["3000|a|a"], seen["2500|b|b"] = nil, nil
      assert.same({}, seen)
    end)

    it("is refused for rows with a history, which it would lose", function()
      local to = make.fresh()
      local folder = project_of('{ write = "history", key = "id" }',
        { ["orders/1.csv"] = "id,v\n1,a\n" })
      must(folder, to)
      local result = host.run(folder, to, { more = { "--full-refresh" } })
      assert.equal(host.exit.config, result.code, tostring(result))
      assert.matches("cannot be loaded anew", result.out .. result.err)
    end)

    it("goes on where it was stopped, and shows what counts", function()
      local to = make.fresh()
      local folder = project_of('{ write = "replace" }', { ["orders/1.csv"] = many(1000, "a") })
      must(folder, to)
      files.write(folder .. "/exports/orders/1.csv", many(900, "b") .. "x\n")
      files.write(folder .. "/exports/orders/2.csv.gz", "no gzip data")
      local result = host.run(folder, to, { more = { "--unit-bytes", "2048" } })
      assert.equal(host.exit.data, result.code, tostring(result))
      assert.equal("1000|a|a", to:sql("select count(*), min(v), max(v) from " .. to:name(TABLE)))
      local shown = host.etlhost { "state", "show", "--destination", to.url }
      assert.matches("orders +1 +1,000 +1 ", shown.out)
      result = host.etlhost({ "dead", "retry", "--destination", to.url }, { cwd = folder })
      assert.equal(0, result.code, tostring(result))
      assert.equal("1|dead", to:sql("select count(*), max(status) from " .. to:book "dead_rows"))
      os.remove(folder .. "/exports/orders/2.csv.gz")
      files.write(folder .. "/exports/orders/2.csv", "id,v\n2000,b\n")
      result = must(folder, to)
      assert.equal("901|b|b", to:sql("select count(*), min(v), max(v) from " .. to:name(TABLE)))
      assert.matches("orders +1 +1 +0 ", result.out)
      assert.matches("1,000 rows went, 901 came", result.out)
      assert.equal("1|dead", to:sql("select count(*), max(status) from " .. to:book "dead_rows"))
    end)

    it("keeps the newest row of each key, when a stream that merges is loaded anew", function()
      local to = make.fresh()
      local folder = project_of('{ key = "id", cursor = "at" }', {
        ["orders/1.csv"] = "id,at,v\n1,2026-01-02,new\n2,2026-01-01,b\n",
        ["orders/2.csv"] = "id,at,v\n1,2026-01-01,old\n2,2026-01-03,B\n3,,c\n" })
      must(folder, to)
      to:sql("update " .. to:name(TABLE) .. " set v = 'touched'")
      must(folder, to, { "--full-refresh" })
      assert.equal("1|new\n2|B\n3|c", rows(to))
      files.write(folder .. "/exports/orders/1.csv", "id,at,v\n1,2026-01-04,newest\n")
      must(folder, to)
      assert.equal("1|newest\n2|B\n3|c", rows(to))
      files.write(folder .. "/exports/orders/1.csv", "id,at,v\n1,2026-01-02,new\n2,2026-01-01,b\n")
      assert.matches("2 stale", must(folder, to).out)
    end)

    it("is refused where rows of one resource are not told from another's", function()
      local to = make.fresh()
      local folder = host.project {
        pipeline = [[return require "etl.pipeline" { s3_exports = {
          orders = { write = "replace", table = "t" }, more = { table = "t" } } }]],
        exports = { ["orders/1.csv"] = "id\n1\n", ["more/1.csv"] = "id\n1\n" },
        settings = "    prefixes: { orders: {}, more: {} }\n",
      }
      local result = host.run(folder, to)
      assert.equal(host.exit.config, result.code, tostring(result))
      assert.matches("rows of one cannot be replaced without", result.out .. result.err)
    end)
  end)
end

describe("replace in PostgreSQL", function()
  -- All that hangs on the table, as the catalog has it.
  local FURNITURE = [[
    select 'grants', relacl::text from pg_class
      where oid = 'etl.s3_exports_orders'::regclass
    union all select 'table', oid::text || relrowsecurity from pg_class
      where oid = 'etl.s3_exports_orders'::regclass
    union all select 'policy', polname || pg_get_expr(polqual, polrelid) from pg_policy
    union all select 'view', pg_get_viewdef('v')
    union all select 'rows of the view', count(*)::text from v
    union all select 'publication', tablename from pg_publication_tables
    union all select 'constraint', conname || pg_get_constraintdef(oid) from pg_constraint
      where conrelid::regclass::text in ('etl.s3_exports_orders', 'parts')
    union all select 'index', indexdef from pg_indexes where tablename = 's3_exports_orders'
    union all select 'parts', count(*)::text from parts order by 1, 2]]

  it("leaves alone what hangs on the table, and keeps foreign keys satisfied", function()
    local to = target.list[3].fresh()
    local folder = project_of('{ write = "replace" }', { ["orders/1.csv"] = many(100, "a") })
    must(folder, to)
    to:sql [[
      create role reader; grant select on etl.s3_exports_orders to reader;
      alter table etl.s3_exports_orders add column n bigint generated by default as identity;
      alter table etl.s3_exports_orders add column twice bigint generated always as (id * 2) stored;
      alter table etl.s3_exports_orders add constraint whole unique (id);
      create policy mine on etl.s3_exports_orders for select using (_client_id = 'acme');
      create view v as select id, v from etl.s3_exports_orders;
      create publication p for table etl.s3_exports_orders;
      alter table etl.s3_exports_orders replica identity full;
      create table parts (id bigint references etl.s3_exports_orders (id));
      insert into parts select id from etl.s3_exports_orders]]
    local before = to:sql(FURNITURE)
    files.write(folder .. "/exports/orders/1.csv", many(100, "b"))
    must(folder, to)
    assert.equal(before, to:sql(FURNITURE))
    assert.equal("100|b|101|200|200", to:sql [[select count(*), min(v), min(n), max(n), max(twice)
      from etl.s3_exports_orders]])
    files.write(folder .. "/exports/orders/1.csv", many(99, "c"))
    local result = host.run(folder, to)
    assert.equal(host.exit.data, result.code, tostring(result))
    assert.equal(before, to:sql(FURNITURE))
    to:sql [[alter table parts drop constraint parts_id_fkey,
      add foreign key (id) references etl.s3_exports_orders (id) on delete cascade]]
    result = host.run(folder, to)
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("deletes or changes rows there", result.out .. result.err)
    assert.equal("100", to:sql "select count(*) from parts")
    to:sql "drop owned by reader; drop role reader"
  end)
end)
