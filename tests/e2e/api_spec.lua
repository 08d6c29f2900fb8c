-- Sources that talk to a service: requests, pages, windows, and what becomes of odd answers.
local api = require "tests.support.api"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local target = require "tests.support.target"

local SCENARIO = [[
local json = require "cjson"
local function page(from, count, more)
  local rows = {}
  for i = from, from + count - 1 do
    rows[#rows + 1] = ('{"id":%d,"name":"n%d","amount":%d.50,"tags":["a","b"]}'):format(i, i, i)
  end
  return ('{"data":[%s],"paging":{"total":6,"next":%s}}'):format(table.concat(rows, ","),
    more and '"' .. more .. '"' or "null")
end
local released = false
local paths = {
  ["/v1/orders"] = function(r, c)
    local n = tonumber(r.query.page or 1)
    c:reply(200, { ["Content-Type"] = "application/json", ["X-Page"] = n },
      page(2 * n - 1, 2, n < 3 and tostring(n + 1) or nil))
  end,
  ["/v1/dead"] = function(_, c)
    c:reply(200, nil, '{"data":[{"id":1,"n":5},{"id":2,"n":5,"n":6},{"id":3,"n":"x"}]}')
  end,
  -- Pages that are much longer than their rows are in the table; every other one fills a file.
  ["/v1/long"] = function(r, c)
    local n, rows = tonumber(r.query.page), {}
    for i = 1, n % 2 == 1 and 60 or 20 do
      rows[i] = ('{"id":%d,"pad":"%s"}'):format(n * 100 + i, ("\\u0061"):rep(1000))
    end
    c:reply(200, nil, ('{"data":[%s],"next":%d}'):format(table.concat(rows, ","), n + 1))
  end,
  ["/v1/html"] = function(_, c) c:reply(200, nil, "<html><body>Sorry</body></html>") end,
  ["/v1/null"] = function(_, c) c:reply(200, nil, '{"data":null}') end,
  ["/v1/missing"] = function(_, c) c:reply(200, nil, '{"error":"no such account"}') end,
  ["/v1/lines"] = function(_, c) c:reply(200, nil, '{"id":1}\n{"id":2}\n{"id":3}\n') end,
  ["/v1/csv"] = function(_, c) c:reply(200, nil, "id,name\n007,x\n8,\n") end,
  ["/v1/gone"] = function(_, c) c:reply(404, nil, '{"error":"gone"}') end,
  ["/v1/slow"] = function(_, c)
    c:until_true(function() return released end)
    c:reply(200, nil, '{"data":[{"id":1}]}')
  end,
  ["/v1/release"] = function(_, c) released = true c:reply(200, nil, '{"data":[{"id":2}]}') end,
  ["/v1/echo"] = function(r, c)
    c:reply(200, nil, json.encode { method = r.method, query = r.raw_query, body = r.body,
      type = r.headers["content-type"], accept = r.headers["x-one"] })
  end,
}
return function(request, connection) return paths[request.path](request, connection) end
]]

local PAGED = [[
extract = function(ctx)
  local page = "1"
  while page do
    local r = ctx:get("orders", { query = { page = page } })
    ctx:emit(r:rows "data")
    page = r:value "paging.next"
    if page == require "etl".null then page = nil end
  end
end ]]

local function one(path, more)
  return ([[%s = { %s extract = function(ctx)
    ctx:emit(ctx:get "%s":rows "data") end }]]):format(path, more or "", path)
end

describe("a source that talks to a service", function()
  local server
  setup(function() server = http.start(SCENARIO) end)
  teardown(function() server:stop() end)

  local function run(resources, to, options)
    return host.run(api.project(server, resources, options), to or target.sqlite(), options)
  end

  it("has lists as child tables of what is merged, and of nothing else", function()
    local to = target.sqlite()
    local folder = api.project(server, 'orders = { key = "id", nested = "tables", ' .. PAGED .. "}")
    for _ = 1, 2 do
      local result = host.run(folder, to)
      assert.equal(0, result.code, tostring(result))
    end
    assert.equal("12|6", to:sql "select count(*), sum(value = 'b') from shop_orders__tags")
    local result = run('log = { nested = "tables", ' .. PAGED .. "}")
    assert.equal(2, result.code)
    assert.matches("records that are put by their key", result.err .. result.out)
  end)

  for _, fresh in ipairs { target.list[1], target.list[3] } do
    it("loads pages, types as JSON gives them, merged by key, into " .. fresh.name, function()
      local to = fresh.fresh()
      local folder = api.project(server, 'orders = { key = "id", ' .. PAGED .. "}")
      for _ = 1, 2 do
        local result = host.run(folder, to)
        assert.equal(0, result.code, tostring(result))
      end
      assert.equal(6, to:count "shop_orders")
      assert.same({ "'1.50'", "'2.50'", "'3.50'", "'4.50'", "'5.50'", "'6.50'" },
        to:values("shop_orders", "amount", "id"))
      local types = to:types "shop_orders"
      assert.is_nil(types._file)
      assert.equal("2", to:sql("select count(*) from " .. to:book "loads"))
    end)

    it("appends each page once, and replaces all, in " .. fresh.name, function()
      local to = fresh.fresh()
      local result = run("log = { " .. PAGED .. "}, all = { write = \"replace\", " .. PAGED .. "}",
        to)
      assert.equal(0, result.code, tostring(result))
      assert.equal(6, to:count "shop_log")
      assert.equal(6, to:count "shop_all")
    end)
  end

  it("tells of dead rows with their page, their place in it, and their bytes", function()
    local to = target.sqlite()
    local result = run(one("dead", 'columns = { n = "bigint" }, max_dead = 5,'), to)
    assert.equal(host.exit.ok, result.code, tostring(result))
    assert.equal(1, to:count "shop_dead")
    local dead = to:sql("select file || ' ' || row_number || ' ' || code || ' ' || raw from "
      .. to:book "dead_rows" .. " order by 1")
    assert.equal(("GET %s/v1/dead 2 duplicate_key {\"id\":2,\"n\":5,\"n\":6}\n"):format(server.url)
      .. ("GET %s/v1/dead 3 type {\"id\":3,\"n\":\"x\"}"):format(server.url), dead)
  end)

  it("has the bytes of rows that the server refuses, long after their pages", function()
    local to = target.postgres {}
    to:sql [[create schema etl; create table etl.shop_long (id bigint unique check (id % 100 <> 7),
      pad text, _client_id text, _source text, _load_id bigint, _loaded_at timestamptz)]]
    local result = run([[long = { key = "id", max_dead = { rows = 30, ratio = 1 },
      extract = function(ctx)
        local page = 1
        while page <= 30 do
          local r = ctx:get("long", { query = { page = page } })
          page = r:value "next"
          ctx:emit(r:rows "data")
          r:release()
        end
      end }]], to)
    assert.equal(0, result.code, tostring(result))
    assert.equal(15 * 59 + 15 * 19, to:count "shop_long")
    assert.equal("30|30|30", to:sql([[select count(*), count(*) filter (where raw =
        '{"id":' || page || '07,"pad":"' || repeat('\u0061', 1000) || '"}'), count(distinct page)
      from (select convert_from(raw, 'UTF8') as raw, substring(file from 'page=(\d+)$') as page
        from _etl.dead_rows) as d]]))
  end)

  it("takes no answer without rows for no rows", function()
    for path, why in pairs { html = "not JSON.*<html><body>Sorry", null = "is null",
      missing = 'has no "data".*no such account', gone = "404.*gone" } do
      local to = target.sqlite()
      local result = run(one(path), to)
      assert.equal(path == "gone" and host.exit.config or host.exit.network, result.code,
        tostring(result))
      assert.matches(why, (result.out .. result.err):gsub("\n", " "))
      assert.matches("/v1/" .. path, result.out .. result.err, 1, true)
      assert.is_false(to:has_table("shop_" .. path))
    end
  end)

  it("appends addresses to a base_url that only the source says", function()
    local folder = api.project(server, one "lines")
    local path = folder .. "/config/clients/acme.yaml"
    files.write(path, (files.read(path):gsub("    base_url[^\n]*\n", "    page: x\n")))
    path = folder .. "/sources/shop.lua"
    files.write(path, (files.read(path):gsub('base_url = "url"',
      ('base_url = { type = "url", default = "%s/v1" }'):format(server.url))
      :gsub('rows "data"', 'rows { format = "jsonl" }')))
    local to = target.sqlite()
    local result = host.run(folder, to)
    assert.equal(0, result.code, tostring(result))
    assert.equal(3, to:count "shop_lines")
  end)

  it("never speaks to the database that is loaded, whatever is opened", function()
    local to = target.list[3].fresh()
    local address = "127.0.0.1:" .. to.server.port
    local result = host.run(api.project({ address = address, url = "http://" .. address },
      one "orders"), to)
    assert.equal(host.exit.auth, result.code, tostring(result))
    assert.matches("the destination's own address: refused", result.out .. result.err)
  end)

  it("reads lines and CSV, and rows that the script made", function()
    local to = target.sqlite()
    local result = run([[
lines = { extract = function(ctx) ctx:emit(ctx:get "lines":rows { format = "jsonl" }) end },
csv = { extract = function(ctx) ctx:emit(ctx:get "csv":rows { format = "csv" }) end },
made = { extract = function(ctx)
  ctx:emit({ { id = 1, note = "é", list = { 1, 2 } }, { id = 2, big = 9007199254740993 } })
end },
]], to)
    assert.equal(0, result.code, tostring(result))
    assert.equal(3, to:count "shop_lines")
    assert.same({ "'007'", "'8'" }, to:values("shop_csv", "id", "id"))
    assert.same({ "NULL", "9007199254740993" }, to:values("shop_made", "big", "id"))
  end)

  it("serves other resources while one waits for an answer", function()
    local to = target.sqlite()
    local result = run(one "slow" .. "," .. one "release", to, { seconds = 30 })
    assert.equal(0, result.code, tostring(result))
    assert.equal(1, to:count "shop_slow")
    assert.equal(1, to:count "shop_release")
  end)

  it("sends what the script says, and tells it what came back", function()
    local result = run([[echo = { extract = function(ctx)
      local r = ctx:post("echo?a=1", { query = { q = "ä b", n = { 1, 2 } }, json = { x = 1 },
        headers = { ["X-One"] = "two" } })
      ctx:warn("%s %s %s %s %s", r:value "method", r:value "query", r:value "body",
        r:value "type", r:value "accept")
      local f = ctx:post("echo", { form = { a = "b&c", d = "é" } })
      ctx:warn("%s|%s|%s", f:value "body", f:value "type", tostring(f:value "none"))
      ctx:warn("%d %s %s", f.status, f:header "Content-Length", f:text(8))
      local g = ctx:get("gone", { accept = { 404 } })
      ctx:warn("%d %s", g.status, g:json().error)
      local ok, e = pcall(ctx.get, ctx, "gone")
      ctx:warn("%s %s", tostring(ok), e.class)
      local a = ctx:prefetch { url = "echo" }
      local b = ctx:prefetch { url = "gone" }
      ctx:warn("%d", a:wait().status)
      ctx:warn("%s", tostring(select(2, pcall(b.wait, b)).class))
      ok, e = pcall(ctx.get, ctx, "https://elsewhere.example/x")
      ctx:warn("%s %s", e.class, e.message)
      a:release()
      ok, e = pcall(a.wait, a)
      ctx:warn("%s", e.message)
    end }]])
    assert.equal(0, result.code, tostring(result))
    for _, text in ipairs { 'POST a=1&n=1&n=2&q=%C3%A4%20b {"x":1} application/json two',
      "a=b%26c&d=%C3%A9|application/x-www-form-urlencoded|nil", '200 ', '404 gone',
      "false not_found", "denied ", "elsewhere.example", "there is no such response" } do
      assert.matches(text, result.out .. result.err, 1, true)
    end
  end)

  it("sends its dead rows again, and writes nothing in a dry run", function()
    local to = target.sqlite()
    local folder = api.project(server, one("dead", 'columns = { n = "bigint" }, max_dead = 5,'))
    assert.equal(0, host.run(folder, to, { more = { "--dry-run" } }).code)
    assert.is_false(to:has_table "shop_dead")
    assert.equal(0, host.run(folder, to).code)
    local with = { "--client", "acme", "--destination", to.url }
    local listed = host.etlhost({ "dead", "list", table.unpack(with) }, { cwd = folder })
    assert.matches("/v1/dead row 3", listed.out, 1, true)
    local path = folder .. "/sources/shop.lua"
    files.write(path, (files.read(path):gsub('"bigint"', '"text"')))
    local result = host.etlhost({ "dead", "retry", table.unpack(with) }, { cwd = folder })
    assert.equal(0, result.code, tostring(result))
    for _, column in ipairs(to:columns "shop_dead") do
      assert.not_equal("_file", column.name)
    end
  end)

  for _, fresh in ipairs { target.list[1], target.list[2] } do
    it("replaces all rows once after a kill in front of that, in " .. fresh.name, function()
      local to = fresh.fresh()
      local folder = api.project(server, 'orders = { write = "replace", ' .. PAGED .. "}")
      assert.equal(0, host.run(folder, to).code)
      local killed = host.run(folder, to, { env = { ETLHOST_FAULT = "promote.start" },
        program = host.faulty_program })
      assert.matches("it was killed", killed.out, 1, true)
      assert.equal(0, host.run(folder, to).code)
      assert.equal(6, to:count "shop_orders")
    end)
  end

  it("shows rows in a preview", function()
    local folder = api.project(server, "orders = { " .. PAGED .. "}")
    local result = host.etlhost({ "preview", "shop.orders", "--client", "acme", "--format", "csv" },
      { cwd = folder })
    assert.equal(0, result.code, tostring(result))
    assert.matches("3,n3,3.50", result.out, 1, true)
  end)
end)
