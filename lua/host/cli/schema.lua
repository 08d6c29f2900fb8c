-- etlhost schema: JSON Schemas of the YAML files; `schema diff` is about the tables.

local diff = require "host.cli.schema_diff"
local err = require "host.err"
local exit = require "host.exit"
local json_schema = require "host.json_schema"
local nearest = require "host.nearest"
local schema_files = require "host.schema_files"
local text = require "host.text"
local workspace = require "host.workspace"

local verb = {
  name = "schema",
  usage = "schema KIND | schema --write | schema diff ...",
  summary = "Prints a JSON Schema of a YAML file, or writes all of them into the project.",
  about = {
    "An editor with the YAML language server completes and checks the files by them: their first "
      .. "line says `# yaml-language-server: $schema=...`, as in the files of `etlhost init`. The "
      .. "settings of every source are in them, of the project's own ones too: after a change of "
      .. "those, --write again.",
  },
  positionals = { { "KIND", help = "config, client, template or projects" } },
  options = { { "write", help = "writes config/schema/KIND.json for every kind" } },
  verbs = { diff },
  examples = { "etlhost schema client > client.json", "etlhost schema --write" },
}

local function unknown(kind)
  local near = kind and nearest.of(kind, json_schema.kinds)
  return nil, err.new {
    class = "config", is_usage = true,
    message = kind and ("there is no schema of \"%s\""):format(kind) or "KIND is missing",
    expected = table.concat(json_schema.kinds, ", "),
    hint = near and ("did you mean %s?"):format(near) or "or --write, for all of a project",
  }
end

local function is_kind(word)
  for _, kind in ipairs(json_schema.kinds) do
    if kind == word then return true end
  end
  return false
end

local function print_written(ctx, written)
  for _, name in ipairs(written) do ctx.out:print("wrote " .. text.safe(name)) end
end

function verb.run(args, ctx)
  if args.kind and not is_kind(args.kind) or not (args.kind or args.write) then
    return unknown(args.kind)
  end
  local space, problem = workspace.open { folder = args.project, optional = not args.write }
  if not space then return nil, problem end
  ctx.places = space.places
  local described, left_out = schema_files.sources(space)
  if not described then return nil, left_out end
  if args.write then
    local written
    written, problem = schema_files.write(space.project, described)
    if not written then return nil, problem end
    print_written(ctx, written)
  else
    ctx.out:write(json_schema.text(args.kind, described))
  end
  ctx.out:flush()
  for _, name in ipairs(left_out) do
    ctx.err:print(ctx.err:style("yellow", "note: ") .. ("the source %s cannot be evaluated, and is "
      .. "left out; `etlhost check` says why"):format(text.safe(name)))
  end
  return exit.ok
end

return verb
