-- sources.everflow.lists: what is read whole each time: offers, partners, advertisers. A row that
-- is no longer in the list stays.
local service = require "sources.everflow.service"

local lists = {}

local function reader(ctx, path, rows, key, options)
  local function make()
    return { url = path, query = { relationship = ctx.options.relationships,
      filter = options.filter } }
  end
  return function(again)
    return service.pages(ctx, make, rows,
      { distinct = key, accept = options.accept, again = again })
  end
end

function lists.of(path, rows, key)
  return function(ctx)
    service.whole(ctx, rows, 0, reader(ctx, path, rows, key, {}))
  end
end

-- Filters that Everflow does not know may be ignored without a word: then the whole list comes.
local function only_deleted(r)
  if r:kind "offers" ~= "list" then return true end -- paging is judged first
  local first = r:each "offers"()
  return first == nil or first.offer_status == "deleted"
end

-- Deleted offers are left out of the list unless they are asked for.
function lists.offers(ctx)
  local path, rows, key = "networks/offers", "offers", "network_offer_id"
  local before = service.whole(ctx, rows, 0, reader(ctx, path, rows, key, {}))
  if not ctx.settings.deleted_offers then return end
  local options = { filter = "offer_status=deleted", accept = only_deleted }
  local ok, problem = pcall(service.whole, ctx, "deleted offers", before,
    reader(ctx, path, rows, key, options))
  if ok then return end
  local status = service.status(problem)
  if status ~= 400 and status ~= 404 and status ~= 422 then error(problem, 0) end
  ctx:log("Everflow does not list deleted offers: %s", problem.message)
end

return lists
