-- Dead rows as the bookkeeping of the destinations knows them: listing, sending again, giving up.

local admin = require "host.admin"
local err = require "host.err"
local files = require "host.files"
local job = require "host.job"
local load_words = require "host.load_words"
local ownership = require "host.ownership"
local session = require "host.session"
local spec = require "host.spec"

local deadrows = {}

local PAGE = 1000

-- The raw bytes of a row.
function deadrows.raw(row)
  return ((row.raw or ""):gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

-- A row as it is exported: the raw bytes as text where they are text.
function deadrows.plain(row)
  local copy = {}
  for key, value in pairs(row) do copy[key] = value end
  copy.target = nil
  local raw = deadrows.raw(row)
  if utf8.len(raw) then
    copy.raw = raw
  else
    copy.raw, copy.raw_hex = nil, row.raw
  end
  return copy
end

-- At most `limit` rows (nil: all) of the stream that `word` means (nil: all) | nil, err
function deadrows.list(space, targets, word, limit)
  local found = {}
  for _, target in ipairs(targets) do
    local after = "0"
    repeat
      local page, problem = admin.ask_all(space, { target }, "dead_list",
        { after = after, limit = tostring(PAGE) })
      if not page and not admin.goes_on(targets, problem) then return nil, problem end
      page = page or {}
      for _, row in ipairs(page) do
        if admin.is_stream(row, word) then found[#found + 1] = row end
        after = row.dead_id
      end
    until #page < PAGE or (limit and #found >= limit)
  end
  return limit and table.move(found, 1, math.min(limit, #found), 1, {}) or found
end

function deadrows.with_ids(rows, ids)
  local wanted, found = {}, {}
  for _, id in ipairs(ids) do wanted[id] = true end
  for _, row in ipairs(rows) do
    if wanted[row.dead_id] then found[#found + 1] = row end
  end
  return found
end

-- How many were given up | nil, err
function deadrows.discard(space, rows)
  local by_target, order = {}, {}
  for _, row in ipairs(rows) do
    if not by_target[row.target] then
      by_target[row.target] = {}
      order[#order + 1] = row.target
    end
    table.insert(by_target[row.target], row.dead_id)
  end
  local count = 0
  for _, target in ipairs(order) do
    local done, problem = admin.ask(space, target, "dead_discard",
      { id = table.concat(by_target[target], ",") })
    if not done then return nil, problem end
    count = count + (tonumber(done[1] and done[1].rows) or 0)
  end
  return count
end

-- ---- sending again -----------------------------------------------------------------------------

-- Rows that one engine can send: those of one client and stream.
local function groups_of(rows)
  local groups, by_key = {}, {}
  for _, row in ipairs(rows) do
    local key = table.concat({
      row.target.destination.url, row.client_id, row.instance, row.resource, row.table_schema,
      row.table_name,
    }, "\0")
    if not by_key[key] then
      by_key[key] = { row = row, count = 0 }
      groups[#groups + 1] = by_key[key]
    end
    by_key[key].count = by_key[key].count + 1
    by_key[key].row = row -- the latest one names the pipeline
  end
  return groups
end

local function client_of(space, row)
  if row.client_id == "" then return nil end
  local client = space.config and space.config.by_id[row.client_id]
  return client or { id = row.client_id, sources = {}, problems = {} }
end

local function load_spec(space, row, args, declared)
  local s = spec.new {
    op = "load", config = space.config, client = client_of(space, row),
    destination = row.target.destination,
  }
  s.sources = nil
  declared.retry, declared.into = args.id or "", row.table_name
  s.load = declared
  return s
end

-- The client's own pipeline comes before the one that loaded the rows: what it hashes and drops,
-- it must see again.
local function pipeline_for(space, row, path, owners)
  local own = owners.paths[row.client_id]
  local name = path or (own and own[1]) or row.pipeline or "?"
  local pipeline, problem = spec.read_pipeline(name, space.config)
  if not pipeline then
    if not path then problem.hint = "--pipeline names the one to send them through" end
    return nil, problem
  end
  local allowed, why = owners:allows(pipeline.path, row.client_id, space.places)
  if allowed == nil then return nil, why end
  if not allowed then return nil, ownership.refusal(row.client_id, why) end
  return pipeline
end

local function run_spec(space, row, id, path, owners)
  if not space.config or not space.config.by_id[row.client_id] then
    return nil, err.new {
      class = "config",
      message = ("the client \"%s\" of these rows is not in this project"):format(row.client_id),
    }
  end
  local pipeline, problem = pipeline_for(space, row, path, owners)
  if not pipeline then return nil, problem end
  local s = spec.new {
    op = "run", config = space.config, client = client_of(space, row), pipeline = pipeline,
    destination = row.target.destination,
  }
  s.only_resource = admin.stream_name(row)
  s.retry = { id = id }
  return space:add_secrets(s, space.config.by_id[row.client_id], row.instance)
end

-- Sends the rows again; gives the exit status. args: id, pipeline, strict.
function deadrows.retry(ctx, space, rows, args)
  local jobs = {}
  local owners, problem = ownership.read(space)
  if not owners then return nil, problem end
  for _, group in ipairs(groups_of(rows)) do
    local row = group.row
    local s
    if row.instance == "load" and not files.stat(row.pipeline or "") then
      local declared
      declared, problem = load_words.declaration(args)
      s = declared and load_spec(space, row, args, declared)
    else
      s, problem = run_spec(space, row, args.id, args.pipeline, owners)
    end
    if s and row.table_schema ~= "main" then s.destination.schema = row.table_schema end
    local made = job.new {
      spec = s, title = row.client_id, client = client_of(space, row), places = space.places,
    }
    if problem then made:finish(problem) end
    jobs[#jobs + 1] = made
  end
  return session.run(ctx, jobs, {
    verb = "dead retry", strict = args.strict, with_client = true, project = space.project,
    log = space.config and space.config.log,
  })
end

return deadrows
