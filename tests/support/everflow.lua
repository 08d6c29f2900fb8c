-- tests/support/everflow.lua: a scenario for the scripted HTTP server (README.md): Everflow as its
-- documents and its users tell, oddities included. What it does is by account, the API key, so one
-- server serves all cases. options.first, options.second: days.
return [[
local json = require "cjson"
local counts = {}
local function count(key)
  counts[key] = (counts[key] or 0) + 1
  return counts[key]
end
local function seconds(text)
  local y, m, d, H, M, S = text:match "(%d+)-(%d+)-(%d+) ?(%d*):?(%d*):?(%d*)"
  return os.time { year = y, month = m, day = d, hour = tonumber(H) or 0, min = tonumber(M) or 0,
    sec = tonumber(S) or 0 }
end
local function paging(page, size, total)
  return { page = page, page_size = size, total_count = total }
end

local function list(name, records, size)
  return function(r)
    local page = tonumber(r.query.page)
    local rows = {}
    for i = (page - 1) * size + 1, math.min(page * size, #records) do
      rows[#rows + 1] = records[i]
    end
    return { [name] = rows, paging = paging(page, size, #records) }
  end
end

local offers = {}
for i = 1, 4 do
  offers[i] = { network_offer_id = 2147483648 + i, name = "Offer \u{1F600} " .. i,
    offer_status = "active",
    time_created = 1734455015, time_saved = 1734455015, today_revenue = "$0.00", labels = {},
    relationship = json.null }
end

local function conversion(id, at, more)
  local c = { conversion_id = id, conversion_unix_timestamp = at, transaction_id = "t1",
    sub1 = "007", status = "pending", payout = 12.5, revenue = 20,
    sale_amount = json.null, currency_id = "EUR", order_id = "00012345",
    event = "Base", is_event = false, relationship = {} }
  for k, v in pairs(more or {}) do c[k] = v end
  return c
end

local conversions = {}
-- Two pages of two, of which one row is on both; the missing one comes with the second reading.
function conversions.unstable(from, page, number)
  local reading = (number + 1) // 2
  local rows = page == 1 and { conversion("a", from), conversion("b", from + 1) }
    or { reading == 1 and conversion("b", from + 1) or conversion("c", from + 2),
      conversion("d", from + 3, { event = "Sale", is_event = true }) }
  return rows, paging(page, 2, 4)
end
-- The second run sees the first one's conversions approved.
function conversions.approved(from, _, number, state)
  local late = state.runs > 1
  return { conversion("x", from, { status = late and "approved" or "pending",
    payout = late and 13 or 12 }) }, paging(1, 2000, 1)
end
function conversions.none() return json.null, paging(1, 2000, 0) end
function conversions.stuck(from, _, number)
  return { conversion("s" .. number, from) }, paging(1, 1, 3)
end
function conversions.lying(from)
  return { conversion("l", from) }, paging(1, 2000, 1), "Internal trouble"
end
-- 401 in the middle of the list.
function conversions.revoked(from, page)
  if page == 2 then return 401, { error = "No Authentication Method Found" } end
  return { conversion("r", from) }, paging(1, 1, 2)
end
function conversions.missing(from) return { conversion("m", from) }, paging(1, 2000, 2) end

local states = {}
local function state_of(account)
  states[account] = states[account] or { runs = 0 }
  return states[account]
end

local function report(r, account)
  local q = json.decode(r.body)
  local function row(offer, affiliate, cv)
    return { columns = { { column_type = "offer", id = tostring(offer), label = "Spring \"sale\"" },
        { column_type = "affiliate", id = tostring(affiliate), label = "Café" } },
      reporting = { cv = cv, payout = cv * 12.5, profit = 0.1 } }
  end
  if account == "wide" then
    local filter = q.query.filters[1]
    if filter then
      return { table = { row(1, filter.filter_id_value, 2) }, incomplete_results = false }
    end
    if #q.columns == 1 then
      local function one(id)
        return { columns = { { column_type = "affiliate", id = id, label = "a" } }, reporting = {} }
      end
      return { table = { one "7", one "8" }, incomplete_results = false }
    end
    return { table = { row(1, 7, 1) }, incomplete_results = true }
  end
  local state = state_of(account)
  if state.runs > 1 and q.from == options.second then
    return { table = {}, incomplete_results = false }
  end
  return { table = { row(1, 2, state.runs), row(1, 3, 5) }, incomplete_results = false }
end

local function clicks(r)
  local q = json.decode(r.body)
  local from, upto = seconds(q.from), seconds(q.to)
  if upto - from >= 14 * 86400 then return 400, { error = "range too wide" } end
  -- Some 20,000 in the first hour of the first day, 10,000 of them in its first second.
  local rows, first = {}, seconds(options.first .. " 00:00:00")
  local function add(at, n, name)
    if at < from or at > upto then return end
    for i = 1, n do
      if #rows == 10000 then return end
      rows[#rows + 1] = ('{"transaction_id":"%s%d","unix_timestamp":%d}'):format(name, i, at)
    end
  end
  add(first, 10000, "s")
  add(first + 1800, 9000, "h")
  add(first + 90000, 3, "d")
  return ('{"clicks":[%s]}'):format(table.concat(rows, ","))
end

local gets = {
  ["/v1/networks"] = function()
    return { network_id = 1, name = "N", time_created = 1709500000 }
  end,
  ["/v1/networks/offers"] = list("offers", offers, 2),
  ["/v1/networks/affiliates"] = list("affiliates", {}, 50),
  ["/v1/networks/advertisers"] = list("advertisers",
    { { network_advertiser_id = 13, name = "Acme", time_saved = 1767000000 } }, 50),
  ["/v1/meta/timezones"] = function()
    return { timezones = { { timezone_id = 67, timezone = "UTC" },
      { timezone_id = 80, timezone = "America/New_York" } } }
  end,
}

local function answer(r, account)
  if gets[r.path] then return gets[r.path](r) end
  if r.path == "/v1/networks/reporting/entity/table" then return report(r, account) end
  if r.path == "/v1/networks/reporting/clicks/stream" then return clicks(r) end
  if r.path ~= "/v1/networks/reporting/conversions" then return 404, { error = "no such path" } end
  local q = json.decode(r.body)
  if q.timezone_id ~= 67 or not q.show_events then return 400, { error = "a field is missing" } end
  local from, page = seconds(q.from), tonumber(r.query.page)
  local state = state_of(account)
  local rows, numbers, problem = conversions[account](from, page, count(account .. q.from), state)
  if type(rows) == "number" then return rows, numbers end
  return { conversions = rows, paging = numbers, error = problem }
end

return function(r, c)
  local account = r.headers["x-eflow-api-key"]
  if r.path == "/run" then
    state_of(r.query.account).runs = state_of(r.query.account).runs + 1
    return c:reply(200, nil, "")
  end
  if account == "wrong" then return c:reply(401, nil, '{"error":"No Authentication Method"}') end
  if account == "partner" then return c:reply(403, nil, '{"error":"Out Of Realm"}') end
  if account == "busy" and count "busy" < 3 then
    return c:reply(429, counts.busy == 1 and { ["Retry-After"] = 0 } or nil, '{"error":"Too many"}')
  end
  local status, body = answer(r, account)
  if type(status) ~= "number" then status, body = 200, status end
  c:reply(status, { ["Content-Type"] = "application/json" },
    type(body) == "string" and body or (json.encode(body):gsub('":{}', '":[]')))
end
]]
