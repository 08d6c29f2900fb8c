-- etl.window: spans of time, one after the other, from where a resource was read to the end. Called
-- by ctx:windows only. Times here are seconds since 1970, in UTC.
local core = ...
local err = require "etl.err"
local writing = require "etl.writing"

local window = {}

local units = { s = 1, m = 60, h = 3600, d = 86400, w = 604800 }
local DAY = 86400

local function iso(seconds) return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds) end

-- "90m" in seconds.
local function duration(name, text)
  local number, unit = tostring(text):match "^(%d+)([smhdw])$"
  if not number or tonumber(number) == 0 then
    error(("ctx:windows: %s is a time such as 1d, 6h or 90m, not \"%s\""):format(name,
      tostring(text)), 3)
  end
  return math.tointeger(tonumber(number)) * units[unit]
end

-- Seconds, or an ISO day or time in UTC, as seconds.
local function instant(name, value)
  if math.type(value) == "integer" then return value end
  local text = tostring(value)
  local year, month, day, rest = text:match "^(%d%d%d%d)-(%d%d)-(%d%d)(.*)$"
  local hour, minute, second = (rest or ""):match "^[T ](%d%d):(%d%d):(%d%d)"
  if not year or (rest ~= "" and not hour) then
    error(("ctx:windows: %s is a day or a time in UTC, not \"%s\""):format(name, text), 3)
  end
  return os.time { year = year, month = month, day = day, hour = hour or 0, min = minute or 0,
    sec = second or 0 }
end

-- The day of an instant in the zone: its name, its begin and the next day's.
local function day_of(ctx, zone, at)
  if zone == "UTC" then
    local begin = at // DAY * DAY
    return os.date("!%Y-%m-%d", begin), begin, begin + DAY
  end
  local answer = core.call { op = "day", instance = ctx.instance, zone = zone, at = at }
  return answer.day, answer.begin, answer.next
end

-- What would load rows twice is refused before anything is asked; `check` does it where the
-- declaration says as much.
local function refuse(ctx, lag, closed)
  local problem = writing.appends_twice(ctx.options, lag, closed)
  if problem then
    err.raise { class = "config", message = "ctx:windows: " .. problem.message,
      hint = problem.hint }
  end
end

-- A cursor: a map, or what `state set` was given.
local function time_of(cursor)
  if type(cursor) == "table" then cursor = cursor.value end
  return cursor and instant("the cursor", cursor)
end

local function read(ctx, options)
  local cursor = ctx.options.cursor
  if type(cursor) ~= "table" then cursor = { field = cursor } end
  local lag, closed = options.lag or cursor.lag, options.closed
  if closed == nil then closed = cursor.closed end
  refuse(ctx, lag, closed)
  local state = ctx:state()
  local plan = {
    zone = options.zone or "UTC", closed = closed == true,
    span = options.span and duration("span", options.span),
    lag = lag and duration("lag", lag) or 0,
    field = cursor.field,
    ["until"] = options["until"] and instant("until", options["until"]) or ctx.now_s,
  }
  plan.by_day = plan.span ~= nil and plan.span % DAY == 0
  plan.cursor = time_of(state.cursor)
  plan.pending = state.pending and state.pending.bounds
  -- Before the first window has ended there is none.
  if state.begun ~= core.null then plan.begun = time_of(state.begun) or plan.cursor end
  if options.since then
    plan.since = instant("since", options.since)
  elseif plan.cursor then
    plan.since = plan.cursor - plan.lag
  elseif ctx.start then
    plan.since = ctx.start.begin_us // 1000000
  elseif options.earliest then
    plan.since = instant("earliest", options.earliest)
  else
    err.raise { class = "config", place = ctx.instance .. "." .. ctx.resource,
      message = "nothing says from which day on rows are wanted",
      hint = "write start: 2026-01-01, or another day, into the client's file or its source" }
  end
  if ctx.start then plan.since = math.max(plan.since, ctx.start.begin_us // 1000000) end
  if options.earliest then
    plan.since = math.max(plan.since, instant("earliest", options.earliest))
  end
  if plan.by_day then
    local _, begin = day_of(ctx, plan.zone, plan.since)
    plan.since = begin
  end
  return plan
end

-- What a run that was killed was reading comes first, with its very bounds, unless they are no more
-- what is wanted. What was verified of it since (order = "ascending") does not count against it.
local function goes_on(plan)
  local pending = plan.pending
  if not pending or math.type(pending.from) ~= "integer"
    or math.type(pending["until"]) ~= "integer" then return false end
  local moved = plan.cursor and plan.cursor - (plan.begun or pending.from) or 0
  return pending.from >= plan.since - moved and pending["until"] <= plan["until"]
end

-- Where the window that begins at `from` ends.
local function ends(ctx, plan, from)
  if not plan.span then return plan["until"] end
  local upto = from
  if plan.by_day then
    for _ = 1, plan.span // DAY do
      local _, _, following = day_of(ctx, plan.zone, upto)
      upto = following
    end
  else
    upto = from + plan.span
  end
  return math.min(upto, plan["until"])
end

local function begin(ctx, plan, from, upto)
  local first = day_of(ctx, plan.zone, from)
  local last = day_of(ctx, plan.zone, upto - 1)
  local name = iso(from) .. "/" .. iso(upto)
  local answer = core.call {
    op = "window_begin", instance = ctx.instance, resource = ctx.resource, name = name,
    from = iso(from), ["until"] = iso(upto), first_day = first, last_day = last,
    closed = plan.closed, bounds = { from = from, ["until"] = upto },
  }
  -- What was verified to be in is not asked for again, but for the rows at its very end.
  local since = from
  if answer.verified then since = math.max(from, instant("the cursor", answer.verified)) end
  local self = {
    from = iso(since), ["until"] = iso(upto), from_s = since, until_s = upto,
    first_day = first, last_day = last, position = answer.resume, name = name,
  }
  -- The service has forgotten the position.
  local function restart()
    core.call {
      op = "window_restart", instance = ctx.instance, resource = ctx.resource, name = name,
    }
    self.from, self.from_s, self.position = iso(from), from, nil
  end
  return setmetatable(self, { __index = { restart = restart }, __metatable = false })
end

-- The cursor never goes back, whatever lag is read again.
local function finish(ctx, plan, upto)
  plan.cursor = math.max(plan.cursor or upto, upto)
  core.call {
    op = "window_end", instance = ctx.instance, resource = ctx.resource,
    cursor = { field = plan.field, value = iso(plan.cursor) },
  }
end

-- An iterator over windows; each one ends, and moves the cursor, when the next is asked for.
function window.each(ctx, options)
  local plan = read(ctx, options)
  local from, current = plan.since, nil
  local pending = goes_on(plan) and plan.pending
  return function()
    if current then
      finish(ctx, plan, current)
      from, current = current, nil
    end
    if pending then
      from, current = pending.from, pending["until"]
    elseif from < plan["until"] then
      current = ends(ctx, plan, from)
    end
    pending = nil
    if not current then return nil end
    return begin(ctx, plan, from, current)
  end
end

return window
