-- etlhost state move: a stream goes on under another name.

local admin = require "host.admin"
local confirm = require "host.confirm"
local err = require "host.err"
local exit = require "host.exit"
local moving = require "host.moving"
local streams = require "host.streams"
local text = require "host.text"

local verb = {
  name = "move",
  usage = "state move STREAM NEW [--client C] [--table T] [--yes]",
  summary = "Moves a stream's state, ledger and rows to another instance, resource or table.",
  about = {
    "For an instance or a resource that is called otherwise from now on, in the client's file or "
      .. "in its source, and for a table that somebody renamed (--table; the table itself is left "
      .. "as it is). `_source` of its rows changes in the same transaction. Refused while a run "
      .. "loads the stream, and when the new one has loaded something itself.",
  },
  positionals = {
    { "STREAM", required = true, help = "SOURCE.RESOURCE, RESOURCE, or a table" },
    { "NEW", help = "INSTANCE.RESOURCE, or RESOURCE of the same instance (default: as it was)" },
  },
  options = {
    { "table", value = "T", help = "its rows are in this TABLE or SCHEMA.TABLE now" },
    confirm.option,
    table.unpack(admin.options),
  },
  examples = {
    "etlhost state move everflow.offers everflow_us.offers --client 713",
    "etlhost state move orders orders-create --client 713",
    "etlhost state move s3_exports.orders --client 713 --table shop_orders",
  },
}

local function destination_of(row, args)
  local to = {
    instance = row.instance, resource = row.resource, schema = row.table_schema,
    table = row.table_name,
  }
  if args.new then
    local instance, resource = args.new:match "^([%w_-]+)%.(.+)$"
    to.instance, to.resource = instance or to.instance, resource or args.new
  end
  if args.table then
    local schema, name = args.table:match "^([^.]+)%.(.+)$"
    if row.table_schema == "main" then schema, name = nil, args.table end
    to.schema, to.table = schema or to.schema, name or args.table
  end
  if row.client_id == "" and to.instance ~= row.instance then
    return nil, err.new {
      class = "config", message = "what was loaded without a client has no instance",
    }
  end
  if to.instance == row.instance and to.resource == row.resource
    and to.schema == row.table_schema and to.table == row.table_name then
    return nil, err.new {
      class = "config", is_usage = true, message = "that is what it is called already",
    }
  end
  return to
end

local function shown(instance, resource, schema, name)
  return ("%s.%s into %s"):format(instance, resource,
    schema ~= "main" and schema .. "." .. name or name)
end

function verb.run(args, ctx)
  local row, space = streams.one(args, ctx)
  if not row then return nil, space end
  local to, problem = destination_of(row, args)
  if not to then return nil, problem end
  local look
  look, problem = moving.look(space, row, to)
  if not look then return nil, problem end
  ctx.out:print("- " .. shown(row.instance, row.resource, row.table_schema, row.table_name))
  ctx.out:print("+ " .. shown(to.instance, to.resource, to.schema, to.table))
  ctx.out:print(("%s and %s in the ledger go on under the new name"):format(
    text.plural(tonumber(row.files) or 0, "file"), text.plural(tonumber(row.rows) or 0, "row")))
  for _, entry in ipairs(look.tables) do
    ctx.out:print(("_source of %s of %s becomes %s"):format(text.plural(entry.rows, "row"),
      entry.name, to.instance))
  end
  local yes
  yes, problem = confirm.ask(ctx, args, "move it?")
  if problem then return nil, problem end
  if not yes then
    ctx.out:print "nothing was changed"
    return exit.ok
  end
  local ok
  ok, problem = moving.move(space, row, to, look)
  if not ok then return nil, problem end
  ctx.out:print "moved: the client's file and its pipeline must call it so before the next run"
  return exit.ok
end

return verb
