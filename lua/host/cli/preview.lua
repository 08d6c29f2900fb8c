-- etlhost preview: the rows as they would load, and the types with their reasons. Writes nothing.

local embedded = require "host.embedded"
local err = require "host.err"
local exit = require "host.exit"
local files = require "host.files"
local inputs = require "host.inputs"
local job = require "host.job"
local ownership = require "host.ownership"
local remote_inputs = require "host.remote_inputs"
local report = require "host.report"
local spec = require "host.spec"
local summary = require "host.summary"
local supervisor = require "host.supervisor"
local text = require "host.text"
local workspace = require "host.workspace"

local ROWS = 20

local verb = {
  name = "preview",
  usage = "preview FILE|URL|SOURCE.RESOURCE [--client C] [--format F] [--limit N]",
  summary = "Shows the rows as they would load, and the type of each column with its reason.",
  about = {
    "Nothing is written anywhere. Rows that would not load are listed on the standard error, with "
      .. "their place and the reason; the exit status is 3 when there were any. A file needs no "
      .. "project.",
  },
  positionals = {
    { "FILE|SOURCE.RESOURCE", required = true,
      help = "a file, https://..., s3://..., - for the standard input, or a resource of a client" },
  },
  options = {
    { "client", value = "C", help = "whose source it is" },
    { "pipeline", value = "FILE",
      help = "see the resource as this pipeline changes it (default: the client's own, if any)" },
    { "format", value = "F", one_of = { "table", "ndjson", "csv" },
      help = "table (default), ndjson or csv" },
    { "limit", value = "N", integer = true, help = "at most so many rows (default: 20)" },
    { "sandbox", value = "KIND", one_of = { "strict", "weak" }, help = "as for `etlhost run`" },
    table.unpack(inputs.and_options(inputs.options, remote_inputs.options)),
  },
  foreign = { output = "the word here is --format", n = "the word here is --limit",
    rows = "the word here is --limit", json = "the word here is --format ndjson" },
  examples = {
    "etlhost preview orders.csv.gz",
    "etlhost preview orders.jsonl --format ndjson --limit 100 | jq .",
    "etlhost preview s3_exports.orders-create --client 713",
  },
}

-- What is to be previewed: a table for the engine's `preview`, and the client | nil, err
local function target(args, space)
  local word = args["file|source.resource"]
  if word == "-" or remote_inputs.is(word) or files.stat(word) then
    local ok, problem = inputs.check { word }
    if not ok then return nil, problem end
    return { file = word }
  end
  local instance, resource = word:match "^([%w_-]+)%.([%w_-]+)$"
  if not instance or not space.config then
    return nil, select(2, inputs.check { word })
  end
  local client, problem = space:one_client(args.client)
  if not client then return nil, problem end
  for _, source in ipairs(client.sources) do
    if source.instance == instance then
      return { instance = instance, resource = resource }, client
    end
  end
  local names = {}
  for _, source in ipairs(client.sources) do names[#names + 1] = source.instance end
  return nil, err.new {
    class = "not_found",
    message = ("there is no file %s, and client %s has no source \"%s\""):format(
      word, client.id, instance),
    hint = #names > 0 and "its sources: " .. table.concat(names, ", ") or nil,
  }
end

-- A resource is seen through a pipeline: --pipeline, the client's own, or the one that changes
-- nothing.
local function pipeline_of(args, space, client)
  if args.pipeline then return spec.read_pipeline(args.pipeline, space.config) end
  local owners, problem = ownership.read(space)
  if not owners then return nil, problem end
  problem = owners:conflict(client.id, space.places) or owners:doubt(client.id)
  if problem then return nil, problem end
  local own = owners.paths[client.id]
  if own then return spec.read_pipeline(space.project:path(own[1]), space.config) end
  local path = "pipelines/sync.lua"
  return { path = path, text = embedded.read(path), folder = space.project:path "pipelines" }
end

local function print_dead(ctx, event)
  ctx.err:print(("%s  %s%s"):format(ctx.err:style("yellow", text.safe(summary.dead_place(event))),
    text.safe(event.reason or event.code or "?"),
    event.column and (" (column " .. text.safe(event.column) .. ")") or ""))
end

-- The rows that would not load are told as they come; the engine counts them all.
local function watcher(ctx)
  local seen = { dead = 0 }
  return {
    event = function(_, event)
      if event.event == "dead_row" then
        seen.dead = seen.dead + 1
        print_dead(ctx, event)
      elseif event.event == "schema" then
        seen.dead = math.max(seen.dead, event.dead or 0)
        seen.sampled = event.sampled and event.rows
      end
    end,
  }, seen
end

local function finish(ctx, made, seen)
  for _, problem in ipairs(made.errors) do report.print(ctx.err, problem, made.places) end
  for _, warning in ipairs(made.warnings) do
    ctx.err:print(ctx.err:style("yellow", "warning") .. " " .. text.safe(warning.message or ""))
  end
  if made.errors[1] then return exit.of_class(made.errors[1].class) end
  if seen.sampled then
    ctx.err:print(("the types are those of the first %s"):format(text.plural(seen.sampled, "row")))
  end
  if seen.dead == 0 then return exit.ok end
  ctx.err:print(("%s would not load"):format(text.plural(seen.dead, "row")))
  return exit.dead_rows
end

function verb.run(args, ctx)
  local format, problem = inputs.format(args)
  if problem then return nil, problem end
  local space
  space, problem = workspace.begin(args, ctx, true)
  if not space then return nil, problem end
  local what, client = target(args, space)
  if not what then return nil, client end
  problem = (client or remote_inputs.is(what.file or "")) and space:blocking_problem()
  if problem then return nil, problem end
  what.format = format
  what.output = args.format or "table"
  what.limit = args.limit or ROWS
  what.width = ctx.out.is_terminal and ctx.out.width or nil
  local s = spec.new {
    op = "preview", config = client and space.config, client = client, sandbox = args.sandbox,
  }
  s, problem = space:add_secrets(s, client, what.instance)
  if not s then return nil, problem end
  s.preview = what
  if what.file then
    local ok
    ok, problem = remote_inputs.prepare(s, what, args, { what.file })
    if not ok then return nil, problem end
  end
  if what.instance then
    local pipeline
    pipeline, problem = pipeline_of(args, space, client)
    if not pipeline then return nil, problem end
    s.pipeline = { path = pipeline.path, text = pipeline.text }
    s.module_roots = spec.module_roots(space.config, pipeline)
  end
  local made = job.new { spec = s, title = "", client = client, places = space.places }
  local watch, seen = watcher(ctx)
  supervisor.run({ made }, { inherit_input = true }, watch)
  return finish(ctx, made, seen)
end

return verb
