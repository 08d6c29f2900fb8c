-- etlhost client add: a new client's file, from questions or from flags; it passes `check`.

local client_new = require "host.client_new"
local confirm = require "host.confirm"
local err = require "host.err"
local exit = require "host.exit"
local files = require "host.files"
local steps = require "host.steps"
local text = require "host.text"
local workspace = require "host.workspace"

local verb = {
  name = "add",
  usage = "client add [--id ID] [--name N] [--template T] [--source S]... [--set S.KEY=VALUE]...",
  summary = "Makes a client: writes its file, with a comment at each word, once it passes check.",
  about = {
    "Without --id it asks, at a terminal, for what the flags do not say. A secret is never "
      .. "written: its setting names a variable of the environment, or a line of .env, which is "
      .. "told at the end.",
  },
  options = {
    { "id", value = "ID", help = "stands in every row as _client_id, and never changes" },
    { "name", value = "NAME", help = "for people (default: the id)" },
    { "template", value = "NAME", help = "extends config/templates/NAME.yaml" },
    { "timezone", value = "ZONE", help = "such as Europe/Berlin (default: the template's)" },
    { "destination", value = "NAME",
      help = "a connection of etlhost.yaml, or sqlite:PATH (default: the template's)" },
    { "source", value = "S", many = true,
      help = "a source, or INSTANCE=SOURCE to call it otherwise" },
    { "set", value = "S.KEY=VALUE", many = true,
      help = "a setting of a source; [a, b] and { a: b } are lists and maps" },
  },
  foreign = { client = "the word here is --id" },
  examples = {
    "etlhost client add",
    "etlhost client add --id 713 --template shop --set orders.url=file:exports/713",
    "etlhost client add --id 714 --source orders=s3_exports --set orders.url=file:exports/714 \\",
    "    --set orders.prefixes='[orders-create, orders-update]'",
  },
}

local function print_notes(ctx, made)
  for _, note in ipairs(made.notes) do
    ctx.out:print(ctx.out:style("yellow", "note: ") .. text.safe(note))
  end
end

function verb.run(args, ctx)
  local space, problem = workspace.open { folder = args.project }
  if not space then return nil, problem end
  ctx.places = space.places
  problem = space:blocking_problem()
  if problem then return nil, problem end
  if not args.id and not confirm.can_ask(ctx) then
    return nil, err.new {
      class = "config", is_usage = true, message = "--id is missing",
      hint = "at a terminal `etlhost client add` asks for everything",
    }
  end
  local made
  made, problem = client_new.make(space, args, not args.id and ctx or nil)
  if not made then return nil, problem end
  local path = space.project:path(made.file)
  local ok
  ok, problem = files.make_folder(path:match "^(.*)/")
  if ok then ok, problem = files.write(path, made.text) end
  if not ok then return nil, problem end
  ctx.out:print("wrote " .. text.safe(made.file))
  print_notes(ctx, made)
  ctx.out:print ""
  local pipeline = space.project:list("pipelines", ".lua")[1]
  steps.print(ctx.out, {
    { "etlhost client show " .. made.id, "what it loads" },
    pipeline and { ("etlhost run %s --client %s"):format(made.pipeline or pipeline, made.id),
      "load it" } or nil,
  })
  return exit.ok
end

return verb
