-- tests/support/everflow_odd.lua: a scenario for the scripted HTTP server (README.md): one oddity
-- of Everflow for each account, the API key (a word that is nowhere in its data, since secrets are
-- masked). options.first: a day. Bodies are JSON texts, so that each digit is what a case says.
return [[
local json = require "cjson"
local counts, states, accounts = {}, {}, {}
local function count(key)
  counts[key] = (counts[key] or 0) + 1
  return counts[key]
end
local function seconds(text)
  local y, m, d, H, M, S = text:match "(%d+)-(%d+)-(%d+) ?(%d*):?(%d*):?(%d*)"
  return os.time { year = y, month = m, day = d, hour = tonumber(H) or 0, min = tonumber(M) or 0,
    sec = tonumber(S) or 0 }
end
local first = seconds(options.first)

local function paging(page, size, total)
  return ('"paging":{"page":%d,"page_size":%d,"total_count":%d}'):format(page, size, total)
end
local function page_of(r) return tonumber(r.query.page), tonumber(r.query.page_size) end
-- Rows as JSON texts, by pages of a size.
local function pages(name, rows, r, size, total)
  local page = page_of(r)
  return ('{"%s":[%s],%s}'):format(name,
    table.concat(rows, ",", (page - 1) * size + 1, math.min(page * size, #rows)),
    paging(page, size, total or #rows))
end
local function conversion(id, more)
  return ('{"conversion_id":"%s","transaction_id":"t","conversion_unix_timestamp":%d%s}'):format(
    id, first + 60, more and "," .. more or "")
end
-- Those of the first day; other days have none.
local function on_first_day(r, rows, size)
  local q = json.decode(r.body)
  if seconds(q.from) > first + 60 or seconds(q.to) < first + 60 then rows = {} end
  return pages("conversions", rows, r, size or 2000)
end
local function run_of(account) return states[account] or 0 end

function accounts.full(r) return on_first_day(r, { conversion "1", conversion "2", conversion "3",
  conversion "4" }, 2) end
-- More are there when the second page is asked for.
function accounts.grown(r)
  local rows = { conversion "1", conversion "2" }
  if page_of(r) > 1 then rows = { conversion "1", conversion "2", conversion "3", conversion "4",
    conversion "5" } end
  return pages("conversions", rows, r, 2, page_of(r) == 1 and 3 or 5)
end
function accounts.shrunk(r)
  local rows = { conversion "1", conversion "2" }
  return pages("conversions", rows, r, 2, page_of(r) == 1 and 4 or 2)
end
function accounts.twice(r)
  local page = page_of(r)
  local rows = count "twice" == 2 and { conversion "1", conversion "2" }
    or page == 1 and { conversion "1", conversion "2" } or { conversion "3" }
  return ('{"conversions":[%s],%s}'):format(table.concat(rows, ","), paging(page, 2, 3))
end
function accounts.small_pages(r)
  local page, size = page_of(r)
  if size > 100 then return '{"error":"page_size is too large"}', 400 end
  return pages("conversions", { conversion "1", conversion "2" }, r, size)
end
function accounts.values(r)
  return on_first_day(r, {
    conversion("00017", '"payout":20,"revenue":20.0,"sale_amount":12.345678,"currency_id":"EUR"'),
    conversion("12345678901234567890", '"payout":1e3,"revenue":null,"currency_id":"USD",'
      .. '"order_id":"00012345","network_offer_payout_revenue_id":4294967297'),
    conversion("u", '"sub1":"fb-\\u00e9 \u{1F600} {macro} %20","sub2":"007","adv1":"a@b.example",'
      .. '"http_user_agent":"' .. ("x"):rep(10240) .. '","country":"Germany","is_event":true,'
      .. '"event":"Sale","relationship":{},"click_unix_timestamp":0'),
    conversion("n", '"payout":"$1,204.50"'),
    conversion("z", '"sub1":"a\\u0000b"'),
  })
end
function accounts.more_keys(r)
  local more = run_of "more_keys" > 1 and '"brand_new":{"a":[1]},"score":7' or '"score":7'
  return on_first_day(r, { conversion("1", more) })
end
function accounts.late(r)
  local rows = { conversion "1" }
  if run_of "late" > 1 then rows[2] = conversion "imported-later" end
  return on_first_day(r, rows)
end
function accounts.approved(r)
  return on_first_day(r, { conversion("1", run_of "approved" > 1
    and '"status":"approved","payout":13.50' or '"status":"pending","payout":12') })
end
function accounts.too_old(r)
  local q = json.decode(r.body)
  if seconds(q.from) < os.time() - 364 * 86400 then
    return '{"error":"range must be in the last 365 days"}', 400
  end
  return ('{"conversions":[{"conversion_id":"%s"}],%s}'):format(q.from, paging(1, 2000, 1))
end
function accounts.heavy(r)
  local q = json.decode(r.body)
  local from, upto = seconds(q.from), seconds(q.to)
  if upto - from >= 43200 then return "<html>504</html>", 504 end
  if r.path:find "clicks" then
    return ('{"clicks":[{"transaction_id":"%s"}]}'):format(q.from)
  end
  return ('{"conversions":[{"conversion_id":"%s"}],%s}'):format(q.from, paging(1, 2000, 1))
end
function accounts.broken(r, c)
  local n = count "broken"
  if n == 1 then return "<html>internal error</html>", 500 end
  if n == 2 then
    c:head(200, { ["Content-Type"] = "application/json", ["Content-Length"] = 400 })
    c:send '{"conversions":[{"conv'
    c:cut()
    return nil
  end
  return on_first_day(r, { conversion "1" })
end
function accounts.down() return "<!DOCTYPE html><title>Maintenance</title>" end
-- Two at once are served, and wait until a third one was refused.
local at_once, refused = 0, 0
function accounts.crowded(r, c)
  if at_once == 2 then
    refused = refused + 1
    return '{"error":"too many concurrent requests"}', 429
  end
  at_once = at_once + 1
  c:until_true(function() return refused > 0 end)
  at_once = at_once - 1
  local name = r.path:find "clicks" and "clicks" or r.path:find "entity" and "table"
    or "conversions"
  if name == "table" then
    return '{"table":[{"columns":[],"reporting":{"cv":1}}],"incomplete_results":false}'
  end
  return ('{"%s":[{"conversion_id":"c","transaction_id":"t"}],%s}'):format(name, paging(1, 2000, 1))
end

-- ---- lists -----------------------------------------------------------------------------------

local function offer(id, status, name)
  return ('{"network_offer_id":%d,"name":"%s","offer_status":"%s","time_saved":5}'):format(id,
    name or "o", status)
end
function accounts.offers_gone(r)
  local is_gone = run_of "offers_gone" > 1
  local rows = { offer(1, "active", is_gone and "renamed" or "o") }
  if r.query.filter == "offer_status=deleted" then rows = is_gone and { offer(2, "deleted") } or {}
  elseif not is_gone then rows[2] = offer(2, "active") end
  return pages("offers", rows, r, 50)
end
function accounts.related(r)
  if r.target:find "relationship=ruleset&relationship=urls" then
    return pages("offers", { '{"network_offer_id":1,"relationship":{"ruleset":{},"urls":{"total":0,'
      .. '"entries":[]}}}', '{"network_offer_id":2,"relationship":null}' }, r, 50)
  end
end
function accounts.ignores(r) return pages("offers", { offer(1, "active") }, r, 50) end
function accounts.refuses(r)
  if r.query.filter then return '{"error":"unknown filter"}', 400 end
  return pages("offers", { offer(1, "active") }, r, 50)
end
function accounts.partners(r)
  local status = run_of "partners" > 1 and "inactive" or "active"
  return pages("affiliates", { ('{"network_affiliate_id":7,"account_status":"%s","time_saved":5,'
    .. '"name":"Caf\u{e9}","balance":%s,"relationship":null}'):format(status,
    run_of "partners" > 1 and "12.10" or "0") }, r, 50)
end
function accounts.moved() return '{"data":{"affiliates":[]}}' end
function accounts.mapped(r) return '{"affiliates":{"1":{}},' .. paging(1, 50, 1) .. "}" end
function accounts.false_error(r)
  return '{"affiliates":[{"network_affiliate_id":1}],"error":false,"Error":"",'
    .. paging(1, 50, 1) .. "}", 200, { ["X-RateLimit-Remaining"] = 0, ["X-RateLimit-Limit"] = 600 }
end
function accounts.meta(r)
  if r.path == "/v1/meta/currencies" then return '{"currencies":[{"currency_id":"EUR"}]}' end
  if r.path == "/v1/meta/countries" then
    return '{"countries":[{"country_id":1,"country_code":"DE"},'
      .. '{"country_id":2,"country_code":"FR"}]}'
  end
  if r.path == "/v1/networks" then
    return '{"network_id":1,"name":"N","default_currency_id":"USD","reporting_timezone_id":67,'
      .. '"time_created":1709500000,"time_saved":1709500000}'
  end
  return '{"timezones":[{"timezone_id":67,"timezone":"UTC"},'
    .. '{"timezone_id":80,"timezone":"America/New_York"}]}'
end

-- ---- sums ------------------------------------------------------------------------------------

local function sum(dimensions, numbers)
  local list = {}
  for i, d in ipairs(dimensions) do
    list[i] = ('{"column_type":"%s","id":"%s","label":"%s"}'):format(d[1], d[2], d[3] or d[2])
  end
  return ('{"columns":[%s],"reporting":{%s}}'):format(table.concat(list, ","), numbers)
end
local function sums(rows, cut)
  return ('{"table":[%s],"incomplete_results":%s}'):format(table.concat(rows, ","),
    tostring(cut or false))
end
function accounts.metrics(r)
  return sums { sum({ { "affiliate", 7 }, { "offer", 20, "20" } },
      '"imp":0,"payout":12.10,"revenue":1e3,"profit":null,"roas":0.1,"rpa":20.0,'
      .. '"margin":1234567890123.4567,'
      .. '"cv":3,"brand_new_metric":5'),
    sum({ { "offer", 21, "Spring" }, { "affiliate", 8, "Caf\u{e9}" } }, '"imp":1,"cv":0') }
end
function accounts.empty_sums() return '{"table":null,"incomplete_results":false}' end
-- Only a part of an affiliate's offers is small enough.
function accounts.deep(r)
  local q = json.decode(r.body)
  local by = {}
  for _, filter in ipairs(q.query.filters) do by[filter.resource_type] = filter.filter_id_value end
  if #q.columns == 1 then
    local name = q.columns[1].column
    return sums { sum({ { name, 1 } }, '"cv":1'), sum({ { name, 2 } }, '"cv":1') }
  end
  if not by.affiliate or by.affiliate == "2" and not by.offer then return sums({}, true) end
  return sums { sum({ { "offer", by.offer or 1 }, { "affiliate", by.affiliate } }, '"cv":1') }
end
function accounts.unfiltered(r)
  local q = json.decode(r.body)
  local rows = { sum({ { "offer", 1 }, { "affiliate", 1 } }, '"cv":1'),
    sum({ { "offer", 1 }, { "affiliate", 2 } }, '"cv":1') }
  if #q.columns == 1 then return sums { sum({ { "affiliate", 1 } }, '"cv":1') } end
  return sums(rows, #q.query.filters == 0)
end
function accounts.misnamed() return '{"error":"Bad Request"}', 400 end
function accounts.days(r)
  if r.path:find "timezones" then return accounts.meta(r) end
  return sums { sum({ { "offer", 1 }, { "affiliate", 1 } }, '"cv":1') }
end

return function(r, c)
  local account = r.headers["x-eflow-api-key"]
  if r.path == "/run" then
    states[r.query.account] = run_of(r.query.account) + 1
    return c:reply(200, nil, "")
  end
  local body, status, headers = accounts[account](r, c)
  if not body then return end
  headers = headers or {}
  headers["Content-Type"] = "application/json"
  c:reply(status or 200, headers, body)
end
]]
