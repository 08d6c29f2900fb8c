-- etlhost load: files into tables, without a pipeline.

local err = require "host.err"
local hints = require "host.hints"
local inputs = require "host.inputs"
local job = require "host.job"
local load_words = require "host.load_words"
local remote_inputs = require "host.remote_inputs"
local session = require "host.session"
local spec = require "host.spec"
local summary = require "host.summary"
local workspace = require "host.workspace"

local verb = {
  name = "load",
  usage = "load FILE|URL... --into TABLE [--destination URL] [--client C]",
  summary = "Loads files into tables, exactly once, without a pipeline.",
  about = {
    "CSV, JSON lines and JSON, plain or compressed with gzip, zstd or brotli; - reads the standard "
      .. "input. Types, dead rows and the ledger of files are those of a pipeline: the same file "
      .. "again loads nothing, and a load that was killed goes on where it was. Without a project "
      .. "the destination is etlhost.db in this folder.",
    "A URL is read like a file: https://host/orders.csv, s3://bucket/orders.csv.gz, or several "
      .. "objects at once: s3://bucket/orders/2026-*.csv, s3://bucket/orders/ (all below). A "
      .. "transfer that is cut goes on where it ended.",
    "In --into, {name} is a file's name without its endings and {folder} the folder that it lies "
      .. "in: files whose tables come out alike are loaded into one, and each table is reported.",
  },
  positionals = {
    { "FILE", required = true, many = true,
      help = "what to load: a file, https://..., s3://..., or - for the standard input" },
  },
  options = {
    { "into", value = "TABLE",
      help = "the table, or a pattern such as {name} or {folder}_{name}; made when not there" },
    { "destination", value = "URL", help = "sqlite:PATH or postgres://..." },
    { "schema", value = "NAME", help = "the database schema (default: etl; SQLite has none)" },
    { "client", value = "C",
      help = "whose rows these are (_client_id); asked for in a project" },
    { "on-changed-file", value = "WHAT", one_of = { "replace_rows", "tail", "append", "refuse" },
      help = "when a known name has new content: replace_rows (default) puts its rows in the place "
        .. "of those it had, tail loads what was added at its end, append loads it as new rows, "
        .. "refuse leaves it" },
    { "full-refresh", help = "load these files anew, in the place of all that was loaded before" },
    { "allow-shrink", help = "replace rows also when few or none are left" },
    { "dry-run", help = "read, infer and convert everything, write nothing" },
    { "strict", help = "exit status 3 when rows went to the dead rows" },
    { "lanes", value = "N", integer = true, help = "connections that load at once (Postgres)" },
    { "take-over", help = "take the table from a run that still looks alive" },
    inputs.unit_bytes,
    inputs.chunk_bytes,
    { "json", help = "print each event as a line of JSON instead of progress and summary" },
    table.unpack(inputs.and_options(load_words.options, inputs.options, remote_inputs.options)),
  },
  examples = {
    "etlhost load orders.csv --into orders",
    "etlhost load exports/*.csv.gz --into orders --destination postgres://me@localhost/shop",
    "etlhost load orders.csv --into orders --key order_id --cursor updated_at",
    "etlhost load exports/*.csv --into 'shop_{name}'",
    "zcat big.csv.gz | etlhost load - --into big",
    "etlhost load 's3://acme-exports/orders/*.csv.gz' --into orders",
  },
}

local function chosen_client(args, space)
  if not space.config then
    return args.client and { id = args.client, sources = {} } or false
  end
  if args.client then return space:one_client(args.client) end
  local ids = {}
  for _, client in ipairs(space.config.clients) do ids[#ids + 1] = "--client " .. client.id end
  if #ids == 0 then return false end
  return nil, err.new {
    class = "config",
    is_usage = true,
    message = "whose rows are these? In a project each row carries its client",
    hint = table.concat(ids, " or "),
  }
end

-- "schema.table" or a table; a pattern may follow the schema.
local function table_of(args)
  local schema, name = args.into:match "^([^.]+)%.([^.]+)$"
  if schema and schema:find("{", 1, true) then
    return nil, err.new {
      class = "config", is_usage = true,
      message = "the schema of --into is a name, no pattern: " .. schema,
      hint = "one load goes into one schema; {folder}_{name} keeps folders apart",
    }
  end
  args.schema = args.schema or schema
  return name or args.into
end

-- The table that is worth a look: one with new rows before one without.
local function first_table(jobs)
  local first
  for _, stream in ipairs(jobs[1].streams) do
    if stream.finished and (stream.rows_loaded or 0) > 0 then return stream.table end
    first = first or (stream.finished and stream.table) or nil
  end
  return first
end

local function next_steps(args)
  return function(jobs)
    local totals = summary.totals(jobs)
    local steps = {}
    local name = first_table(jobs)
    if totals.rows_loaded > 0 and name then
      steps[1] = hints.look_at(summary.destinations(jobs)[1], name, args, args.schema)
    end
    if totals.rows_dead > 0 then
      steps[#steps + 1] = {
        "etlhost dead list" .. hints.destination(args), "the rows that did not fit, and why",
      }
    end
    return steps
  end
end

function verb.run(args, ctx)
  if not args.into then
    return nil, err.new {
      class = "config",
      is_usage = true,
      message = "--into TABLE is missing",
      hint = "usage: etlhost " .. verb.usage,
    }
  end
  local ok, problem = inputs.check(args.file)
  if not ok then return nil, problem end
  local format
  format, problem = inputs.format(args)
  if problem then return nil, problem end
  local declared
  declared, problem = load_words.declaration(args)
  if not declared then return nil, problem end
  local space
  space, problem = workspace.begin(args, ctx)
  if not space then return nil, problem end
  local client
  client, problem = chosen_client(args, space)
  if client == nil then return nil, problem end
  local name
  name, problem = table_of(args)
  if not name then return nil, problem end
  local where
  where, problem = space:destination(args, client or nil)
  if not where then return nil, problem end
  local s = spec.new {
    op = "load", config = space.config, client = client or nil, destination = where,
  }
  s.sources = nil
  s.dry_run = args.dry_run
  s.take_over = args.take_over
  s.full_refresh = args.full_refresh
  s.allow_shrink = args.allow_shrink
  s.lanes = args.lanes or s.lanes
  s.unit_bytes, s.chunk_bytes = args.unit_bytes, args.chunk_bytes
  declared.max_dead, declared.on_changed_file = s.max_dead, args.on_changed_file
  declared.files, declared.into, declared.format = args.file, name, format
  s.load = declared
  ok, problem = remote_inputs.prepare(s, declared, args, args.file)
  if not ok then return nil, problem end
  local title = client and client.id or ""
  local made = job.new { spec = s, title = title, client = client or nil, places = space.places }
  return session.run(ctx, { made }, {
    verb = "load", json = args.json, strict = args.strict, dry_run = args.dry_run,
    with_client = client and true or false, project = space.project, inherit_input = true,
    log = space.config and space.config.log,
    next_steps = next_steps(args),
  })
end

return verb
