-- sources.everflow.service: one question to Everflow, and lists that come in pages.
local err = require "etl.err"
local etl = require "etl"

local service = {}

local PAGE_SIZE = 2000

-- What Everflow's refusals mean here.
local hints = {
  auth = "is the key right, and of this region? Accounts of the EU have base_url "
    .. "https://api-eu.eflow.team/v1",
  denied = "the key must be one of the Network API (Control Center, Security), with the right to "
    .. "read this; a key of the other region is refused, too (base_url)",
}

local function explain(problem)
  if type(problem) ~= "table" or not hints[problem.class] then error(problem, 0) end
  err.raise {
    class = problem.class, message = problem.message, hint = hints[problem.class],
    place = problem.place or "everflow",
  }
end

-- Some answers say that they failed, with status 200.
local function refuse_errors(r)
  for _, name in ipairs { "error", "Error" } do
    local message = r:value(name)
    if message ~= nil and message ~= etl.null and message ~= "" then
      err.raise { class = "remote", message = ("Everflow answered an error: %s"):format(
        tostring(message)), hint = r.url }
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

-- The numbers of an answer's page; a service that does not look at `page` gives the first for ever.
local function paging_of(r, page)
  local paging = r:value "paging"
  if type(paging) ~= "table" or math.type(paging.total_count) ~= "integer" then
    err.raise { class = "remote", message = "the answer has no paging.total_count", hint = r.url }
  end
  if paging.page ~= page then
    err.raise { class = "remote", message = ("page %s came where page %d was asked for"):format(
      tostring(paging.page), page), hint = r.url }
  end
  local size = math.tointeger(paging.page_size) or 0
  if size < 1 then
    err.raise { class = "remote", message = "the answer has no paging.page_size", hint = r.url }
  end
  return paging.total_count, size
end

-- Loads every page; the next one is on its way while one loads. make(page): the request. rows: the
-- key of the records. options.distinct: as of ctx:emit. Returns how many there are to be, and how
-- many different ones have come.
function service.pages(ctx, make, rows, options)
  local page = 1
  local function prepare(number)
    local request = make(number)
    request.query = request.query or {}
    request.query.page, request.query.page_size = number, PAGE_SIZE
    return with_key(ctx, request)
  end
  local r = come(function() return ctx:request(prepare(1)) end)
  while true do
    local total, size = paging_of(r, page)
    if total == 0 then return 0, 0 end -- the list may be null then
    local coming = page * size < total and ctx:prefetch(prepare(page + 1)) or nil
    local loaded = ctx:emit(r:rows(rows), { distinct = options and options.distinct })
    r:release()
    if not coming then return total, loaded.distinct end
    if loaded.rows + loaded.dead == 0 then
      coming:release()
      return total, loaded.distinct
    end
    page = page + 1
    r = come(function() return coming:wait() end)
  end
end

return service
