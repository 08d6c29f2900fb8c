-- Rows that are loaded, brought to the rules of config/projects.yaml as they are now: one
-- transaction a stream, by SQL alone.

local admin = require "host.admin"
local doc = require "host.doc"
local err = require "host.err"
local liveness = require "host.liveness"
local projects = require "host.projects"
local workspace = require "host.workspace"

local rewriting = {}

function rewriting.to_json(one)
  return doc.to_json(doc.ordered(one, { "client", "stream", "table", "rows", "changed" }))
end

-- What an instance uses, by the client's file.
local function use_of(client, instance)
  for _, source in ipairs(client.sources) do
    if source.instance == instance then return source.use end
  end
end

-- The rules for a stream, as the engine keeps them beside it.
local function rules_of(all, client, stream)
  local list = doc.list {}
  for _, rule in ipairs(all or {}) do
    local is_source = not rule.source or rule.source == stream.instance
      or rule.source == use_of(client, stream.instance)
    if is_source and (not rule.resource or rule.resource == stream.resource) then
      list[#list + 1] = rule
    end
  end
  return list
end

local function has_column(space, target, stream)
  local answers, problem = admin.transact(space, target, { {
    query = "project_has_column", params = { stream.table_schema, stream.table_name },
  } })
  if not answers then return nil, problem end
  return answers[1][1].n ~= "0"
end

local function rewrite_stream(space, target, client, stream, rules, args)
  local names = { schema = stream.table_schema, table = stream.table_name }
  local params = { stream.stream_id, client.id, stream.instance, doc.to_json(rules) }
  local steps = { { query = "project_count", names = names, params = params } }
  if not args.dry_run then
    -- The state row first: whoever loads the stream waits there, and then cannot go on.
    steps = {
      { query = "project_mark", params = { stream.stream_id, params[4] } },
      { query = "project_column", names = names },
      { query = "project_rewrite", names = names, params = params },
    }
  end
  local answers, problem = admin.transact(space, target, steps, not args.dry_run)
  if not answers then return nil, problem end
  local row = answers[#answers][1]
  return {
    client = client.id, stream = stream.instance .. "." .. stream.resource,
    table = stream.table_schema .. "." .. stream.table_name,
    rows = math.tointeger(tonumber(row.rows)), changed = math.tointeger(tonumber(row.changed)),
  }
end

-- Each stream only once, though a run that was killed may have left several loads of it.
local function distinct(rows)
  local list, seen = {}, {}
  for _, row in ipairs(rows) do
    if not seen[row.stream_id] then list[#list + 1] = row end
    seen[row.stream_id] = true
  end
  return list
end

-- All streams of a client, into `list` | nil, err: those before it are done.
function rewriting.client(space, client, args, list)
  local problem = workspace.client_problem(client)
  if problem then return nil, problem end
  local where
  where, problem = space:destination({}, client)
  if not where then return nil, problem end
  if where.url:match "^sqlite:" then
    return nil, err.new {
      class = "config",
      message = ("client %s is in an SQLite file: loaded rows are rewritten in PostgreSQL only")
        :format(client.id),
      hint = "`etlhost run PIPELINE --full-refresh` loads them anew",
    }
  end
  local target = { destination = where }
  local answers
  answers, problem = admin.transact(space, target, {
    { query = "client_streams", params = { client.id } },
  })
  if not answers and problem.class == "not_found" then return true end
  if not answers then return nil, problem end
  local ok
  ok, problem = liveness.nothing_runs(answers[1])
  if not ok then return nil, problem end
  local all = projects.of(space.config, client)
  for _, stream in ipairs(distinct(answers[1])) do
    local rules = rules_of(all, client, stream)
    local has
    has, problem = has_column(space, target, stream)
    if has == nil then return nil, problem end
    if has or #rules > 0 then
      local one
      one, problem = rewrite_stream(space, target, client, stream, rules, args)
      if not one then return nil, problem end
      list[#list + 1] = one
    end
  end
  return true
end

return rewriting
