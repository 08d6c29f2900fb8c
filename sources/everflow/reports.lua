-- sources.everflow.reports: what Everflow reports of a span of time: conversions, clicks, and sums.
local err = require "etl.err"
local etl = require "etl"
local service = require "sources.everflow.service"

local reports = {}

local UTC = 67 -- timezone_id; raw rows are asked for in it, since their times are UTC anyway
local DAY = 86400
local CLICKS, REPORT_ROWS = 10000, 10000 -- where Everflow cuts an answer off
local READINGS = 3

local function clock(seconds) return os.date("!%Y-%m-%d %H:%M:%S", seconds) end

-- Days that are kept, without the one that ends while we ask.
local function earliest(ctx, days) return ctx.now_s - (days - 1) * DAY end

-- ---- conversions and events ------------------------------------------------------------------

-- Paging is not stable while rows come in: one may be on two pages, another on none. The slice is
-- read until as many different ones have come as there are.
function reports.conversions(ctx)
  for window in ctx:windows { span = "1d", lag = ctx.settings.lag,
    ["until"] = ctx.settings["until"], earliest = earliest(ctx, 365) } do
    local function make()
      return { method = "POST", url = "networks/reporting/conversions", json = {
        from = clock(window.from_s), to = clock(window.until_s - 1), timezone_id = UTC,
        show_conversions = true, show_events = true,
        query = { filters = etl.list {}, search_terms = etl.list {} },
      } }
    end
    local total, distinct
    for _ = 1, READINGS do
      total, distinct = service.pages(ctx, make, "conversions", { distinct = "conversion_id" })
      if distinct >= total then break end
    end
    if distinct < total then
      ctx:warn("%s: %d conversions came of the %d that Everflow counts, in %d readings",
        window.first_day, distinct, total, READINGS)
    end
  end
end

-- ---- clicks ----------------------------------------------------------------------------------

local function read_clicks(ctx, from, upto)
  local r = service.ask(ctx, { method = "POST", url = "networks/reporting/clicks/stream", json = {
    from = clock(from), to = clock(upto - 1), timezone_id = UTC,
    query = { filters = etl.list {} },
  } })
  if r:kind "clicks" == "null" then return end
  local rows = ctx:emit(r:rows "clicks")
  r:release()
  if rows.rows + rows.dead < CLICKS then return end
  -- Cut off without a word: the halves have all of them, and what is there already is merged.
  if upto - from > 1 then
    local middle = from + (upto - from) // 2
    read_clicks(ctx, from, middle)
    read_clicks(ctx, middle, upto)
  else
    ctx:warn("%s: %d clicks came, the most that Everflow gives for a second: others are lost",
      clock(from), rows.rows + rows.dead)
  end
end

function reports.clicks(ctx)
  for window in ctx:windows { span = "1d", lag = ctx.settings.clicks_lag,
    ["until"] = ctx.settings["until"], earliest = earliest(ctx, 90) } do
    read_clicks(ctx, window.from_s, window.until_s)
  end
end

-- ---- the aggregated report -------------------------------------------------------------------

-- The name of the report's zone, for its days.
local function zone_of(ctx)
  local id = ctx.settings.timezone_id
  if id == UTC then return "UTC" end
  local r = service.ask(ctx, { url = "meta/timezones" })
  for zone in r:each "timezones" do
    if zone.timezone_id == id then return zone.timezone end
  end
  err.raise { class = "config", message = ("Everflow has no timezone_id %d"):format(id),
    hint = "the resource timezones lists them" }
end

local function question(ctx, day, columns, filters)
  local list = etl.list {}
  for i, name in ipairs(columns) do list[i] = { column = name } end
  return service.ask(ctx, { method = "POST", url = "networks/reporting/entity/table", json = {
    from = day, to = day, timezone_id = ctx.settings.timezone_id,
    currency_id = ctx.settings.currency, columns = list,
    query = { filters = filters, exclusions = etl.list {}, metric_filters = etl.list {},
      settings = {} },
  } })
end

local TIMES = { date = true }

-- One record of the answer as a row: a column of each dimension, and one of each number.
local function flatten(record, day)
  local row = { date = day }
  for _, column in ipairs(record.columns) do
    local name = column.column_type
    if not TIMES[name] then
      row[name] = column.label
      if column.id ~= column.label then row[name .. "_id"] = column.id end
    end
  end
  for name, value in pairs(record.reporting) do row[name] = value end
  return row
end

local function emit(ctx, r, day)
  local rows = {}
  for record in r:each "table" do
    if type(record.columns) ~= "table" or type(record.reporting) ~= "table" then
      err.raise { class = "remote", message = "a row of the report has no columns or no numbers" }
    end
    rows[#rows + 1] = flatten(record, day)
    if #rows == 500 then
      ctx:emit(rows, { label = "report of " .. day })
      rows = {}
    end
  end
  if #rows > 0 then ctx:emit(rows, { label = "report of " .. day }) end
end

-- A day that has more rows than an answer may: once for each value of one of its columns.
local function split(ctx, day, columns)
  local by
  for _, name in ipairs { "affiliate", "offer", "advertiser" } do
    for _, column in ipairs(columns) do by = by or (column == name and name) end
  end
  local values = by and question(ctx, day, { by }, etl.list {})
  if not by or values:value "incomplete_results" then
    err.raise { class = "limit",
      message = ("%s has more than %d rows, and none of affiliate, offer and advertiser to split "
        .. "it by"):format(day, REPORT_ROWS), hint = "take columns away (report_columns)" }
  end
  local ids = {}
  for record in values:each "table" do ids[#ids + 1] = record.columns[1].id end
  for _, id in ipairs(ids) do
    local r = question(ctx, day, columns,
      etl.list { { resource_type = by, filter_id_value = id } })
    if r:value "incomplete_results" then
      err.raise { class = "limit",
        message = ("%s has more than %d rows of %s %s"):format(day, REPORT_ROWS, by, id),
        hint = "take columns away (report_columns)" }
    end
    emit(ctx, r, day)
    r:release()
  end
end

-- The numbers of past days change for weeks: each day of the lag is read again, and takes the place
-- of what it had, unless nothing or far less comes.
function reports.report(ctx)
  local columns = etl.list {}
  for _, name in ipairs(ctx.settings.report_columns) do
    if not TIMES[name] then columns[#columns + 1] = name end
  end
  for window in ctx:windows { span = "1d", lag = ctx.settings.report_lag, zone = zone_of(ctx),
    ["until"] = ctx.settings["until"], earliest = earliest(ctx, 365) } do
    local day = window.first_day
    local r = question(ctx, day, columns, etl.list {})
    if r:value "incomplete_results" then
      split(ctx, day, columns)
    else
      emit(ctx, r, day)
    end
    r:release()
  end
end

return reports
