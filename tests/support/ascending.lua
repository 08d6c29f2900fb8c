-- tests/support/ascending.lua: a service whose rows come oldest first, three with each value of the
-- cursor, in pages of eight; and resources that declare that order.
local ascending = {}

-- GET /v1/items?from=[&until=&page=]: { data, next }: rows at or above `from`, below `until`.
-- GET /set?NAME=VALUE changes what it does: hours (how many have rows), wrong (the id of a row that
-- is an hour older than the one before), null (of one without a value), bad (of one that is no row
-- of the table), spell (times with other offsets), more (every row has the value 2), skip (rows
-- above `from` only), reset (all is as it was).
ascending.scenario = [[
local json = require "cjson"
local HOUR = 3600
local START = os.time { year = 2026, month = 3, day = 1, hour = 0 }
local set = { hours = 16 }
local function seconds(text)
  local y, m, d, H, M, S = text:match "(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)"
  return os.time { year = y, month = m, day = d, hour = H, min = M, sec = S }
end
local function spell(at, id)
  local zone = set.spell == 1 and (id % 3 - 1) * 5 or 0
  if zone == 0 then return os.date("!%Y-%m-%dT%H:%M:%S", at) .. ".250Z" end
  return os.date("!%Y-%m-%dT%H:%M:%S", at + zone * HOUR) .. (".250%+03d:00"):format(zone)
end
return function(r, c)
  if r.path == "/set" then
    if r.query.reset then set = { hours = 16 } end
    for name, value in pairs(r.query) do set[name] = tonumber(value) end
    return c:reply(200, nil, "")
  end
  local from, all = seconds(r.query.from or "2000-01-01T00:00:00Z"), {}
  local upto = r.query["until"] and seconds(r.query["until"]) or math.huge
  for hour = 0, set.hours - 1 do
    for n = 1, 3 do
      local at, id = START + hour * HOUR, hour * 3 + n
      if at >= from + (set.skip and 1 or 0) and at < upto then
        if id == set.wrong then at = at - HOUR end
        all[#all + 1] = { id = id, at = id == set.null and json.null or spell(at, id),
          v = set.more and 2 or 1, n = id == set.bad and "none" or id, note = ("x"):rep(200) }
      end
    end
  end
  local page, rows = tonumber(r.query.page or 1), {}
  for i = (page - 1) * 8 + 1, math.min(page * 8, #all) do rows[#rows + 1] = all[i] end
  c:reply(200, nil, ('{"data":%s,"next":%s}'):format(#rows == 0 and "[]" or json.encode(rows),
    page * 8 < #all and tostring(page + 1) or "null"))
end
]]

-- Reads all pages of a question; `position`: says where each one ends.
local pages = [[
local null = require "etl".null
local function pages(ctx, query, page, position)
  while page do
    query.page = page
    local r = ctx:get("items", { query = query })
    local following = r:value "next"
    if following == null then following = nil end
    ctx:emit(r:rows "data", { position = position and following or nil })
    page = following
  end
end
]]
ascending.head = pages

-- of: more Lua text of the resource. options: of ctx:windows. position: true.
function ascending.windows(of, options, position)
  return ([[items = { cursor = { field = "at", order = "ascending" }, %s,
    extract = function(ctx)
      for window in ctx:windows { ["until"] = "2026-03-05", %s } do
        pages(ctx, { from = window.from, ["until"] = window["until"] }, window.position or 1, %s)
      end
    end }]]):format(of, options or "", tostring(position == true))
end

-- Without ctx:windows: from the cursor on.
function ascending.list(of)
  return ([[items = { cursor = { field = "at", order = "ascending" }, %s,
    extract = function(ctx)
      local cursor = ctx:state().cursor
      pages(ctx, { from = cursor and cursor.value }, 1, false)
    end }]]):format(of)
end

return ascending
