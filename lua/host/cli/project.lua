-- etlhost project: the projects of clients (config/projects.yaml), in what is loaded.

local admin = require "host.admin"
local exit = require "host.exit"
local rewriting = require "host.rewriting"
local text = require "host.text"
local workspace = require "host.workspace"

local rewrite = {
  name = "rewrite",
  usage = "project rewrite [--client C]... [--dry-run]",
  summary = "Gives rows that are loaded the projects that config/projects.yaml says now.",
  about = {
    "Rules that change are for rows that come; a run warns where others were loaded before. "
      .. "This changes _project of those that differ, one transaction a stream (PostgreSQL). "
      .. "In SQLite, `etlhost run --full-refresh` loads them anew.",
    "Values are looked at as the table has them. Nothing may be loading the stream.",
  },
  options = {
    admin.options[1],
    { "dry-run", help = "count the rows that differ, change nothing" },
    { "json", help = "a JSON line for each stream" },
  },
  examples = { "etlhost project rewrite --client 713 --dry-run" },
}

local function print_all(ctx, list, args)
  if args.json then
    for _, one in ipairs(list) do ctx.out:print(rewriting.to_json(one)) end
    return
  end
  if #list == 0 then
    ctx.out:print "nothing is loaded that has projects"
    return
  end
  local cells = {}
  for i, one in ipairs(list) do
    cells[i] = { one.client, one.stream, one.table, one.rows and text.count(one.rows) or "",
      text.count(one.changed) }
  end
  local columns = {
    { "client" }, { "stream" }, { "table" }, { "rows", right = true },
    { args.dry_run and "differ" or "changed", right = true },
  }
  for _, line in ipairs(text.table(columns, cells)) do ctx.out:print(line) end
end

function rewrite.run(args, ctx)
  local space, problem = workspace.open { folder = args.project }
  if not space then return nil, problem end
  ctx.places = space.places
  problem = space:blocking_problem()
  if problem then return nil, problem end
  local clients
  clients, problem = space.config:select(args.client)
  if not clients then return nil, problem end
  local list = {}
  for _, client in ipairs(clients) do
    local ok
    ok, problem = rewriting.client(space, client, args, list)
    if not ok then
      print_all(ctx, list, args)
      return nil, problem
    end
  end
  print_all(ctx, list, args)
  return exit.ok
end

return {
  name = "project",
  usage = "project rewrite ...",
  summary = "Brings the projects of loaded rows up to date.",
  verbs = { rewrite },
}
