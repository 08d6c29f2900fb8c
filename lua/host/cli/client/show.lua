-- etlhost client show: a client on one page.

local destination = require "host.destination"
local effective = require "host.effective"
local exit = require "host.exit"
local job = require "host.job"
local ownership = require "host.ownership"
local report = require "host.report"
local spec = require "host.spec"
local steps = require "host.steps"
local supervisor = require "host.supervisor"
local text = require "host.text"
local workspace = require "host.workspace"

local verb = {
  name = "show",
  usage = "client show ID",
  summary = "Shows a client on one page: where its rows go, its pipeline, and what it loads.",
  about = {
    "Each source is evaluated as `check` does it, without network or database. "
      .. "`etlhost config show` shows every setting, and `etlhost status` how the client is doing.",
  },
  positionals = { { "ID", required = true, help = "the client's id" } },
  examples = { "etlhost client show 713" },
}

local function print_line(ctx, label, value)
  if not value or value == "" then return end
  ctx.out:print(ctx.out:style("dim", text.pad(label, 12)) .. " " .. text.safe(value))
end

local function where(space, client)
  local name, value = destination.written(space.config, client)
  if value.env then
    value = "the variable " .. value.env
  elseif value.file then
    value = "the file " .. value.file
  else
    value = effective.without_password(value.url or value)
  end
  local schema = (client.destination or {}).schema
  if value:match "^sqlite:" then schema = nil end
  return (name and name .. ": " or "") .. value .. (schema and ", schema " .. schema or "")
end

local function print_head(ctx, space, client, pipelines)
  ctx.out:print(ctx.out:style("bold", text.safe(client.id)) .. "  "
    .. text.safe(client.name or ""))
  print_line(ctx, "state", client.enabled and "enabled" or "disabled")
  local files = client.file
  if client.templates[1] then
    files = files .. ", over " .. table.concat(client.templates, ", over ")
  end
  print_line(ctx, "file", files)
  print_line(ctx, "timezone", client.timezone or "UTC")
  print_line(ctx, "start", client.start)
  print_line(ctx, "destination", where(space, client))
  print_line(ctx, "pipeline", table.concat(pipelines, ", "))
end

local function words(value)
  return value and table.concat(value, ", ") or ""
end

local function print_sources(ctx, client, declared)
  local rows = {}
  for _, source in ipairs(client.sources) do
    local used = source.instance == source.use and "" or " (" .. source.use .. ")"
    local name = text.safe(source.instance .. used)
    local count = #rows
    for _, one in ipairs(declared) do
      if one.instance == source.instance then
        rows[#rows + 1] = {
          name, text.safe(one.resource), one.write or (one.key and "merge" or "append"),
          text.safe(words(one.key)), one.cursor and text.safe(one.cursor.field) or "",
          text.safe(one.table or ""),
        }
      end
    end
    if #rows == count then
      rows[#rows + 1] = { name, source.enabled == false and "(disabled)" or "(nothing)" }
    end
  end
  if #rows == 0 then return end
  ctx.out:print ""
  local columns = {
    { "source" }, { "resource" }, { "write" }, { "key" }, { "cursor" }, { "table" },
  }
  for _, line in ipairs(text.table(columns, rows, function(cell, row)
    return row == 0 and ctx.out:style("bold", cell) or cell
  end)) do
    ctx.out:print(line)
  end
end

-- What its pipeline declares for it: a job that has ended.
local function evaluate(space, client, path)
  local pipeline, problem = spec.read_pipeline(path, space.config)
  if not pipeline then return nil, problem end
  local s = spec.new { op = "check", config = space.config, client = client, pipeline = pipeline }
  local made = job.new { spec = s, title = client.id, client = client, places = space.places,
    may_skip = true }
  supervisor.run({ made }, {})
  return made
end

function verb.run(args, ctx)
  local space, problem = workspace.open { folder = args.project }
  if not space then return nil, problem end
  ctx.places = space.places
  problem = space:blocking_problem()
  if problem then return nil, problem end
  local client, owners
  client, problem = space:any_client(args.id)
  if client and not client.is_readable then problem = client.problems[1] end
  if problem then return nil, problem end
  owners, problem = ownership.read(space)
  if not owners then return nil, problem end
  local pipelines = owners:pipelines(client.id)
  print_head(ctx, space, client, pipelines)
  local made
  if pipelines[1] then made, problem = evaluate(space, client, pipelines[1]) end
  print_sources(ctx, client, made and made.declared or {})
  problem = client.problems[1] or problem or (made and made.errors[1])
  ctx.out:print ""
  if problem then
    ctx.out:flush()
    report.print(ctx.err, problem, ctx.places)
    return exit.of_class(problem.class)
  end
  steps.print(ctx.out, {
    { "etlhost config show --origin --client " .. client.id, "every setting, and where it stands" },
    { "etlhost state show --client " .. client.id, "what is loaded" },
  })
  return exit.ok
end

return verb
