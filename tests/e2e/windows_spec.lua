-- Resources that are read by spans of time: what a cursor, a lag and a repeated run do to a table.
local api = require "tests.support.api"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local process = require "tests.support.process"
local target = require "tests.support.target"
local windows = require "tests.support.windows"

describe("windows", function()
  local server
  setup(function() server = http.start(windows.scenario) end)
  teardown(function() server:stop() end)

  local function round(n) process.run { "curl", "-s", server.url .. "/round?n=" .. n } end

  -- Runs the resource in a project; the next one changes its text.
  local function stepper(to)
    local folder
    return function(resource, options)
      local made = api.project(server, resource, options)
      if folder then
        files.write(folder .. "/sources/shop.lua", files.read(made .. "/sources/shop.lua"))
      end
      folder = folder or made
      local result = host.run(folder, to, options)
      assert.equal(options and options.code or 0, result.code, tostring(result))
      return result, folder
    end
  end

  local function asked() return #server:requests "^/v1" end
  local function cursor(to)
    return (to:sql("select cursor from " .. to:book "streams"):match "2026[%w:-]*")
  end

  for _, fresh in ipairs { target.list[1], target.list[3] } do
    it("read on from the cursor less the lag, and merge, into " .. fresh.name, function()
      round(1)
      local to = fresh.fresh()
      local step = stepper(to)
      local _, folder = step(windows.merged(2))
      assert.equal(48, to:count "shop_orders")
      assert.equal("2026-03-03T00:00:00Z", cursor(to))
      local before = asked()
      step(windows.merged(2)) -- nothing is due
      assert.equal(before, asked())
      round(2)
      step(windows.merged(3, 'lag = "1d"'))
      assert.equal(6, asked() - before)
      assert.equal(72, to:count "shop_orders")
      assert.equal("24", to:sql("select count(*) from " .. to:name "shop_orders" .. " where v = 1"))
      assert.equal("2026-03-04T00:00:00Z", cursor(to))
      local shown = host.etlhost({ "state", "show", "--client", "acme", "--destination",
        to.url }, { cwd = folder })
      assert.matches("2026-03-04T00:00:00Z", shown.out, 1, true)
      -- As the operator says: from the second day on.
      assert.equal(0, host.etlhost({ "state", "set", "shop.orders",
        'cursor={"value":"2026-03-02"}', "--yes", "--client", "acme", "--destination", to.url },
        { cwd = folder }).code)
      round(3)
      step(windows.merged(3))
      assert.equal("48", to:sql("select count(*) from " .. to:name "shop_orders" .. " where v = 3"))
      -- Anew from the start, the cursor with it.
      step(windows.merged(3), { more = { "--full-refresh" } })
      assert.equal("0", to:sql("select count(*) from " .. to:name "shop_orders" .. " where v = 1"))
      assert.equal("2026-03-04T00:00:00Z", cursor(to))
    end)

    it("append each window once, into " .. fresh.name, function()
      round(1)
      local to = fresh.fresh()
      local step = stepper(to)
      step(windows.appended(1))
      step(windows.appended(3))
      step(windows.appended(3))
      assert.equal("72|72", (to:sql("select count(*), count(distinct id) from "
        .. to:name "shop_orders")))
    end)

    it("read rows at a closed bound again, once each, into " .. fresh.name, function()
      round(1)
      local to = fresh.fresh()
      local step = stepper(to)
      step(windows.closed(1))
      step(windows.closed(2))
      assert.equal("49|49", (to:sql("select count(*), count(distinct id) from "
        .. to:name "shop_orders")))
    end)

    it("restate days, but none that comes back empty, into " .. fresh.name, function()
      round(1)
      local to = fresh.fresh()
      local step = stepper(to)
      step(windows.restated(3))
      assert.equal(9, to:count "shop_orders")
      round(2)
      local result = step(windows.restated(3))
      local from = to:name "shop_orders"
      assert.equal("2|2\n3|1\n2|2", to:sql("select count(*), min(cents) from " .. from
        .. " group by day order by day"))
      assert.matches("2026-03-02T00:00:00Z/2026-03-03T00:00:00Z is left as it was: 0 rows came, "
        .. "and 3 are there", result.out .. result.err, 1, true)
      -- With less than min_ratio of what is there, too.
      result = step((windows.restated(3):gsub("lag =", 'since = "2026-03-01", lag ='):gsub(
        "orders = {", "orders = { min_ratio = 1,")))
      assert.matches("left as it was", result.out .. result.err, 1, true)
    end)
  end

  local function get(path) process.run { "curl", "-s", server.url .. path } end

  for kind, resource in pairs { merged = windows.merged, appended = windows.appended,
    restated = windows.restated_pages } do
    for status, fresh in pairs { [410] = target.list[1], [400] = target.list[3] } do
      it(("begin again where the service has forgotten the position (%d): %s, into %s"):format(
        status, kind, fresh.name), function()
        round(2)
        local more = { "--unit-bytes", "2048" }
        local text, expected, to = windows.with_dead(resource(2)), fresh.fresh(), fresh.fresh()
        stepper(expected)(text, { more = more })
        round(1)
        get "/close?page=3"
        local step = stepper(to)
        step(text, { more = more, code = host.exit.auth })
        get "/close"
        round(2)
        get("/forget?status=" .. status)
        local before = #server:requests "^/v1"
        local result = step(text, { more = more })
        local asked_for = server:requests "^/v1"
        local pages = {}
        for i = before + 1, before + 3 do
          pages[#pages + 1] = asked_for[i].target:match "page=(%d+)"
        end
        -- Of merged rows the last unit need not end with a page.
        assert.matches("^[23] 1 1002$", table.concat(pages, " "), 1, false, tostring(result))
        assert.equal(windows.outcome(expected), windows.outcome(to))
        assert.matches("\ndead\nGET .*|4|not a number\nGET .*|4|not a number\nunits 0$",
          windows.outcome(to))
      end)
    end
  end

  it("do not begin again behind their first rows, nor when they are over", function()
    local to = target.sqlite()
    local step = stepper(to)
    local one = [[orders = { key = "id", extract = function(ctx)
      local last
      for w in ctx:windows { span = "1d", ["until"] = "2026-03-03" } do
        w:restart()
        w:restart()
        %s
        ctx:emit { { id = w.from } }
        %s
        last = w
      end
    end }]]
    local result = step(one:format("", "w:restart()"), { code = host.exit.script })
    assert.matches("rows of the window 2026-03-01T00:00:00Z/2026-03-02T00:00:00Z were emitted in "
      .. "this run", result.out .. result.err, 1, true)
    assert.matches("before the first ctx:emit", result.out .. result.err, 1, true)
    result = step(one:format("if last then last:restart() end", ""), { code = host.exit.script })
    assert.matches("the window 2026-03-01T00:00:00Z/2026-03-02T00:00:00Z is not open",
      result.out .. result.err, 1, true)
    step(one:format("", ""))
    assert.equal(2, to:count "shop_orders")
  end)

  it("tell times with a fraction of a second from the bounds of a period", function()
    local to = target.sqlite()
    local step = stepper(to)
    local resource = [[orders = { write = "restate", cursor = "at", min_ratio = 0,
      columns = { at = "timestamp" }, extract = function(ctx)
        for w in ctx:windows { span = "1d", since = "2026-03-01", ["until"] = "2026-03-03" } do
          ctx:emit { { at = w.from:gsub("Z", ".5Z"), n = 1 }, { at = w.from, n = 2 } }
        end
      end }]]
    for _ = 1, 2 do
      step(resource)
      assert.equal(4, to:count "shop_orders")
    end
  end)

  it("refuse what would load rows twice", function()
    local result = host.etlhost({ "check" }, { cwd = api.project(server,
      'orders = { cursor = { field = "at", lag = "1d" }, extract = function() end },'
      .. ' sums = { write = "restate", extract = function() end }') })
    assert.equal(host.exit.config, result.code)
    assert.matches("a lag is read again each time", result.out, 1, true)
    assert.matches("write = \"restate\" needs `cursor`", result.out, 1, true)
    local function closed(key)
      return host.etlhost({ "check" }, { cwd = api.project(server,
        ('orders = { write = "append", %s cursor = { field = "at", closed = true },'
          .. ' extract = function() end }'):format(key)) })
    end
    result = closed ""
    assert.equal(host.exit.config, result.code)
    assert.matches("a closed bound gives its rows in two windows.*declare `key`", result.out)
    assert.equal(0, closed('key = "id",').code)
  end)

  it("refuse it before anything is asked where only the script says so", function()
    for options, text in pairs { ['lag = "1d"'] = "a lag is read again each time",
      ["closed = true"] = "a closed bound gives its rows in two windows" } do
      local before = #server:requests "^/"
      local result = stepper(target.sqlite())(([[orders = { cursor = "at", extract = function(ctx)
        for w in ctx:windows { %s } do ctx:get("orders", { query = { from = w.from } }) end
      end }]]):format(options), { code = host.exit.config })
      assert.matches("ctx:windows: " .. text, result.out .. result.err, 1, true)
      assert.matches("declare `key`", result.out .. result.err, 1, true)
      assert.equal(before, #server:requests "^/")
    end
  end)

  it("end when the run began, all of them", function()
    local to = target.sqlite()
    local one = [[%s = { extract = function(ctx)
      for w in ctx:windows {} do ctx:emit { { ends = w.until_s, began = ctx.now_s } } end
    end }]]
    stepper(to)(one:format "a" .. "," .. one:format "b")
    assert.equal("1", to:sql [[select count(distinct x) from (select ends as x from shop_a
      union all select began from shop_a union all select ends from shop_b)]])
  end)

  it("say when a script leaves one before its end, or knows no beginning", function()
    local to = target.sqlite()
    local result = stepper(to)([[orders = { key = "id", extract = function(ctx)
      for w in ctx:windows { ["until"] = "2026-03-03" } do
        ctx:emit { { id = 1, w = w.name } }
        break
      end
    end }]])
    assert.matches("left the window 2026-03-01T00:00:00Z/2026-03-03T00:00:00Z before its end",
      result.out .. result.err, 1, true)
    assert.is_nil(cursor(to))
  end)
end)
