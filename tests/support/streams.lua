-- tests/support/streams.lua: a service whose answers are loaded while they come, and resources that
-- do so.
local streams = {}

-- /v1/FORMAT?rows=N[&coding=gzip]: rows of some 60 bytes, in pieces of about 50 KB.
-- /v1/FORMAT?rows=N[&coding=gzip]: rows of some 40 bytes, in chunks of 50,000. With hold=NAME the
-- half is sent, and the rest comes with /v1/release?name=NAME; how=: what becomes of it instead.
streams.scenario = [[
local released, busy = {}, 0
local function row(format, i)
  if format == "csv" then return ('%d,"name, %d",%d.50\n'):format(i, i, i) end
  local text = ('{"id":%d,"name":"name, %d","amount":%d.50}'):format(i, i, i)
  return format == "jsonl" and text .. "\n" or (i > 1 and "," or "") .. text
end
local function text(format, rows)
  local parts = {}
  if format == "csv" then parts[1] = "id,name,amount\n" end
  if format == "json" then parts[1] = '{"meta":{"data":[{"id":-1}],"n":1},"data":{"items":[' end
  for i = 1, rows do parts[#parts + 1] = row(format, i) end
  if format == "json" then parts[#parts + 1] = ']},"next":"token"}' end
  return table.concat(parts)
end
local codings = { gzip = gzip, zstd = zstd, br = brotli }
local others = {
  release = function(r, c)
    released[r.query.name] = true
    c:reply(200, nil, '{"data":{"items":[{"id":1}]}}')
  end,
  forget = function(_, c) released = {} c:reply(200, nil, "") end,
  held = function(r, c)
    c:until_true(function() return released[r.query.name] == "held" end)
    c:reply(200, nil, '{"data":{"items":[{"id":1}]}}')
  end,
  large = function(_, c)
    local pad = ("x"):rep(100000)
    c:head(200, { ["Transfer-Encoding"] = "chunked" })
    c:chunk '{"data":['
    for i = 1, 4000 do c:chunk(('{"id":%d,"pad":"%s"},'):format(i, pad)) end
    c:until_true(function() return released.large end)
    c:chunk '{"id":4001}]}'
    c:chunk()
  end,
  html = function(_, c) c:reply(200, nil, "<html><body>Sorry</body></html>") end,
  missing = function(_, c) c:reply(200, nil, '{"error":"no such account"}') end,
  behind = function(_, c) c:reply(200, nil, '{"data":{"items":[{"id":1}]},"x":tru}') end,
  gone = function(_, c) c:reply(404, nil, '{"error":"gone"}') end,
  busy = function(r, c)
    busy = busy + 1
    if busy == 1 then return c:reply(503, nil, "later") end
    c:reply(200, nil, text("json", 3))
  end,
  lengths = function(_, c)
    c:head(200, { { "Content-Length", "40" }, { "Content-Length", "41" } })
    c:send(("x"):rep(41))
    c:close()
  end,
  silent = function(_, c)
    c:head(200, { ["Transfer-Encoding"] = "chunked" })
    c:stall()
  end,
  bomb = function(_, c)
    local body = zstd('{"data":{"items":[' .. (" "):rep(60000000) .. "]}}")
    c:reply(200, { ["Content-Encoding"] = "zstd" }, body)
  end,
  -- Three CSV pages of which the second one is cut, until told otherwise.
  page = function(r, c)
    local from = tonumber(r.query.page) * 10000
    local parts = { "id,name\n" }
    for i = from + 1, from + 10000 do parts[#parts + 1] = ("%d,name %d\n"):format(i, i) end
    local body = table.concat(parts)
    c:head(200, { ["Content-Length"] = #body })
    if r.query.page == "2" and not released.pages then
      c:send(body:sub(1, 1000))
      c:until_true(function() return released.cut end)
      c:send(body:sub(1001, -50000))
      return c:close()
    end
    c:send(body)
  end,
}
return function(r, c)
  local what = r.path:match "^/v1/(%w+)$"
  if others[what] then return others[what](r, c) end
  local body = text(what, tonumber(r.query.rows or 3))
  local coding, hold, how = r.query.coding, r.query.hold, r.query.how
  if coding then body = codings[coding](body) end
  if how == "close" then
    c:head(200, { ["Connection"] = "close" })
    c:send(body)
    return c:close()
  end
  c:head(200, { ["Transfer-Encoding"] = "chunked", ["Content-Encoding"] = coding })
  local half = (hold or how) and #body // 2 or #body
  for at = 1, half, 50000 do c:chunk(body:sub(at, math.min(at + 49999, half))) end
  if how == "cut" then return c:close() end
  if how == "coding" then c:chunk() return end -- the chunks end, the coding does not
  if how == "reset" then return c:reset() end
  if hold then
    released[hold] = "held"
    c:until_true(function() return released[hold] == true end)
    c:chunk(body:sub(half + 1))
  end
  c:chunk()
end
]]

streams.formats = {
  json = '"data.items"', jsonl = '{ format = "jsonl" }', csv = '{ format = "csv" }',
}

-- The parts of a resource that loads one answer. options: Lua text of the request's. before,
-- behind: Lua text around the emit.
function streams.resource(path, options, before, behind)
  local format = path:match "%a+"
  return ([[%s extract = function(ctx)
    local r = ctx:get("%s", { stream = true, %s })
    %s
    local result = ctx:emit(r:rows(%s))
    ctx:log("loaded %%d rows", result.rows)
    %s
  end ]]):format(format == "page" and "" or 'key = "id",', path, options or "", before or "",
    streams.formats[format] or streams.formats.json, behind or "")
end

function streams.query(text) return ("query = { %s }"):format(text) end

return streams
