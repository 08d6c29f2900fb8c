-- sources.everflow.sums: the aggregated report, a day at a time.
local err = require "etl.err"
local etl = require "etl"
local reports = require "sources.everflow.reports"
local service = require "sources.everflow.service"

local sums = {}

local UTC = 67
local ROWS = 10000 -- where Everflow cuts an answer off

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
  local ok, r = pcall(service.ask, ctx, {
    method = "POST", url = "networks/reporting/entity/table", json = {
      from = day, to = day, timezone_id = ctx.settings.timezone_id,
      currency_id = ctx.settings.currency, columns = list,
      query = { filters = etl.list(filters), exclusions = etl.list {},
        metric_filters = etl.list {}, settings = {} },
    },
  })
  if ok then return r end
  if service.status(r) == 400 then
    r.hint = ("are these Everflow's names (report_columns: %s), and its currency and timezone_id?")
      :format(table.concat(columns, ", "))
  end
  error(r, 0)
end

-- ---- records as rows -------------------------------------------------------------------------

local TIMES = { date = true } -- a question is of one day
-- What has an id of its own, also where its name is the same text.
local ENTITIES = {}
for _, name in ipairs { "offer", "offer_group", "offer_url", "affiliate", "affiliate_manager",
  "affiliate_tier", "advertiser", "account_manager", "campaign", "category", "creative",
  "tracking_domain" } do
  ENTITIES[name] = true
end

-- One record of the answer as a row: a column of each dimension, and one of each number.
local function flatten(record, day)
  local row = { date = day }
  for _, column in ipairs(record.columns) do
    local name = column.column_type
    if not TIMES[name] then
      row[name] = column.label
      if ENTITIES[name] or column.id ~= column.label then row[name .. "_id"] = column.id end
    end
  end
  for name, value in pairs(record.reporting) do row[name] = value end
  return row
end

-- Filters that Everflow does not know may be ignored without a word.
local function is_asked_for(record, filters)
  for _, filter in ipairs(filters) do
    for _, column in ipairs(record.columns) do
      local is_same = column.column_type ~= filter.resource_type
        or tostring(column.id) == filter.filter_id_value
      if not is_same then return false end
    end
  end
  return true
end

-- The rows of an answer, and whether these are all.
local function rows_of(r, day, filters)
  local rows = {}
  if r:kind "table" ~= "null" then
    for record in r:each "table" do
      if type(record.columns) ~= "table" or type(record.reporting) ~= "table" then
        service.refuse(r, "a row of the report has no columns or no numbers")
      elseif not is_asked_for(record, filters) then
        service.refuse(r, "rows came that were not asked for: Everflow ignored the filter")
      end
      rows[#rows + 1] = flatten(record, day)
    end
  end
  local cut = r:value "incomplete_results"
  if type(cut) ~= "boolean" then cut = #rows >= ROWS end
  return rows, not cut
end

-- ---- a day -----------------------------------------------------------------------------------

local function too_many(day, filters)
  local of = {}
  for i, filter in ipairs(filters) do
    of[i] = (" of %s %s"):format(filter.resource_type, filter.filter_id_value)
  end
  err.raise { class = "limit",
    message = ("%s has more than %d rows%s, and no other of affiliate, offer and advertiser to "
      .. "split them by"):format(day, ROWS, table.concat(of)),
    hint = "take columns away (report_columns)" }
end

-- The column by which to split further: one of the report's, so that no row is in two parts.
local function next_split(columns, filters)
  for _, name in ipairs { "affiliate", "offer", "advertiser" } do
    local is_there, is_used = false, false
    for _, column in ipairs(columns) do is_there = is_there or column == name end
    for _, filter in ipairs(filters) do is_used = is_used or filter.resource_type == name end
    if is_there and not is_used then return name end
  end
end

local function ids_of(ctx, day, name, filters)
  local r = question(ctx, day, { name }, filters)
  local ids, cut = {}, r:value "incomplete_results"
  for record in r:each "table" do
    local column = type(record.columns) == "table" and record.columns[1]
    if not column then service.refuse(r, "a row of the report has no columns") end
    ids[#ids + 1] = tostring(column.id)
  end
  r:release()
  if cut == true then too_many(day, filters) end
  return ids
end

local function with(filters, name, id)
  local list = table.move(filters, 1, #filters, 1, {})
  list[#list + 1] = { resource_type = name, filter_id_value = id }
  return list
end

-- A day, or a part of it; what has more rows than an answer may: once for each value of a column.
local function read(ctx, day, columns, filters)
  local r = question(ctx, day, columns, filters)
  local rows, is_whole = rows_of(r, day, filters)
  r:release()
  if is_whole then
    if #rows > 0 then ctx:emit(rows, { label = "report of " .. day }) end
    return
  end
  local by = next_split(columns, filters) or too_many(day, filters)
  for _, id in ipairs(ids_of(ctx, day, by, filters)) do
    read(ctx, day, columns, with(filters, by, id))
  end
end

-- The numbers of past days change for weeks: each day of the lag is read again, and takes the place
-- of what it had, unless nothing or far less comes.
function sums.report(ctx)
  local columns = {}
  for _, name in ipairs(ctx.settings.report_columns) do
    if not TIMES[name] then columns[#columns + 1] = name end
  end
  local oldest = reports.earliest(ctx, 365)
  for window in ctx:windows { span = "1d", lag = ctx.settings.report_lag, zone = zone_of(ctx),
    ["until"] = ctx.settings["until"], earliest = oldest } do
    local ok, problem = pcall(read, ctx, window.first_day, columns, {})
    if not ok then reports.forgive_oldest(ctx, problem, window.from_s, oldest) end
  end
end

return sums
