-- sources.everflow.service: one question to Everflow, and lists that come in pages.
local err = require "etl.err"
local etl = require "etl"

local service = {}

-- "Typically 2000" at most, smaller on some endpoints: what is too many is cut, or refused (400).
local PAGE_SIZES = { 2000, 500, 100, 50 }
local READINGS = 3

local EU = "https://api-eu.eflow.team/v1"

-- What Everflow's refusals mean here, by status.
local hints = {
  [401] = "is the key right, and of this region? Accounts of the EU have base_url " .. EU,
  [403] = "the key must be one of the Network API (Control Center, Security), with the right to "
    .. "read this; a key of the other region is refused, too (base_url)",
  [404] = "base_url ends with /v1: https://api.eflow.team/v1, for accounts of the EU " .. EU,
}

-- What never came to Everflow, or never left, keeps its own hint.
local function explain(problem)
  local hint = type(problem) == "table" and hints[problem.status]
  if hint then problem.hint = hint end
  error(problem, 0)
end

-- An answer that is not what its question wants.
function service.refuse(r, message)
  err.raise { class = "remote", message = message, place = r.url,
    hint = "the answer begins: " .. r:text(200) }
end

local function is_nothing(value)
  return value == nil or value == etl.null or value == "" or value == false or value == 0
    or type(value) == "table" and next(value) == nil
end

-- Some answers say that they failed, with status 200.
local function refuse_errors(r)
  for _, name in ipairs { "error", "Error" } do
    local value = r:value(name)
    if not is_nothing(value) then
      service.refuse(r, "Everflow answered an error" .. (type(value) == "table" and ""
        or ": " .. tostring(value)))
    end
  end
end

local function with_key(ctx, request)
  request.headers = { ["X-Eflow-API-Key"] = ctx.settings.api_key }
  request.repeatable = true -- every POST here only asks
  return request
end

local function come(waits)
  local ok, r = pcall(waits)
  if not ok then explain(r) end
  refuse_errors(r)
  return r
end

function service.ask(ctx, request)
  return come(function() return ctx:request(with_key(ctx, request)) end)
end

-- The status of an answer that was an error; 0 for any other failure.
function service.status(problem)
  return type(problem) == "table" and math.type(problem.status) == "integer" and problem.status
    or 0
end

-- Too much for one answer, perhaps: a smaller span of time may do.
function service.is_overloaded(problem)
  local status = service.status(problem)
  return status == 500 or status == 502 or status == 503 or status == 504
end

-- ---- pages -----------------------------------------------------------------------------------

-- The numbers of an answer's page; a service that does not look at `page` gives the first for ever.
local function paging_of(r, page, asked)
  local paging = r:value "paging"
  if type(paging) ~= "table" or math.type(paging.total_count) ~= "integer" then
    service.refuse(r, "the answer has no paging.total_count")
  end
  if paging.page ~= page then
    service.refuse(r, ("page %s came where page %d was asked for"):format(tostring(paging.page),
      page))
  end
  local size = math.tointeger(paging.page_size) or asked
  if size < 1 then service.refuse(r, "the answer has a paging.page_size below 1") end
  return paging.total_count, size
end

-- The first page, in the largest size that is not refused.
local function begin(ctx, prepare)
  local first
  for _, size in ipairs(PAGE_SIZES) do
    local ok, r = pcall(service.ask, ctx, prepare(1, size))
    if ok then return r, size end
    first = first or r
    if service.status(r) ~= 400 then error(r, 0) end
  end
  error(first, 0)
end

-- The rows of a page; nil for none: a list may be null where nothing is counted.
local function list_of(r, rows, total)
  local kind = r:kind(rows)
  if kind == "null" and total == 0 then return nil end
  if kind and kind ~= "list" then
    service.refuse(r, ("%s is no list but a %s"):format(rows, kind))
  end
  return r:rows(rows)
end

-- Loads every page; the next one is on its way while one loads. make(): the request without its
-- page. rows: the key of the records. options: distinct and again (as of ctx:emit), accept (a
-- function of the first answer; false: nothing of it is wanted). Returns how many there are to be,
-- and how many different ones have come in this window (nil: no row was to come).
function service.pages(ctx, make, rows, options)
  local function prepare(number, size)
    local request = make()
    request.query = request.query or {}
    request.query.page, request.query.page_size = number, size
    return with_key(ctx, request)
  end
  local r, asked = begin(ctx, prepare)
  if options.accept and not options.accept(r) then return 0, nil end
  local page, distinct = 1, nil
  while true do
    local total, size = paging_of(r, page, asked)
    local list = list_of(r, rows, total)
    if not list then return total, distinct end
    local coming = page * size < total and ctx:prefetch(prepare(page + 1, asked)) or nil
    local loaded = ctx:emit(list, { distinct = options.distinct, again = options.again })
    distinct = loaded.distinct
    r:release()
    if not coming then return total, distinct end
    if loaded.rows + loaded.dead == 0 then
      coming:release()
      return total, distinct
    end
    page = page + 1
    r = come(function() return coming:wait() end)
  end
end

-- Paging is not stable while rows come in: one may be on two pages, another on none. So a list is
-- read until as many different rows have come as there are. read(again): as service.pages. before:
-- how many had come in this window already. Returns how many have by now.
function service.whole(ctx, name, before, read)
  local total, distinct
  for reading = 1, READINGS do
    local came
    total, came = read(reading > 1)
    distinct = math.max(distinct or before, came or 0)
    if distinct - before >= total then return distinct end
  end
  ctx:warn("%s: %d of the %d that Everflow counts came, in %d readings", name, distinct - before,
    total, READINGS)
  return distinct
end

return service
