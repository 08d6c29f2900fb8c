-- A long list that comes oldest first, killed at each of its units and pages: the next run asks
-- from where the verified rows had come to, and ends with the table of an undisturbed run.
local api = require "tests.support.api"
local ascending = require "tests.support.ascending"
local host = require "tests.support.host"
local http = require "tests.support.http"
local process = require "tests.support.process"
local target = require "tests.support.target"

local MORE = { "--unit-bytes", "2048" }
local BEGIN = "2026-03-01T00:00:00Z"
local server

local function run(folder, to, fault)
  return host.run(folder, to, { more = MORE, program = fault and host.faulty_program or nil,
    env = fault and { ETLHOST_FAULT = fault, ETLHOST_FAULT_ROLE = "engine" } or nil })
end

local function outcome(to)
  local dead = "select count(*), min(reason) from %s where status = 'dead'"
  return to:dump "shop_items" .. to:sql(dead:format(to:book "dead_rows"))
    .. to:sql("select cursor, pending from " .. to:book "streams")
end

-- Where the first request behind the ones that were there asked from.
local function asked_from(before)
  local from = server:requests "^/v1"[before + 1].target:match "[?&]from=([^&]*)"
  return (from or ""):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
end

-- points: fault point -> how far the next run is at least; false: it may be the beginning.
local function check(title, kind, resource, points)
  describe(title .. " into " .. kind.name .. ", killed", function()
    local expected
    local function undisturbed()
      if not expected then
        local to = kind.fresh()
        local result = run(api.project(server, resource, { head = ascending.head }), to)
        assert.equal(0, result.code, tostring(result))
        expected = outcome(to)
      end
      return expected
    end
    for _, point in ipairs(points) do
      it("at " .. point[1], function()
        local folder = api.project(server, resource, { head = ascending.head })
        local to = kind.fresh()
        local result = run(folder, to, point[1])
        process.wait_gone(result.session)
        assert.not_equal(0, result.code, "the point was never reached\n" .. tostring(result))
        local before = #server:requests "^/v1"
        local again = run(folder, to)
        assert.equal(0, again.code, tostring(again))
        assert.equal(undisturbed(), outcome(to))
        if point[2] then
          local from = asked_from(before)
          assert.is_true(from >= point[2], from)
        end
      end)
    end
  end)
end

setup(function() server = http.start(ascending.scenario) end)
teardown(function() server:stop() end)

-- Units hold some seven rows, so the k-th ends in hour 2k or so.
local points = {
  { "commit.sent:1" }, { "commit.answered:1", "2026-03-01T01:00:00Z" },
  { "commit.answered:2", "2026-03-01T03:00:00Z" }, { "page.half:4", "2026-03-01T02:00:00Z" },
  { "page.done:5", "2026-03-01T06:00:00Z" }, { "commit.answered:6", "2026-03-01T10:00:00Z" },
  { "window.end:1", "2026-03-01T11:00:00Z" }, { "window.ended:1" },
}

for _, kind in ipairs { target.list[1], target.list[2] } do
  check("an ordered list that is merged", kind,
    ascending.windows('key = "id", columns = { at = "timestamp" }'), points)
  check("an ordered list that is appended", kind, ascending.windows('write = "append"'), {
    points[2], points[3], points[5], points[7], { "promote.rows:1" },
    { "promote.done:1" },
  })
end

check("an ordered list that is read from its cursor", target.list[1],
  ascending.list 'key = "id"', { points[2], points[5], points[6] })

describe("an ordered list with dead rows", function()
  local function set(text) process.run { "curl", "-s", server.url .. "/set?" .. text } end
  setup(function() set "bad=6" end)
  teardown(function() set "reset=1" end)
  for _, kind in ipairs { target.list[1], target.list[2], target.list[3] } do
    check("that is merged", kind, ascending.windows(
      'key = "id", max_dead = 10, columns = { at = "timestamp", n = "bigint" }'),
      { { "dead.insert:1" }, { "commit.answered:1" }, { "commit.answered:2" },
        { "page.done:3" } })
    check("that is read from its cursor", kind, ascending.list(
      'key = "id", max_dead = 10, columns = { at = "timestamp", n = "bigint" }'),
      { { "commit.answered:1" }, { "commit.answered:3" }, { "window.end:1" } })
  end
end)

check("an ordered list with two lanes", target.list[3],
  ascending.windows('key = "id"'), { { "commit.sent:2" }, { "commit.answered:3", BEGIN } })
check("an ordered list that is appended with two lanes", target.list[3],
  ascending.windows('write = "append"'),
  { { "commit.answered:3", BEGIN }, { "page.done:5", BEGIN }, { "promote.rows:1" } })

-- Its order begins with the window, too, wherever an earlier run had come to.
describe("an ordered list that begins again", function()
  local SECOND = "2026-03-01T03:00:00Z" -- where its second window begins
  for _, kind in ipairs { target.list[1], target.list[3] } do
    for _, of in ipairs { 'key = "id", columns = { at = "timestamp" }', 'write = "append"' } do
      for _, position in ipairs { true, false } do
        for _, point in ipairs { "window.restarted:1", "commit.answered:2" } do
          local title = ("%s, %s positions, into %s, killed at %s"):format(of,
            position and "with" or "without", kind.name, point)
          it(title, function()
            local text = ascending.windows(of, nil, position)
            local options, to, expected = { head = ascending.head }, kind.fresh(), kind.fresh()
            local first = api.project(server, ascending.windows(of, '["until"] = "' .. SECOND
              .. '"', position), options)
            assert.equal(0, run(first, expected).code)
            assert.equal(0, run(first, to).code)
            assert.equal(0, run(api.project(server, text, options), expected).code)
            local result = run(api.project(server, text, options), to, "commit.answered:4")
            process.wait_gone(result.session)
            assert.not_equal(0, result.code, "the point was never reached")
            local folder = api.project(server, text:gsub("pages%(ctx", "window:restart() %0"),
              options)
            local before = #server:requests "^/v1"
            result = run(folder, to, point)
            process.wait_gone(result.session)
            assert.not_equal(0, result.code, "the point was never reached\n" .. tostring(result))
            if point == "commit.answered:2" then
              assert.equal(SECOND, (asked_from(before)))
              assert.matches("page=1&", server:requests "^/v1"[before + 1].target)
            end
            local again = run(folder, to)
            assert.equal(0, again.code, tostring(again))
            assert.equal(outcome(expected), outcome(to))
          end)
        end
      end
    end
  end
end)
