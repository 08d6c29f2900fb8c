-- tests/support/windows.lua: a service that gives one order an hour, newest first, in pages of
-- eight, and resources that read it a day at a time.
local windows = {}

-- GET /v1/orders?from=&until=[&page=]: { data, next }. GET /round?n=2: from now on the orders have
-- another value; a day has fewer sums than before, and the second one has none. GET
-- /forget?status=410: what was given as `next` so far is answered so. GET /close?page=3: that page
-- is answered 403; without a page all are there again.
windows.scenario = [[
local json = require "cjson"
local round, given, refusal, closed, HOUR = 1, 0, nil, nil, 3600
local function seconds(text)
  local y, m, d, H, M, S = text:match "(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)"
  return os.time { year = y, month = m, day = d, hour = H, min = M, sec = S }
end
local function iso(at) return os.date("!%Y-%m-%dT%H:%M:%SZ", at) end
local function list(rows)
  return #rows == 0 and "[]" or json.encode(rows)
end
return function(r, c)
  if r.path == "/round" then
    round, given = tonumber(r.query.n), 0
    return c:reply(200, nil, "")
  elseif r.path == "/forget" then
    given, refusal = given + 1000, tonumber(r.query.status)
    return c:reply(200, nil, "")
  elseif r.path == "/close" then
    closed = tonumber(r.query.page)
    return c:reply(200, nil, "")
  end
  local from, upto = seconds(r.query.from), seconds(r.query["until"])
  if r.path == "/v1/sums" then
    local day = r.query.from:sub(1, 10)
    local rows = {}
    if not (round == 2 and day == "2026-03-02") then
      for i = 1, round == 1 and 3 or 2 do
        rows[i] = { day = day, shop = "s" .. i, cents = i * round }
      end
    end
    return c:reply(200, nil, '{"data":' .. list(rows) .. "}")
  end
  local page, all, rows = tonumber(r.query.page or 1), {}, {}
  if page > 1 and page // 1000 * 1000 ~= given then
    return c:reply(refusal, nil, '{"error":"invalid cursor"}')
  end
  page = page % 1000
  if page == closed then return c:reply(403, nil, "{}") end
  local last = r.query.closed and upto or upto - 1
  for at = last // HOUR * HOUR, from, -HOUR do
    all[#all + 1] = { id = at // HOUR, at = iso(at), v = round, note = ("x"):rep(200),
      odd = r.query.odd and at // HOUR % 24 == 20 and "x" or nil }
  end
  for i = (page - 1) * 8 + 1, math.min(page * 8, #all) do rows[#rows + 1] = all[i] end
  local more = page * 8 < #all and given + page + 1 or "null"
  c:reply(200, nil, ('{"data":%s,"next":%s}'):format(list(rows), tostring(more)))
end
]]

-- An extract function. options: Lua text of what ctx:windows gets besides the span.
local function reading(path, options, query)
  return ([[extract = function(ctx)
    for window in ctx:windows { span = "1d", %s } do
      local page = window.position or 1
      if window.position then ctx:log("goes on at page %%d", page) end
      local function ask()
        return ctx:get("%s", { query = { from = window.from, ["until"] = window["until"],
          page = page, %s } })
      end
      while page do
        local ok, r = pcall(ask)
        if not ok and page == window.position
          and (r.class == "not_found" or r.class == "config") then
          window:restart()
          page = 1
          r = ask()
        elseif not ok then
          error(r, 0)
        end
        local following = r:value "next"
        if following == require "etl".null then following = nil end
        ctx:emit(r:rows "data", { position = following })
        page = following
      end
    end
  end]]):format(options, path, query or "")
end

-- days: how many of March are read; since the first.
function windows.merged(days, more)
  return ('orders = { key = "id", %s }'):format(
    reading("orders", ('["until"] = "2026-03-%02d", %s'):format(days + 1, more or "")))
end
function windows.appended(days)
  return ("orders = { cursor = \"at\", %s }"):format(
    reading("orders", ('["until"] = "2026-03-%02d"'):format(days + 1)))
end
function windows.closed(days)
  return ('orders = { write = "append", key = "id", cursor = "at", %s }'):format(reading("orders",
    ('closed = true, ["until"] = "2026-03-%02d"'):format(days + 1), 'closed = "1"'))
end
-- Orders restated, page by page.
function windows.restated_pages(days)
  return ('orders = { write = "restate", cursor = "at", columns = { at = "timestamp" }, %s }')
    :format(reading("orders", ('["until"] = "2026-03-%02d"'):format(days + 1)))
end
-- The same resource, with one dead row a day.
function windows.with_dead(resource)
  return (resource:gsub('columns = { at = "timestamp" },', ""):gsub("page = page,",
    'page = page, odd = "1",'):gsub("orders = {",
    'orders = { max_dead = 9, columns = { at = "timestamp", odd = "bigint" },'))
end
function windows.restated(days)
  return ('orders = { write = "restate", cursor = "day", columns = { day = "date" }, %s }'):format(
    reading("sums", ('lag = "10d", ["until"] = "2026-03-%02d"'):format(days + 1)))
end

-- What is to be the same behind a window that began again: rows, cursor, the dead rows that are
-- open, and no units of a stage.
function windows.outcome(to)
  return to:dump "shop_orders" .. to:sql("select cursor, pending from " .. to:book "streams")
    .. "\ndead\n" .. to:sql("select file, row_number, reason from " .. to:book "dead_rows"
      .. " where status = 'dead' order by file, dead_id")
    .. "\nunits " .. to:sql("select count(*) from " .. to:book "units" .. " where generation < 0")
end

return windows
