-- Rows of a service's windows that wait for the window's end, and that the table refuses then: they
-- are dead rows, the others come, and the cursor moves on.
local api = require "tests.support.api"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local process = require "tests.support.process"
local refused = require "tests.support.refused"
local target = require "tests.support.target"
local windows = require "tests.support.windows"

local TABLE = "shop_orders"
local SECOND = "2026-03-02T00:00:00Z/2026-03-03T00:00:00Z"

-- The hours of a day that are refused.
local HOURS = { postgres = "extract(hour from new.at at time zone 'UTC') in (%s)",
  sqlite = "cast(substr(new.at, 12, 2) as integer) in (%s)" }

for _, make in ipairs { target.list[1], target.list[2], target.list[3] } do
  describe("rows of windows that " .. make.name .. " refuses", function()
    local server
    setup(function() server = http.start(windows.scenario) end)
    teardown(function() server:stop() end)

    local function round(n) process.run { "curl", "-s", server.url .. "/round?n=" .. n } end

    -- Runs the resource in one project.
    local function stepper(to)
      local folder
      return function(resource, code)
        resource = resource:gsub("orders = {", "orders = { max_dead = 5, ", 1)
        local made = api.project(server, resource)
        if folder then
          files.write(folder .. "/sources/shop.lua", files.read(made .. "/sources/shop.lua"))
        end
        folder = folder or made
        local result = host.run(folder, to)
        assert.equal(code or 0, result.code, tostring(result))
        return result, folder
      end
    end

    local function refuse(to, hours, name)
      refused.refuse_where(to, HOURS[to.kind]:format(hours), name, TABLE)
    end
    local function count(to, more)
      return tonumber((to:sql("select count(*) from " .. to:name(TABLE) .. (more or ""))))
    end
    local function cursor(to)
      return (to:sql("select cursor from " .. to:book "streams"):match "2026[%w:-]*")
    end
    local function dead(to, columns)
      return to:sql(("select %s from %s where status = 'dead' order by dead_id"):format(columns,
        to:book "dead_rows"))
    end

    it("are left out where windows are appended, and come by dead retry", function()
      round(1)
      local to = make.fresh()
      local step = stepper(to)
      local resource = windows.appended
      step(resource(1))
      refuse(to, "3, 20")
      local result, folder = step(resource(2))
      assert.matches("2 dead rows", result.out .. result.err)
      assert.equal("46|46", to:sql("select count(*), count(distinct id) from " .. to:name(TABLE)))
      assert.equal("2026-03-03T00:00:00Z", cursor(to))
      assert.equal(("%s|refused_in_stage\n"):format(SECOND):rep(2), dead(to, "file, code") .. "\n")
      assert.matches("not this one", dead(to, "reason"))
      assert.matches('"at":"2026%-03%-02T20:00:00', refused.raw(to))
      assert.equal("46|2", to:sql("select sum(rows), sum(dead) from " .. to:book "units"))
      step(resource(2)) -- nothing is due
      local list = host.etlhost({ "dead", "list", "--client", "acme",
        table.unpack(to:arguments(), 1, 2) }, { cwd = folder })
      assert.matches(SECOND, list.out, 1, true)
      assert.not_matches("row 0", list.out)
      refused.allow(to, nil, TABLE)
      refused.retry(folder, to)
      assert.equal("", dead(to, "file"))
      assert.equal("48|48", to:sql("select count(*), count(distinct id) from " .. to:name(TABLE)))
    end)

    it("are told by their constraint, beside rows that go because of their bound", function()
      round(1)
      local to = make.fresh()
      local step = stepper(to)
      step(windows.closed(1))
      assert.equal(25, count(to))
      to:sql(("insert into %s (_client_id, _source, _load_id, id, at) select 'b', 's', 900, "
        .. "max(id) + 3, max(at) from %s"):format(to:name(TABLE), to:name(TABLE)))
      to:sql(("create unique index once on %s (id)"):format(to:name(TABLE)))
      local _, folder = step(windows.closed(2))
      assert.equal(25 + 24 - 1 + 1, count(to))
      assert.equal(SECOND .. "|refused_in_stage", dead(to, "file, code"))
      assert.matches(to.kind == "postgres" and '^23505: .*unique constraint "once"$'
        or "UNIQUE constraint failed: shop_orders.id", dead(to, "reason"))
      to:sql(("drop index %s"):format(to:name "once"))
      refused.retry(folder, to)
      assert.equal("49|49", to:sql("select count(*), count(distinct id) from " .. to:name(TABLE)
        .. " where _client_id = 'acme'"))
    end)

    it("are left out of a period, and kept once as often as it is read", function()
      round(1)
      local to = make.fresh()
      local step = stepper(to)
      local resource = windows.restated_pages(2):gsub('span = "1d",', 'span = "1d", lag = "1d",')
      step(resource)
      to:sql(("create unique index once on %s (id)"):format(to:name(TABLE)))
      refuse(to, "3, 20")
      round(2)
      step(resource)
      assert.equal(46, count(to))
      assert.equal(22, count(to, " where v = 2"))
      local numbers = dead(to, "dead_id")
      local first = to:sql("select min(load_id) from " .. to:book "dead_rows")
      local _, folder = step(resource)
      assert.equal(46, count(to))
      assert.equal(numbers, dead(to, "dead_id"))
      assert.not_equal(first, to:sql("select min(load_id) from " .. to:book "dead_rows"))
      assert.equal("2", to:sql("select sum(dead) from " .. to:book "units u join "
        .. to:book "streams s on s.stream_id = u.stream_id where u.load_id = (select max(load_id) "
        .. "from " .. to:book "units)"))
      refused.allow(to, nil, TABLE)
      refused.retry(folder, to)
      assert.equal("48|48", to:sql("select count(*), count(distinct id) from " .. to:name(TABLE)))
      -- What was sent again is of the period, too.
      step(resource)
      assert.equal("48|48", to:sql("select count(*), count(distinct id) from " .. to:name(TABLE)))
      assert.equal("", dead(to, "file"))
    end)

    it("are alike, beside rows that are dead already: kept as often as they came", function()
      local to = make.fresh()
      local step = stepper(to)
      local resource = [[orders = { write = "restate", cursor = "at",
        contract = { types = "discard_row" }, columns = { at = "timestamp", id = "bigint" },
        extract = function(ctx)
          for w in ctx:windows { span = "1d", since = "2026-03-01", ["until"] = "2026-03-02" } do
            local rows = {}
            for i, id in ipairs { "y", 1, 7, 7, "y", 5, 6 } do
              rows[i] = { id = id, at = w.from }
            end
            ctx:emit(rows)
          end
        end }]]
      step(resource)
      assert.equal(5, count(to))
      refused.refuse_where(to, "new.id = 7", nil, TABLE)
      local known
      for _ = 1, 3 do
        step(resource)
        assert.equal("1\n5\n6", to:sql("select id from " .. to:name(TABLE) .. " order by 1"))
        local list = dead(to, "dead_id, code")
        assert.matches("^1|type\n2|type\n%d+|refused_in_stage\n%d+|refused_in_stage$", list)
        assert.equal(known or list, list)
        known = list
      end
    end)

    it("of a list in order leave its cursor at the latest value that came", function()
      local to = make.fresh()
      local step = stepper(to)
      local function resource(last)
        return ([[orders = { write = "append", cursor = { field = "id", order = "ascending" },
          extract = function(ctx)
            local rows, cursor = {}, ctx:state().cursor
            for id = cursor and cursor.value or 1, %d do
              rows[#rows + 1] = { id = id, v = id %% 10 }
            end
            ctx:emit(rows)
          end }]]):format(last)
      end
      step(resource(8))
      to:sql(("create unique index once on %s (v)"):format(to:name(TABLE)))
      local _, folder = step(resource(12))
      -- The last one of before comes again, and is no conflict with itself.
      assert.equal("10|1|10", to:sql("select count(*), min(id), max(id) from " .. to:name(TABLE)))
      assert.matches("^orders|refused_in_stage\norders|refused_in_stage$", dead(to, "file, code"))
      assert.matches("12", to:sql("select cursor from " .. to:book "streams"))
      local known = dead(to, "dead_id")
      step(resource(12))
      assert.equal(known, dead(to, "dead_id"))
      to:sql("drop index " .. to:name "once")
      refused.retry(folder, to)
      assert.equal("12|12", to:sql("select count(*), count(distinct id) from " .. to:name(TABLE)))
    end)

    it("are too many above max_dead: the window does not count, and is there again", function()
      round(1)
      local to = make.fresh()
      local step = stepper(to)
      step(windows.appended(1))
      refuse(to, "3, 4, 5, 6, 7, 8")
      local before = to:dump(TABLE)
      local result = step(windows.appended(3), host.exit.data)
      assert.matches("refuses 6 or more of the 24 rows of " .. SECOND .. "; the first: ",
        result.out .. result.err, 1, true)
      assert.matches("not this one", result.out .. result.err)
      assert.equal(before, to:dump(TABLE))
      assert.equal("2026-03-02T00:00:00Z", cursor(to))
      assert.equal("", dead(to, "file"))
      refused.allow(to, nil, TABLE)
      step(windows.appended(3))
      assert.equal("72|72", to:sql("select count(*), count(distinct id) from " .. to:name(TABLE)))
    end)

    it("of many windows are judged together; those before stay loaded", function()
      round(1)
      local to = make.fresh()
      local step = stepper(to)
      step(windows.appended(1))
      refuse(to, "3, 4")
      local result = step(windows.appended(5), host.exit.data)
      assert.matches("6 of the 72 rows that this run read for .*, cannot be loaded",
        result.out .. result.err)
      assert.equal("2026-03-04T00:00:00Z", cursor(to))
      assert.equal(24 + 22 + 22, count(to))
      -- The next run goes on there.
      step(windows.appended(5))
      assert.equal(24 + 4 * 22, count(to))
      assert.equal("8", to:sql("select count(*) from " .. to:book "dead_rows"))
      assert.equal("2026-03-06T00:00:00Z", cursor(to))
    end)

    it("count for min_ratio: a period of which too little is left stays as it was", function()
      round(1)
      local to = make.fresh()
      local step = stepper(to)
      local resource = windows.restated_pages(2):gsub('span = "1d",', 'span = "1d", lag = "1d",')
      step(resource)
      refuse(to, "3")
      local before = to:dump(TABLE)
      round(2)
      resource = resource:gsub("orders = {", "orders = { min_ratio = 1,", 1)
      local result = step(resource, host.exit.data)
      assert.matches("refuses 1 of the 24 rows of " .. SECOND .. ": the others are too few to take "
        .. "the place of 24, below min_ratio 1; the first: ", result.out .. result.err, 1, true)
      assert.equal(before, to:dump(TABLE))
      assert.equal("", dead(to, "file"))
    end)
  end)
end

describe("rows of windows that only PostgreSQL refuses", function()
  local server
  setup(function() server = http.start(windows.scenario) end)
  teardown(function() server:stop() end)

  -- The second day is read again when another client's row has the place of its last hour, and
  -- `change` (SQL) was done to the table.
  local function restated(change)
    local to = target.list[3].fresh()
    local folder = api.project(server, (windows.restated_pages(2):gsub('span = "1d",',
      'span = "1d", lag = "1d",')))
    assert.equal(0, host.run(folder, to).code)
    to:sql("update etl.shop_orders set _client_id = 'b', _source = 's', _load_id = 900 "
      .. "where id = (select max(id) from etl.shop_orders); " .. change)
    local result = host.run(folder, to)
    assert.equal(0, result.code, tostring(result))
    return to
  end
  local function rows(to)
    return to:sql "select count(*), count(distinct id) from etl.shop_orders"
  end

  it("because of an exclusion constraint, beside rows that go", function()
    local to = restated [[alter table etl.shop_orders add constraint apart
      exclude using gist (int8range(id, id + 1) with &&)]]
    assert.equal("48|48", rows(to))
    assert.matches('^23P01: .*"apart"$', refused.dead(to, "reason"))
  end)

  it("when they are checked late", function()
    local to = restated "alter table etl.shop_orders add unique (id) deferrable initially deferred"
    assert.equal("48|48", rows(to))
    assert.matches("^23505: [^\n]*$", refused.dead(to, "reason"))
  end)

  it("where another table refers to rows that go, and come back", function()
    local to = restated [[alter table etl.shop_orders add unique (id);
      create table parts (id bigint references etl.shop_orders (id));
      insert into parts select id from etl.shop_orders]]
    assert.equal("48|48", rows(to))
    assert.matches("^23505: [^\n]*$", refused.dead(to, "reason"))
  end)
end)
