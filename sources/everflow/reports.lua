-- sources.everflow.reports: conversions with their events, and clicks: what happened in a span of
-- time. The sums are in sums.lua.
local etl = require "etl"
local service = require "sources.everflow.service"

local reports = {}

local UTC = 67 -- timezone_id; raw rows are asked for in it, since their times are UTC anyway
local DAY = 86400
local SMALLEST = 6 * 3600 -- of the pieces in which a day is read that is too much at once
local CLICKS = 10000 -- where Everflow cuts an answer off

local function clock(seconds) return os.date("!%Y-%m-%d %H:%M:%S", seconds) end

-- The days that Everflow keeps, without the one that ends while we ask; `start` may be older.
function reports.earliest(ctx, days)
  local first = ctx.now_s - (days - 1) * DAY
  local start = ctx.start and ctx.start.begin_us // 1000000
  if start and start < first - DAY and not ctx:state().cursor then
    ctx:warn("%s: Everflow gives the last %d days: it is read from %s on, not from start (%s)",
      ctx.resource, days, os.date("!%Y-%m-%d", first), ctx.start.day)
  end
  return first
end

-- The oldest day may be refused as too old: in which zone Everflow counts its days is not known.
function reports.forgive_oldest(ctx, problem, from, oldest)
  if service.status(problem) ~= 400 or from >= oldest + DAY then error(problem, 0) end
  ctx:warn("%s: %s is not read, Everflow seems to find it too old: %s", ctx.resource, clock(from),
    problem.message)
end

-- Reads a span of time; one that is too much for the service in halves.
local function in_pieces(ctx, from, upto, oldest, read)
  local ok, problem = pcall(read, from, upto)
  if ok then return end
  if service.is_overloaded(problem) and upto - from > SMALLEST then
    local middle = from + (upto - from) // 2
    in_pieces(ctx, from, middle, oldest, read)
    in_pieces(ctx, middle, upto, oldest, read)
  else
    reports.forgive_oldest(ctx, problem, from, oldest)
  end
end

-- ---- conversions and events ------------------------------------------------------------------

local function conversions_between(from, upto)
  return { method = "POST", url = "networks/reporting/conversions", json = {
    from = clock(from), to = clock(upto - 1), timezone_id = UTC,
    show_conversions = true, show_events = true,
    query = { filters = etl.list {}, search_terms = etl.list {} },
  } }
end

function reports.conversions(ctx)
  local oldest = reports.earliest(ctx, 365)
  for window in ctx:windows { span = "1d", lag = ctx.settings.lag,
    ["until"] = ctx.settings["until"], earliest = oldest } do
    local function read(again)
      local total, distinct = 0, 0
      in_pieces(ctx, window.from_s, window.until_s, oldest, function(from, upto)
        local function make() return conversions_between(from, upto) end
        local count, came = service.pages(ctx, make, "conversions",
          { distinct = "conversion_id", again = again })
        total, distinct = total + count, math.max(distinct, came or 0)
      end)
      return total, distinct
    end
    service.whole(ctx, "conversions of " .. window.first_day, 0, read)
  end
end

-- ---- clicks ----------------------------------------------------------------------------------

local function read_clicks(ctx, from, upto, is_part)
  local r = service.ask(ctx, { method = "POST", url = "networks/reporting/clicks/stream", json = {
    from = clock(from), to = clock(upto - 1), timezone_id = UTC,
    query = { filters = etl.list {} },
  } })
  if r:kind "clicks" == "null" then return end
  -- A part that is cut off, too, may have the very rows that the whole had.
  local rows = ctx:emit(r:rows "clicks", { again = is_part })
  r:release()
  if rows.rows + rows.dead < CLICKS then return end
  -- Cut off without a word: the halves have all of them, and what is there already is merged.
  if upto - from > 1 then
    local middle = from + (upto - from) // 2
    read_clicks(ctx, from, middle, true)
    read_clicks(ctx, middle, upto, true)
  else
    ctx:warn("%s: %d clicks came, the most that Everflow gives for a second: if there were others, "
      .. "they are lost", clock(from), rows.rows + rows.dead)
  end
end

function reports.clicks(ctx)
  local oldest = reports.earliest(ctx, 90)
  for window in ctx:windows { span = "1d", lag = ctx.settings.clicks_lag,
    ["until"] = ctx.settings["until"], earliest = oldest } do
    in_pieces(ctx, window.from_s, window.until_s, oldest, function(from, upto)
      read_clicks(ctx, from, upto)
    end)
  end
end

return reports
