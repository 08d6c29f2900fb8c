-- etlhost client list

local doc = require "host.doc"
local exit = require "host.exit"
local ownership = require "host.ownership"
local steps = require "host.steps"
local text = require "host.text"
local workspace = require "host.workspace"

local verb = {
  name = "list",
  usage = "client list [--json]",
  summary = "Lists the clients: whether they are enabled, by which pipeline, from which sources.",
  options = { { "json", help = "each client as a line of JSON" } },
}

local function state_of(client)
  if #client.problems > 0 then return "mistake" end
  return client.enabled and "enabled" or "disabled"
end

-- "orders (s3_exports)", or the name alone where both are the same; what is off in brackets.
local function sources_of(client)
  local list = {}
  for _, source in ipairs(client.sources) do
    local word = source.instance
    if source.use ~= source.instance then word = ("%s (%s)"):format(word, source.use) end
    list[#list + 1] = source.enabled == false and "[" .. word .. "]" or word
  end
  return list
end

local function as_json(client, pipelines)
  local sources = doc.list {}
  for _, source in ipairs(client.sources) do
    sources[#sources + 1] = {
      instance = source.instance, use = source.use, enabled = source.enabled ~= false,
    }
  end
  return doc.to_json(doc.ordered({
    client = client.id, name = client.name, state = state_of(client), file = client.file,
    templates = #client.templates > 0 and doc.list(client.templates) or nil,
    pipelines = doc.list(pipelines), sources = sources,
  }, { "client", "name", "state", "file", "templates", "pipelines", "sources" }))
end

local function print_table(ctx, clients, owners)
  local rows = {}
  for i, client in ipairs(clients) do
    local template = client.templates[1]
    rows[i] = {
      text.safe(client.id), text.safe(client.name or ""), state_of(client),
      template and template:match "([^/]+)%.yaml$" or "-",
      table.concat(owners:pipelines(client.id), ", "),
      text.safe(table.concat(sources_of(client), ", ")),
    }
  end
  local columns = {
    { "client" }, { "name" }, { "state" }, { "template" }, { "pipeline" }, { "sources" },
  }
  for _, line in ipairs(text.table(columns, rows, function(cell, row, column)
    if row == 0 then return ctx.out:style("bold", cell) end
    local state = column == 3 and state_of(clients[row])
    local colour = state == "mistake" and "red" or state == "disabled" and "yellow"
    return colour and ctx.out:style(colour, cell) or cell
  end)) do
    ctx.out:print(line)
  end
end

function verb.run(args, ctx)
  local space, problem = workspace.open { folder = args.project }
  if not space then return nil, problem end
  ctx.places = space.places
  problem = space:blocking_problem()
  if problem then return nil, problem end
  local owners
  owners, problem = ownership.read(space)
  if not owners then return nil, problem end
  local clients = space.config.clients
  if args.json then
    for _, client in ipairs(clients) do
      ctx.out:print(as_json(client, owners:pipelines(client.id)))
    end
    return exit.ok
  end
  if #clients == 0 then
    ctx.out:print "this project has no client yet"
    ctx.out:print ""
    steps.print(ctx.out, { { "etlhost client add", "make one" } })
    return exit.ok
  end
  print_table(ctx, clients, owners)
  for _, client in ipairs(clients) do
    if state_of(client) == "mistake" then
      ctx.out:print ""
      steps.print(ctx.out, { { "etlhost check", "every mistake with its line" } })
      break
    end
  end
  return exit.ok
end

return verb
