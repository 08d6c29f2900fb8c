-- etlhost config: what the configuration comes to.

local describing = require "host.describing"
local doc = require "host.doc"
local effective = require "host.effective"
local exit = require "host.exit"
local report = require "host.report"
local text = require "host.text"
local tree = require "host.tree"
local workspace = require "host.workspace"
local yaml_text = require "host.yaml_text"

local COMMENT_AT = 46

local show = {
  name = "show",
  usage = "config show --client C [--origin] [--json]",
  summary = "Shows what holds for a client: its file over its template over the defaults.",
  about = {
    "The result can be read as a client's file. Secrets are named as they are in the files; a "
      .. "password that stands in one is shown as ***.",
  },
  options = {
    { "client", value = "C", help = "whose; may be left out where there is only one" },
    { "origin", help = "with each value the file and line it comes from, or `default`" },
    { "json", help = "as JSON; with --origin a line for each value: path, value, origin" },
  },
  examples = { "etlhost config show --client 713 --origin" },
}

-- The sources that a client uses, each once.
local function uses(client)
  local names, seen = {}, {}
  for _, source in ipairs(client.sources) do
    if not seen[source.use] then names[#names + 1] = source.use end
    seen[source.use] = true
  end
  return names
end

local function print_yaml(ctx, items, with_origin)
  for _, line in ipairs(yaml_text.lines(items)) do
    local comment = with_origin and line[2]
    if comment then
      ctx.out:print(text.safe(text.pad(line[1], COMMENT_AT)) .. "  "
        .. ctx.out:style("dim", "# " .. text.safe(comment)))
    else
      ctx.out:print(text.safe(line[1]))
    end
  end
end

local function print_json(ctx, items, with_origin)
  if not with_origin then
    ctx.out:print(doc.to_json(effective.plain(items)))
    return
  end
  for _, one in ipairs(effective.flat(items)) do
    ctx.out:print(doc.to_json(doc.ordered({
      path = doc.list(one.path), value = one.value, origin = one.origin,
    }, { "path", "value", "origin" })))
  end
end

function show.run(args, ctx)
  local space, problem = workspace.open { folder = args.project }
  if not space then return nil, problem end
  ctx.places = space.places
  local client
  client, problem = space:any_client(args.client)
  if not client then return nil, problem end
  if not client.node or client.node.kind ~= "map" then return nil, client.problems[1] end
  local has_sources = tree.get(client.node, "sources") ~= nil
  local items = effective.items(client,
    has_sources and describing.sources(uses(client), space) or {})
  if args.json then print_json(ctx, items, args.origin) else print_yaml(ctx, items, args.origin) end
  -- What it comes to is shown with its mistakes, too: that is when one looks.
  problem = space:blocking_problem() or client.problems[1]
  if not problem then return exit.ok end
  ctx.out:flush()
  report.print(ctx.err, problem, ctx.places)
  return exit.usage
end

return {
  name = "config",
  usage = "config show ...",
  summary = "Shows what the configuration comes to.",
  verbs = { show },
}
