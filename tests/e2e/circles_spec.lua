-- A service that goes round in circles: a page that comes twice is an error with its name and both
-- places, and nothing of its window counts.
local api = require "tests.support.api"
local host = require "tests.support.host"
local http = require "tests.support.http"
local target = require "tests.support.target"

-- /v1/deaf: the first page, whatever page is wanted. /v1/ring: tokens a, b, a, b ... /v1/same/N:
-- each of several lists has the same rows. /v1/empty: pages without rows. /v1/state: "busy" three
-- times, then "ready". /v1/flaky: fails once, then answers. /v1/stuck: no rows, and the same token
-- again and again. /v1/next: what nobody has fetched yet; nothing the first time.
local SCENARIO = [[
local json = require "cjson"
local polled, failed, fetched = 0, false, 0
return function(r, c)
  if r.path == "/v1/deaf" then return c:reply(200, nil, '{"data":[{"id":1}]}') end
  if r.path == "/v1/ring" then
    local at = r.query.token or "a"
    return c:reply(200, nil, json.encode { data = { { id = at .. (r.query.n or "") } },
      next = at == "a" and "b" or "a" })
  end
  if r.path == "/v1/empty" then return c:reply(200, nil, '{"data":[]}') end
  if r.path == "/v1/state" then
    polled = polled + 1
    return c:reply(200, nil, polled > 3 and '"ready"' or '"busy"')
  end
  if r.path == "/v1/stuck" then return c:reply(200, nil, '{"data":[],"next":"a"}') end
  if r.path == "/v1/next" then
    fetched = fetched + 1
    if fetched == 1 then return c:reply(200, nil, '{"data":[]}') end
    return c:reply(200, nil, json.encode { data = { { id = fetched } } })
  end
  if r.path == "/v1/flaky" and not failed then
    failed = true
    return c:reply(503, { ["Retry-After"] = 0 }, "")
  end
  c:reply(200, nil, '{"data":[{"id":7}],"more":[{"id":8}]}')
end
]]

describe("a page that comes twice", function()
  local server
  setup(function() server = http.start(SCENARIO) end)
  teardown(function() server:stop() end)

  local function load(body, options)
    local to = target.sqlite()
    local result = host.run(api.project(server,
      ("orders = { key = \"id\", extract = function(ctx) %s end }"):format(body), options), to,
      { env = options and options.env })
    return result, to
  end
  local function refused(body, ...)
    local result, to = load(body)
    assert.equal(host.exit.network, result.code, tostring(result))
    for _, text in ipairs { ... } do
      assert.matches(text, result.out .. result.err, 1, true)
    end
    assert.matches("again = true", result.out .. result.err, 1, true)
    return to
  end
  local function taken(rows, body)
    local result, to = load(body)
    assert.equal(0, result.code, tostring(result))
    assert.equal(rows, to:count "shop_orders")
  end

  it("is known by its bytes, in front of the end of the window", function()
    local to = refused([[for w in ctx:windows { ["until"] = "2026-03-02" } do
        for page = 1, math.huge do
          ctx:emit(ctx:get("deaf", { query = { page = page } }):rows "data")
        end
      end]], "page 2 of 2026-03-01T00:00:00Z/2026-03-02T00:00:00Z is page 1 again",
      "byte by byte, that of GET " .. server.url .. "/v1/deaf?page=1",
      "at GET " .. server.url .. "/v1/deaf?page=2")
    assert.equal("\\N", to:sql "select cursor from _etl_streams")
    -- A page number may stand in a form or a body, and pages may have been asked for ahead.
    refused([[for page = 1, math.huge do
        ctx:emit(ctx:post("list", { json = { page = page }, repeatable = true }):rows "data")
      end]], "page 2 of orders is page 1 again: the answer is, byte by byte, that of POST")
    refused([[local ahead = ctx:prefetch { url = "deaf", query = { page = 1 } }
      for page = 2, math.huge do
        local r = ahead:wait()
        ahead = ctx:prefetch { url = "deaf", query = { page = page } }
        ctx:emit(r:rows "data")
      end]], "page 2 of orders is page 1 again: the answer is, byte by byte, that of GET")
  end)

  it("is known by its request, however far apart", function()
    refused([[local token
      repeat
        local r = ctx:get("ring", { query = { token = token } })
        token = r:value "next"
        ctx:emit(r:rows "data")
      until not token]], "page 4 of orders is page 2 again: the request is the same",
      "/v1/ring?token=b")
    -- By what stands in its body, too.
    refused([[for _ = 1, 3 do
        ctx:emit(ctx:post("list", { json = { from = 1 }, repeatable = true }):rows "data")
      end]], "page 2 of orders is page 1 again: the request is the same")
    -- Also where its pages are empty: that would go on for ever, and nothing would be seen of it.
    refused([[local token
      repeat
        local r = ctx:get("stuck", { query = { token = token } })
        token = r:value "next"
        ctx:emit(r:rows "data")
      until not token]], "page 3 of orders is page 2 again: the request is the same")
    -- Nothing is told of a secret in it.
    local result = load([[for page = 1, 2 do
        local query = { key = ctx.settings.api_key, page = page }
        ctx:emit(ctx:get("deaf", { query = query }):rows "data")
      end]], { settings = "    api_key: { env: SHOP_KEY }\n", env = { SHOP_KEY = "s3cr3t-value" } })
    assert.matches("key=***&page=1", result.out .. result.err, 1, true)
    assert.not_matches("s3cr3t", result.out .. result.err)
  end)

  it("is none where the script says so, or where nothing is emitted twice", function()
    taken(1, [[for page = 1, 3 do
        ctx:emit(ctx:get("deaf", { query = { page = page } }):rows "data", { again = true })
      end]])
    taken(1, [[for _ = 1, 2 do ctx:emit(ctx:get("deaf"):rows "data", { again = true }) end]])
    taken(1, [[repeat until ctx:get("state"):value "" == "ready"
      local ahead = ctx:prefetch { url = "flaky" }
      ahead:release()
      ctx:emit(ctx:get("flaky"):rows "data")]])
    -- A queue is asked the same each time, and gives something else.
    taken(3, [[for _ = 1, 4 do ctx:emit(ctx:get("next"):rows "data", { again = true }) end]])
    -- Lists of other things may have the same rows, and one answer may have several lists.
    taken(1, [[for n = 1, 3 do ctx:emit(ctx:get("same/" .. n):rows "data") end]])
    local result, to = load [[local r = ctx:get "lists"
      ctx:emit(r:rows "data")
      ctx:emit(r:rows "more")]]
    assert.equal(0, result.code, tostring(result))
    assert.equal(2, to:count "shop_orders")
    taken(1, [[for page = 1, 3 do
        ctx:emit(ctx:get("empty", { query = { page = page } }):rows "data")
      end
      ctx:emit { { id = 1 } }]])
  end)

  it("is looked for within one window only", function()
    -- A report may have the same rows for two days.
    taken(1, [[for w in ctx:windows { span = "1d", ["until"] = "2026-03-04" } do
      ctx:emit(ctx:get("deaf"):rows "data") end]])
  end)

  it("comes to an end by the number of pages", function()
    local result = load([[for n = 1, math.huge do
        ctx:emit(ctx:get("ring", { query = { n = n } }):rows "data")
      end]], { config = "limits: { window_pages: 20 }\n" })
    assert.equal(host.exit.limit, result.code)
    assert.matches("orders has more than 20 pages", result.out .. result.err, 1, true)
    assert.matches("limits.window_pages", result.out .. result.err, 1, true)
  end)
end)
