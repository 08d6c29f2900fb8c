-- etlhost check: all mistakes of a project at once.

local checking = require "host.checking"
local destination = require "host.destination"
local doc = require "host.doc"
local exit = require "host.exit"
local nearest = require "host.nearest"
local places = require "host.places"
local report = require "host.report"
local source_names = require "host.source_names"
local text = require "host.text"
local workspace = require "host.workspace"

local NOTES_MAX = 5 -- of secrets that are not set

local verb = {
  name = "check",
  usage = "check [PIPELINE.lua]...",
  summary = "Finds every mistake in the configuration and the scripts.",
  about = {
    "Reads config/, and evaluates each pipeline for each client, and each source of the project, "
      .. "in a jail as a run would; without network, database or secrets. The exit status is 2 "
      .. "when there is any mistake.",
  },
  positionals = {
    { "PIPELINE.lua", many = true, help = "only these pipelines (default: all of pipelines/)" },
  },
  options = { { "json", help = "each problem as a line of JSON" } },
}

-- What is no mistake, and yet would stop a run here and now: secrets that are not set. Commands are
-- not run for this.
local function missing_secrets(space)
  local notes, seen = {}, {}
  local function note(problem, what)
    if not problem or seen[problem.message] then return end
    seen[problem.message] = true
    notes[#notes + 1] = ("%s (%s)"):format(problem.message, what)
  end
  for _, client in ipairs(space.config.clients) do
    if #client.problems == 0 and client.enabled then
      local name, address = destination.written(space.config, client)
      local what = name and ("the connection \"%s\""):format(name) or "the destination"
      note(space.secrets:missing(address), what)
      if type(address) ~= "table" or not address.cmd then
        local _, problem = destination.of(space.config, client, space.secrets)
        note(problem, what)
      end
      note(space.secrets:missing(client.hash_key), "hash_key")
      for _, source in ipairs(client.sources) do
        for _, one in ipairs(source.enabled ~= false and source.secrets or {}) do
          note(space.secrets:missing(one.reference), one.place)
        end
      end
    end
  end
  if #notes <= NOTES_MAX then return notes end
  local more = #notes - NOTES_MAX
  notes = table.move(notes, 1, NOTES_MAX, 1, {})
  notes[#notes + 1] = ("%s more not to be had here"):format(text.plural(more, "secret"))
  return notes
end

local function print_json(ctx, problems)
  for _, problem in ipairs(problems) do
    local name, line, column = places.split(problem.place or "")
    ctx.out:print(doc.to_json {
      class = problem.class, message = problem.message, hint = problem.hint,
      expected = problem.expected, file = name ~= "" and name or nil, line = line, column = column,
      clients = #problem.clients > 0 and doc.list(problem.clients) or nil,
    })
  end
end

local function print_problems(ctx, space, problems)
  local names = {}
  for _, problem in ipairs(problems) do
    report.print(ctx.out, problem, space.places)
    if #problem.clients > 0 and #problem.clients < #space.config.clients then
      local ids = table.concat(problem.clients, ", ")
      ctx.out:print("  " .. ctx.out:style("dim", "for client") .. " " .. ids)
    end
    ctx.out:print ""
    names[places.split(problem.place or "?")] = true
  end
  local count = 0
  for _ in pairs(names) do count = count + 1 end
  ctx.out:print(ctx.out:style("red", ("%s in %s"):format(text.plural(#problems, "problem"),
    text.plural(count, "file"))))
end

local function print_owners(ctx, owners)
  for _, id in ipairs(nearest.keys(owners)) do
    for _, path in ipairs(owners[id]) do
      ctx.out:print(("client %s has a pipeline of its own: %s"):format(id, path))
    end
  end
end

local function exit_code(result)
  if result.stopped then return exit.interrupted end
  if result.crashed then return exit.other end
  return #result.problems > 0 and exit.usage or exit.ok
end

function verb.run(args, ctx)
  local space, problem = workspace.open { folder = args.project, near = args["pipeline.lua"][1] }
  if not space then return nil, problem end
  ctx.places = space.places
  local paths = args["pipeline.lua"]
  if #paths == 0 then paths = space.project:list("pipelines", ".lua") end
  local result = checking.run(space, paths)
  if args.json then
    print_json(ctx, result.problems)
    return exit_code(result)
  end
  for _, note in ipairs(result.notes) do
    ctx.out:print(ctx.out:style("yellow", "note: ") .. text.safe(note))
  end
  for _, note in ipairs(missing_secrets(space)) do
    ctx.out:print(ctx.out:style("yellow", "note: ") .. text.safe(note))
  end
  print_owners(ctx, result.owners)
  if #result.problems > 0 then
    print_problems(ctx, space, result.problems)
  else
    ctx.out:print(("%s: %s, %s, %s"):format(ctx.out:style("green", "all is well"),
      text.plural(#space.config.clients, "client"), text.plural(#paths, "pipeline"),
      text.plural(#source_names.of_project(space.project), "source of the project's own",
        "sources of the project's own")))
  end
  return exit_code(result)
end

return verb
