-- etlhost adopt: takes over a table that dlt filled, and gives it back.

local adoption = require "host.adoption"
local adoption_files = require "host.adoption_files"
local confirm = require "host.confirm"
local err = require "host.err"
local exit = require "host.exit"
local text = require "host.text"
local workspace = require "host.workspace"

local verb = {
  name = "adopt",
  usage = "adopt TABLE --client C --as SOURCE.RESOURCE [--key COLUMNS] [--dry-run]",
  summary = "Takes over a table that dlt filled, so that a source goes on where dlt ended.",
  about = {
    "What would be changed is shown first. The rows that are there become the client's: the "
      .. "columns _client_id, _source, _load_id and _loaded_at are added with their values, "
      .. "without writing a row; dlt's own columns may be NULL from then on; a unique index on the "
      .. "key is built beside all work on the table. Keys that are there twice are named, and "
      .. "nothing is changed.",
    "--undo gives the table back as it was, unless etlhost has loaded rows into it since. "
      .. "PostgreSQL only.",
  },
  positionals = {
    { "TABLE", required = true, help = "SCHEMA.TABLE; dlt calls the schema the dataset" },
  },
  options = {
    { "client", value = "C", help = "whose rows these are" },
    { "as", value = "SOURCE.RESOURCE", help = "what loads into the table from now on" },
    { "key", value = "COLUMNS", help = "such as id or day,account (default: dlt's primary key)" },
    { "cursor-from", value = "WHAT", help = "dlt (its state), max (of the column), or a value" },
    { "cursor", value = "FIELD", help = "the column that --cursor-from is about" },
    { "files-from", value = "WHAT", one_of = { "dlt" },
      help = "files that dlt has loaded, by its state, are not loaded again" },
    { "dry-run", help = "show what would be changed, and change nothing" },
    { "undo", help = "give the table back" },
    confirm.option,
    { "destination", value = "URL", help = "postgres://..., instead of the configured one" },
  },
  foreign = { write_disposition = "the word is `write` in the source or pipeline" },
  examples = {
    "etlhost adopt shop.orders --client 713 --as everflow.orders --cursor-from dlt --dry-run",
    "etlhost adopt shop.exports --client 713 --as s3_exports.orders --files-from dlt",
    "etlhost adopt shop.orders --client 713 --undo",
  },
}

local function usage(message, hint)
  return nil, err.new { class = "config", is_usage = true, message = message, hint = hint }
end

-- Where, whose and what: space, target, what, as | nil, err
local function open(args, ctx)
  local space, problem = workspace.begin(args, ctx)
  if not space then return nil, problem end
  local client
  if space.config and args.client then
    client, problem = space:any_client(args.client)
    if not client then return nil, problem end
  end
  local where
  where, problem = space:destination(args, client)
  if not where then return nil, problem end
  if where.url:match "^sqlite:" then
    return nil, err.new {
      class = "config", message = "adopt is for PostgreSQL: this destination is a SQLite file",
    }
  end
  local schema, name = args.table:match "^([^.]+)%.(.+)$"
  local what = { schema = schema or where.schema or "etl", table = name or args.table }
  what.index = adoption.index_name(what.table)
  return space, { destination = where }, what, client
end

local function read_as(args, client)
  if not args.client then return usage "whose rows are these? --client C" end
  local instance, resource = (args.as or ""):match "^([^.]+)%.(.+)$"
  if not instance then
    return usage("--as is SOURCE.RESOURCE", "as in `etlhost state show`: everflow.orders")
  end
  local source
  for _, one in ipairs(client and client.sources or {}) do
    if one.instance == instance then source = one end
  end
  if client and not source then
    return nil, err.new {
      class = "config", message = ("client %s has no source %s"):format(args.client, instance),
    }
  end
  return { client = args.client, instance = instance, resource = resource, source = source }
end

local function read_key(args)
  if not args.key then return nil end
  local list = {}
  for name in args.key:gmatch "[^,%s]+" do list[#list + 1] = name end
  return list
end

-- ---- showing -----------------------------------------------------------------------------------

local function duplicates(what)
  if #what.twice == 0 then return nil end
  local lines = {}
  for i, row in ipairs(what.twice) do
    lines[i] = ("  %s, %s times"):format(row["?column?"], row.etl_times)
  end
  return err.new {
    class = "data",
    message = ("the key %s is not unique in %s.%s:\n%s"):format(table.concat(what.key, ", "),
      what.schema, what.table, table.concat(lines, "\n")),
    hint = "delete or merge these rows, or name another key with --key; nothing was changed",
  }
end

local function print_plan(ctx, what, as, plan)
  local function line(word, ...) ctx.out:print(("  %-9s %s"):format(word, (...))) end
  ctx.out:print(ctx.out:style("bold", ("%s.%s, %s, for client %s as %s.%s"):format(what.schema,
    what.table, text.plural(what.rows, "row"), as.client, as.instance, as.resource)))
  if what.known then
    line("is", "adopted already: only what is missing is done")
  else
    line("adds", ("_client_id (%s), _source (%s), _load_id, _loaded_at (of the adoption)"):format(
      as.client, as.instance))
    if #what.relax > 0 then
      line("relaxes", "NOT NULL of " .. table.concat(what.relax, ", ")
        .. ": rows of etlhost have none")
    end
  end
  if what.key then
    local has = what.known and what.known.has_index == "t"
    line(has and "has" or "builds", ("the unique index on _client_id, _source, %s"):format(
      table.concat(what.key, ", ")))
  else
    line("has", "no key: rows can be appended, not merged (--key names one)")
  end
  if plan.cursor then
    line("cursor", ("%s = %s"):format(plan.cursor.field, plan.cursor.value or "none"))
  end
  if plan.files then
    line("knows", ("%s that dlt has loaded (written until %s)"):format(
      text.plural(#plan.files, "file"), plan.files_until))
  end
  if what.look.children then
    line("leaves", what.look.children .. " as they are: nobody fills them from now on")
  end
end

-- ---- doing -------------------------------------------------------------------------------------

local function make_plan(space, target, what, as, args)
  local plan, problem = {}
  if args.cursor_from then
    plan.cursor, problem = adoption.cursor(space, target, what, args.cursor_from, args.cursor)
    if not plan.cursor then return nil, problem end
  end
  if args.files_from then
    plan.files_until, problem = adoption.files_until(what)
    if not plan.files_until then return nil, problem end
    plan.files, problem = adoption_files.written_until(as.source, as.resource, plan.files_until)
    if not plan.files then return nil, problem end
  end
  return plan
end

local function carry_out(space, target, what, as, plan)
  local ok, problem = true
  if not what.known then
    if not what.key then what.index = nil end
    ok, problem = adoption.apply(space, target, what, as, plan.cursor)
  end
  if ok and what.key and not (what.known and what.known.has_index == "t") then
    ok, problem = adoption.build_index(space, target, what)
  end
  if ok and plan.files then
    ok, problem = adoption.know_files(space, target, what, plan.files)
  end
  return ok, problem
end

local function undo(args, ctx, space, target, what)
  if not what.known then
    return nil, err.new {
      class = "not_found",
      message = ("%s.%s is not adopted"):format(what.schema, what.table),
    }
  end
  ctx.out:print(("gives %s.%s back: drops the four columns%s, makes dlt's columns NOT NULL again, "
    .. "and forgets the stream %s.%s"):format(what.schema, what.table,
    what.known.index_name and " and the index" or "", what.known.instance, what.known.resource))
  if args.dry_run then return exit.ok end
  local yes, problem = confirm.ask(ctx, args, "undo it?")
  if problem then return nil, problem end
  if not yes then
    ctx.out:print "nothing was changed"
    return exit.ok
  end
  local ok
  ok, problem = adoption.undo(space, target, what)
  if not ok then return nil, problem end
  ctx.out:print "done: the table is as it was"
  return exit.ok
end

local function check_known(what, as)
  local known = what.known
  if not known or (known.client_id == as.client and known.instance == as.instance
    and known.resource == as.resource) then return true end
  return nil, err.new {
    class = "config",
    message = ("%s.%s is adopted already, for client %s as %s.%s"):format(what.schema, what.table,
      known.client_id, known.instance, known.resource),
    hint = "--undo gives it back",
  }
end

function verb.run(args, ctx)
  local space, target, what, client = open(args, ctx)
  if not space then return nil, target end
  local ok, problem = adoption.look(space, target, what, { key = read_key(args) })
  if not ok then return nil, problem end
  if args.undo then return undo(args, ctx, space, target, what) end
  local as
  as, problem = read_as(args, client)
  if not as then return nil, problem end
  ok, problem = check_known(what, as)
  if not ok then return nil, problem end
  local plan
  plan, problem = make_plan(space, target, what, as, args)
  if not plan then return nil, problem end
  print_plan(ctx, what, as, plan)
  problem = duplicates(what)
  if problem then return nil, problem end
  if args.dry_run then return exit.ok end
  local yes
  yes, problem = confirm.ask(ctx, args, "adopt it?")
  if problem then return nil, problem end
  if not yes then
    ctx.out:print "nothing was changed"
    return exit.ok
  end
  ok, problem = carry_out(space, target, what, as, plan)
  if not ok then return nil, problem end
  ctx.out:print(("done; `etlhost adopt %s --undo` gives it back while nothing is loaded into it")
    :format(args.table))
  return exit.ok
end

return verb
