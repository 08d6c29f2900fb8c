-- Answers of a service that are too long for memory, killed between their head and the last row of
-- them that is parsed: what a run again ends with is what it would have been, and nothing stays in
-- the spool.
local api = require "tests.support.api"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local process = require "tests.support.process"
local target = require "tests.support.target"

-- GET /v1/orders?page=N: three pages of 1500 rows, some 400 KB each.
local SCENARIO = [[
return function(r, c)
  local page, rows = tonumber(r.query.page), {}
  for i = page * 1500 - 1499, page * 1500 do
    rows[#rows + 1] = ('{"id":%d,"note":"%s"}'):format(i, ("x"):rep(240))
  end
  c:reply(200, nil, ('{"data":[%s],"next":%s}'):format(table.concat(rows, ","),
    page < 3 and page + 1 or "null"))
end
]]

local RESOURCE = [[orders = { key = "id", extract = function(ctx)
  local page = 1
  while page ~= require "etl".null do
    local r = ctx:get("orders", { query = { page = page } })
    page = r:value "next"
    ctx:emit(r:rows "data")
  end
end }]]

local server, expected

local function run(folder, to, fault)
  return host.run(folder, to, { more = { "--unit-bytes", "65536" },
    program = fault and host.faulty_program or nil,
    env = fault and { ETLHOST_FAULT = fault, ETLHOST_FAULT_ROLE = "engine" } or nil })
end

local function must(folder, to)
  local result = run(folder, to)
  assert.equal(0, result.code, tostring(result))
end

local function outcome(to) return to:dump "shop_orders" .. to:dump_dead() end

local function spooled(folder)
  return process.must { "find", folder .. "/.etlhost/spool", "-type", "f" }
end

describe("answers on their way through the spool, killed", function()
  setup(function()
    server = http.start(SCENARIO)
    local to = target.sqlite()
    must(api.project(server, RESOURCE), to)
    assert.equal(4500, to:count "shop_orders")
    expected = outcome(to)
  end)
  teardown(function() server:stop() end)

  for _, fault in ipairs { "response.head:2", "spool.written", "spool.written:2", "spool.written:6",
    "response.done:3" } do
    it("at " .. fault, function()
      local folder, to = api.project(server, RESOURCE), target.sqlite()
      local result = run(folder, to, fault)
      process.wait_gone(result.session)
      assert.not_equal(0, result.code, "the point was never reached\n" .. tostring(result))
      if files.exists(folder .. "/.etlhost/spool") then assert.equal("", spooled(folder)) end
      must(folder, to)
      assert.equal(expected, outcome(to))
    end)
  end
end)
