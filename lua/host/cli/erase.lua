-- etlhost erase: one person's rows of a client, dead rows and messages included, with proof.

local confirm = require "host.confirm"
local erasure = require "host.erasure"
local err = require "host.err"
local exit = require "host.exit"
local text = require "host.text"
local workspace = require "host.workspace"

local verb = {
  name = "erase",
  usage = "erase --client C --key COLUMN=VALUE... [--table T] [--yes]",
  summary = "Deletes one person's rows of a client, dead rows included, and proves it.",
  about = {
    "Without --table, from every table of the client that has the columns. Values are compared as "
      .. "text, exactly. Dead rows, errors and reasons in the bookkeeping and lines in the catalog "
      .. "of runs that hold the value go too. What would go is shown first.",
    "The files that the rows came from are not touched: a stream that is loaded anew from them "
      .. "(state reset, replace) brings them back. A note with a salted hash of the value stays "
      .. "(bookkeeping.md, erasures).",
  },
  options = {
    { "client", value = "C", help = "whose rows" },
    { "key", value = "COLUMN=VALUE", many = true,
      help = "which rows; several must all be true (at most three)" },
    { "table", value = "T", help = "only in this table" },
    confirm.option,
    { "destination", value = "URL",
      help = "sqlite:PATH or postgres://..., instead of the configured one" },
  },
  foreign = {
    where = "the word here is --key COLUMN=VALUE",
    email = "the word here is --key email=VALUE",
  },
  examples = {
    "etlhost erase --client 713 --key email=jo@example.com",
    "etlhost erase --client 713 --table etl.orders --key customer_id=1004",
  },
}

local function usage(message, hint)
  return nil, err.new { class = "config", is_usage = true, message = message, hint = hint }
end

local function read_keys(args)
  if not args.client then return usage("whose rows? --client names the client") end
  local keys = {}
  for _, word in ipairs(args.key or {}) do
    local column, value = word:match "^([^=]+)=(.+)$"
    if not column then
      return usage(("--key is COLUMN=VALUE, not \"%s\""):format(word), "as in --key email=jo@a.com")
    end
    if column:match "^_client_id$" or column:match "^_source$" then
      return usage(("%s does not name a person"):format(column),
        "`etlhost client remove` deletes a whole client")
    end
    keys[#keys + 1] = { column = column, value = value }
  end
  if #keys == 0 then return usage("which rows? --key COLUMN=VALUE names them") end
  if #keys > erasure.KEYS_MAX then return usage "at most three --key" end
  return keys
end

local function print_tables(ctx, tables, columns, cells_of)
  local cells = {}
  for i, entry in ipairs(tables) do cells[i] = cells_of(entry) end
  for _, line in ipairs(text.table(columns, cells)) do ctx.out:print(line) end
end

local function print_look(ctx, look)
  print_tables(ctx, look.tables, {
    { "table" }, { "rows", right = true }, { "other rows", right = true },
  }, function(entry)
    return { entry.shown, text.count(entry.rows), text.count(entry.others) }
  end)
  local texts = #look.ids.load + #look.ids.change
  ctx.out:print(("%s, %s of the bookkeeping"):format(
    text.plural(#look.ids.dead, "dead row"), text.plural(texts, "message")))
end

local function print_proof(ctx, look, events)
  ctx.out:print ""
  print_tables(ctx, look.tables, {
    { "table" }, { "before", right = true }, { "deleted", right = true },
    { "left", right = true }, { "others before", right = true }, { "others after", right = true },
  }, function(entry)
    return {
      entry.shown, text.count(entry.rows), text.count(entry.deleted), text.count(entry.left),
      text.count(entry.others_before), text.count(entry.others_after),
    }
  end)
  ctx.out:print(("%s deleted, %s of the bookkeeping and %s of the catalog erased"):format(
    text.plural(#look.ids.dead, "dead row"),
    text.plural(#look.ids.load + #look.ids.change, "message"), text.plural(events, "line")))
end

local function open(args, ctx)
  local space, problem = workspace.begin(args, ctx)
  if not space then return nil, problem end
  local client = space.config and space.config.by_id[args.client]
  if space.config and not client and not args.destination then
    local _, unknown = space.config:select { args.client }
    return nil, unknown
  end
  local target = {}
  target.destination, problem = space:destination(args, client)
  if not target.destination then return nil, problem end
  return space, target
end

function verb.run(args, ctx)
  local keys, problem = read_keys(args)
  if not keys then return nil, problem end
  local space, target = open(args, ctx)
  if not space then return nil, target end
  local look
  look, problem = erasure.look(space, target, args.client, keys, args.table)
  if not look then return nil, problem end
  print_look(ctx, look)
  local events = 0
  if look.found > 0 then
    local yes
    yes, problem = confirm.ask(ctx, args, "delete these for good?")
    if problem then return nil, problem end
    if not yes then
      ctx.out:print "nothing was changed"
      return exit.ok
    end
    local done
    done, problem = erasure.delete(space, target, args.client, keys, look)
    if not done then return nil, problem end
  end
  if look.found > 0 or args.yes then
    events, problem = erasure.forget_events(space, args.client, keys)
    if not events then return nil, problem end
  end
  if look.found + events == 0 then
    ctx.out:print "nothing matches: nothing was changed"
    return exit.ok
  end
  print_proof(ctx, look, events)
  return exit.ok
end

return verb
