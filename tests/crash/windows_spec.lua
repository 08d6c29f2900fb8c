-- A service's windows, killed on the way: what a run again ends with is what it would have been,
-- merged, appended and restated; and a list that comes newest first, killed behind its first page,
-- leaves the cursor where it was.
local api = require "tests.support.api"
local host = require "tests.support.host"
local http = require "tests.support.http"
local process = require "tests.support.process"
local refused = require "tests.support.refused"
local target = require "tests.support.target"
local windows = require "tests.support.windows"

local MORE = { "--unit-bytes", "2048" }
local server

local function run(folder, to, fault)
  return host.run(folder, to, { more = MORE, program = fault and host.faulty_program or nil,
    env = fault and { ETLHOST_FAULT = fault, ETLHOST_FAULT_ROLE = "engine" } or nil })
end

local function round(n) process.run { "curl", "-s", server.url .. "/round?n=" .. n } end

-- Everything that is to be the same: the rows, the cursor, the dead rows, no stage left behind.
local function outcome(to)
  return to:dump "shop_orders" .. to:dump_dead()
    .. to:sql("select cursor, pending from " .. to:book "streams")
end

-- before: the days that are loaded undisturbed, in the first round. change: what is done then.
local function check(kind, resource, days, before, points, change)
  local expected
  local function prepare()
    local folder, to = api.project(server, resource(days)), kind.fresh()
    if before then
      round(1)
      local first = api.project(server, resource(before))
      assert.equal(0, run(first, to).code)
    end
    if change then change(to) end
    round(before and 3 or 1)
    return folder, to
  end
  local function undisturbed()
    if not expected then
      local folder, to = prepare()
      local result = run(folder, to)
      assert.equal(0, result.code, tostring(result))
      expected = outcome(to)
      if change then assert.matches("refused_in_stage.*refused_in_stage", to:dump_dead()) end
    end
    return expected
  end
  for _, point in ipairs(points) do
    it("at " .. point, function()
      local folder, to = prepare()
      local result = run(folder, to, point)
      process.wait_gone(result.session)
      assert.not_equal(0, result.code, "the point was never reached\n" .. tostring(result))
      local again = run(folder, to)
      assert.equal(0, again.code, tostring(again))
      assert.equal(undisturbed(), outcome(to))
    end)
  end
end

setup(function() server = http.start(windows.scenario) end)
teardown(function() server:stop() end)

describe("windows that are merged, killed", function()
  check(target.list[3], windows.merged, 2, nil, { "request.sent:3", "response.done:2",
    "page.half:3", "commit.answered:2", "window.ended:1" })
  check(target.list[1], windows.merged, 2, nil, { "commit.answered:2", "window.end:1" })
end)

describe("windows that are appended, killed", function()
  check(target.list[1], windows.appended, 2, nil, { "page.parsed:2", "window.end:1",
    "promote.rows:1", "window.ended:1" })
end)

describe("windows that are appended into PostgreSQL, killed", function()
  check(target.list[2], windows.appended, 2, nil, { "page.done:4", "promote.done:1" })
end)

describe("windows that are restated, killed", function()
  check(target.list[2], windows.restated, 2, 2, { "promote.start:2", "promote.rows:1",
    "promote.done:2" })
end)

describe("windows that are restated page by page, killed", function()
  check(target.list[1], windows.restated_pages, 2, nil, { "commit.answered:3", "page.done:2",
    "promote.rows:2" })
  check(target.list[3], windows.restated_pages, 2, nil, { "commit.answered:3", "promote.done:1" })
end)

-- The service forgets the position of a window that was killed: killed again, behind its restart.
local function check_restart(kind, resource, killed, points)
  for _, point in ipairs(points) do
    it("at " .. point .. ", into " .. kind.name, function()
      local function stop(folder, to, fault)
        local result = run(folder, to, fault)
        process.wait_gone(result.session)
        assert.not_equal(0, result.code, "the point was never reached: " .. tostring(result))
      end
      round(1)
      local text, expected = windows.with_dead(resource(2)), kind.fresh()
      assert.equal(0, run(api.project(server, text), expected).code)
      local folder, to = api.project(server, text), kind.fresh()
      stop(folder, to, killed)
      process.run { "curl", "-s", server.url .. "/forget?status=410" }
      local before = #server:requests "^/v1"
      stop(folder, to, point)
      assert.matches("page=[23]&", server:requests "^/v1"[before + 1].target)
      local again = run(folder, to)
      assert.equal(0, again.code, tostring(again))
      assert.equal(windows.outcome(expected), windows.outcome(to))
    end)
  end
end

describe("windows that begin again and are merged, killed", function()
  check_restart(target.list[1], windows.merged, "commit.answered:3", { "window.entered:2",
    "window.restarted:1", "commit.answered:2", "window.end:1" })
  check_restart(target.list[3], windows.merged, "commit.answered:3", { "window.restarted:1",
    "commit.answered:2" })
end)

describe("windows that begin again and are appended, killed", function()
  check_restart(target.list[1], windows.appended, "commit.answered:4", { "window.entered:2",
    "window.restarted:1", "commit.answered:3", "promote.rows:1", "window.ended:1" })
  check_restart(target.list[2], windows.appended, "commit.answered:4", { "window.entered:2",
    "window.restarted:1", "commit.answered:3", "promote.done:1" })
end)

describe("windows that begin again and are restated, killed", function()
  check_restart(target.list[1], windows.restated_pages, "commit.answered:4", {
    "window.entered:2", "commit.answered:3" })
  check_restart(target.list[2], windows.restated_pages, "commit.answered:4", {
    "window.restarted:1", "promote.rows:1" })
end)

-- The table has come to refuse two rows of each day.
local function refuse(to)
  refused.refuse_where(to, to.kind == "postgres"
    and "extract(hour from new.at at time zone 'UTC') in (3, 20)"
    or "substr(new.at, 12, 2) in ('03', '20')", nil, "shop_orders")
end

describe("windows that are appended, and refused in part, killed", function()
  for _, kind in ipairs { target.list[1], target.list[2], target.list[3] } do
    check(kind, windows.appended, 3, 1, { "promote.sifted:1", "promote.sifted:4",
      "promote.rows:1", "promote.done:1", "window.ended:1", "page.done:5" }, refuse)
  end
end)

describe("windows that are restated, and refused in part, killed", function()
  local function again(days)
    return (windows.restated_pages(days):gsub('span = "1d",', 'span = "1d", lag = "1d",'))
  end
  for _, kind in ipairs { target.list[1], target.list[3] } do
    check(kind, again, 3, 2, { "promote.sifted:3", "promote.done:1", "commit.answered:4" }, refuse)
  end
end)

describe("rows that wait for their window's end", function()
  -- A page is in two units in one of them, and in one in the other.
  for kind, second in pairs { [target.list[1]] = "commit.answered:4",
    [target.list[2]] = "commit.answered:2" } do
    it("are not read again where the source says where it was, into " .. kind.name, function()
      round(1)
      local expected = kind.fresh()
      assert.equal(0, run(api.project(server, windows.appended(1)), expected).code)
      -- Killed behind the second page, then while the stage is made what it was.
      local folder, to = api.project(server, windows.appended(1)), kind.fresh()
      for _, point in ipairs { second, "stage.trim:1", "promote.start:1" } do
        local result = run(folder, to, point)
        process.wait_gone(result.session)
        assert.not_equal(0, result.code, "the point was never reached: " .. point)
        assert.equal(0, to:has_table "shop_orders" and to:count "shop_orders" or 0)
      end
      local before = #server:requests "^/v1"
      local result = run(folder, to)
      assert.equal(0, result.code, tostring(result))
      assert.matches("page=3&", server:requests "^/v1"[before + 1].target)
      assert.equal(outcome(expected), outcome(to))
    end)
  end

  it("begin anew in a table that is another by now", function()
    round(1)
    local folder, to = api.project(server, windows.appended(1)), target.list[2].fresh()
    local result = run(folder, to, "commit.answered:2")
    process.wait_gone(result.session)
    to:sql "alter table etl.shop_orders add column mine text"
    assert.equal(0, run(folder, to).code)
    assert.equal("24|24", to:sql "select count(*), count(distinct id) from etl.shop_orders")
  end)
end)

describe("a list that comes newest first", function()
  it("moves no cursor when it is killed behind its first page, and goes on there", function()
    round(1)
    local folder, to = api.project(server, windows.merged(1)), target.sqlite()
    local result = run(folder, to, "commit.answered:2")
    process.wait_gone(result.session)
    assert.equal("\\N", to:sql "select cursor from _etl_streams")
    assert.matches("2026%-03%-01T00:00:00Z/2026%-03%-02", to:sql "select pending from _etl_streams")
    local shown = host.etlhost({ "state", "show", "--client", "acme", "--destination", to.url },
      { cwd = folder })
    assert.matches("half-way in 2026-03-01T00:00:00Z/2026-03-02", shown.out, 1, true)
    local before = #server:requests "^/v1"
    assert.equal(0, run(folder, to).code)
    assert.equal(24, to:count "shop_orders")
    -- Not from the first page on: the position of the last one that committed.
    assert.matches("page=[23]&", server:requests "^/v1"[before + 1].target)
  end)
end)
