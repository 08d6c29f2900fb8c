-- Answers of a service that are too long for memory, killed between their head and the last row of
-- them that is parsed: what a run again ends with is what it would have been, and nothing stays in
-- the spool. Some are loaded when they are complete, others while they come.
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

-- GET /v1/days?day=N: 2,000 rows of 10 KB in chunks, and one that is dead.
local STREAMED = [[
return function(r, c)
  local day, pad = tonumber(r.query.day), ("x"):rep(10000)
  c:head(200, { ["Transfer-Encoding"] = "chunked" })
  c:chunk '{"data":['
  for i = day * 2000 - 1999, day * 2000 do
    local id = i % 2000 == 7 and '"seven"' or i
    c:chunk(('%s{"id":%s,"note":"n %d","pad":"%s"}'):format(i % 2000 == 1 and "" or ",", id, i,
      pad))
  end
  c:chunk "]}"
  c:chunk()
end
]]

local function streamed(how)
  return ([[orders = { %s columns = { id = "bigint" }, drop = { "pad" }, extract = function(ctx)
    for window in ctx:windows { ["until"] = "2026-03-03" } do
      for day = window.position or 1, 2 do
        local r = ctx:get("days", { stream = true, query = { day = day } })
        ctx:emit(r:rows "data", { position = day < 2 and day + 1 or nil })
      end
    end
  end }]]):format(how)
end

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

for name, how in pairs { merged = 'key = "id",', appended = 'cursor = "id",' } do
  for _, fresh in ipairs { target.list[1], target.list[3] } do
    describe("streams that are " .. name .. ", killed, into " .. fresh.name, function()
      local service, right
      local function state(to)
        -- Dead rows of a window that is begun anew are put aside, and come again.
        return to:dump "shop_orders" .. to:sql("select cursor, pending from " .. to:book "streams")
          .. to:sql("select file, row_number, length(raw), code from " .. to:book "dead_rows"
            .. " where status = 'dead' order by file")
      end
      setup(function()
        service = http.start(STREAMED)
        local to = fresh.fresh()
        must(api.project(service, streamed(how)), to)
        assert.equal(3998, to:count "shop_orders")
        right = state(to)
      end)
      teardown(function() service:stop() end)

      for _, fault in ipairs { "response.head:2", "page.half:3", "page.half:50", "page.released",
        "page.released:12", "spool.written:40", "page.parsed:1", "page.done:1", "page.parsed:2" } do
        it("at " .. fault, function()
          local folder, to = api.project(service, streamed(how)), fresh.fresh()
          local result = run(folder, to, fault)
          process.wait_gone(result.session)
          assert.not_equal(0, result.code, "the point was never reached\n" .. tostring(result))
          if files.exists(folder .. "/.etlhost/spool") then assert.equal("", spooled(folder)) end
          must(folder, to)
          assert.equal(right, state(to))
        end)
      end
    end)
  end
end
