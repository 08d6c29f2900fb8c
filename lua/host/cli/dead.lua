-- etlhost dead: the rows that did not fit: look at them, send them again, or give them up.

local admin = require "host.admin"
local confirm = require "host.confirm"
local deadrows = require "host.deadrows"
local doc = require "host.doc"
local err = require "host.err"
local exit = require "host.exit"
local hints = require "host.hints"
local load_words = require "host.load_words"
local steps = require "host.steps"
local streams = require "host.streams"
local text = require "host.text"

local LIST_ROWS = 50

local selecting = {
  { "stream", value = "S", help = "only of this SOURCE.RESOURCE, RESOURCE, or table" },
  table.unpack(admin.options),
}

local function with(...)
  return table.move(selecting, 1, #selecting, select("#", ...) + 1, { ... })
end

-- The dead rows that the words mean: rows, space | nil, err
local function find(args, ctx, limit)
  local space, targets = streams.open(args, ctx)
  if not space then return nil, targets end
  local rows, problem = deadrows.list(space, targets, args.stream, limit)
  if not rows then return nil, problem end
  return rows, space
end

local function place_of(row)
  local place = hints.file_name(row.file)
  if row.line and row.line ~= "0" then return place .. ":" .. row.line end
  return row.row_number and row.row_number ~= "0" and place .. " row " .. row.row_number or place
end

local list = {
  name = "list",
  usage = "dead list [--stream S] [--client C]",
  summary = "Lists the dead rows with their place and the reason.",
  options = with(
    { "limit", value = "N", integer = true, help = "at most so many (default: 50)" },
    { "json", help = "all of them, as lines of JSON" }),
}

function list.run(args, ctx)
  local limit = args.limit or LIST_ROWS
  local rows, space = find(args, ctx, not args.json and limit + 1 or args.limit)
  if not rows then return nil, space end
  if args.json then
    for _, row in ipairs(rows) do ctx.out:print(doc.to_json(deadrows.plain(row))) end
    return exit.ok
  end
  if #rows == 0 then
    ctx.out:print "there are no dead rows"
    return exit.ok
  end
  local cells = {}
  for i = 1, math.min(#rows, limit) do
    local row = rows[i]
    cells[i] = {
      row.dead_id, row.client_id ~= "" and row.client_id or "-", admin.stream_name(row),
      text.safe(place_of(row)), row.column_name and text.safe(row.column_name) or "",
      text.safe(text.first_line(row.reason)), -- `dead show` has a row function's trace too
    }
  end
  local columns = {
    { "id", right = true }, { "client" }, { "stream" }, { "place" }, { "column" }, { "reason" },
  }
  for _, line in ipairs(text.table(columns, cells, function(cell, index)
    return index == 0 and ctx.out:style("bold", cell) or cell
  end)) do
    ctx.out:print(line)
  end
  if #rows > limit then
    ctx.out:print(("only the first %s; --limit N shows more"):format(text.count(limit)))
  end
  ctx.out:print ""
  local where = hints.destination(args)
  steps.print(ctx.out, {
    { "etlhost dead show ID" .. where, "a row as it came" },
    { "etlhost dead retry" .. where, "send them again, once the script is mended" },
    { "etlhost dead discard ID" .. where, "give a row up" },
  })
  return exit.ok
end

local show = {
  name = "show",
  usage = "dead show ID",
  summary = "Shows one dead row: where it came from, why it is dead, and its raw bytes.",
  positionals = { { "ID", required = true, help = "as `dead list` shows it" } },
  options = admin.options,
}

function show.run(args, ctx)
  local space, targets = streams.open(args, ctx)
  if not space then return nil, targets end
  local rows, problem = admin.ask_all(space, targets, "dead_show", { id = args.id })
  if not rows then return nil, problem end
  local row = rows[1]
  if not row then
    return nil, err.new {
      class = "not_found",
      message = ("there is no dead row %s"):format(args.id),
    }
  end
  local function line(label, value)
    if value and value ~= "" then
      ctx.out:print(ctx.out:style("dim", text.pad(label, 9)) .. " " .. text.safe(value))
    end
  end
  line("reason", row.reason)
  line("code", row.code)
  line("place", place_of(row))
  line("column", row.column_name)
  line("client", row.client_id)
  line("stream", admin.stream_name(row) .. " into " .. row.table_name)
  line("run", row.run_id)
  line("pipeline", row.pipeline)
  line("status", row.status)
  line("since", row.created_at)
  ctx.out:print ""
  ctx.out:print(text.safe(deadrows.raw(row)))
  return exit.ok
end

local export = {
  name = "export",
  usage = "dead export [--stream S] [--client C] [--raw]",
  summary = "Writes all dead rows to the standard output, as lines of JSON or as they came.",
  options = with({ "raw", help = "only the raw bytes of each row, one after the other" }),
  examples = { "etlhost dead export --stream orders --raw > broken.csv" },
}

function export.run(args, ctx)
  local rows, space = find(args, ctx)
  if not rows then return nil, space end
  for _, row in ipairs(rows) do
    if args.raw then
      local raw = deadrows.raw(row)
      ctx.out:write(raw, raw:sub(-1) == "\n" and "" or "\n")
    else
      ctx.out:print(doc.to_json(deadrows.plain(row)))
    end
  end
  return exit.ok
end

local retry = {
  name = "retry",
  usage = "dead retry [ID] [--stream S] [--client C]",
  summary = "Sends dead rows through the present script and contract again.",
  about = {
    "What fits now is loaded and marked as resolved; what still does not fit stays dead. Rows of a "
      .. "pipeline go through the client's own pipeline, or the one that loaded them, or "
      .. "--pipeline; rows of `etlhost load` are loaded as --key, --write and --type say, given "
      .. "here again.",
  },
  positionals = { { "ID", help = "only this row, as `dead list` shows it" } },
  options = with(
    { "pipeline", value = "FILE", help = "instead of the pipeline that loaded them" },
    { "strict", help = "exit status 3 when rows are still dead" },
    table.unpack(load_words.options)),
}

function retry.run(args, ctx)
  local rows, space
  if args.id then
    local targets
    space, targets = streams.open(args, ctx)
    if not space then return nil, targets end
    rows, targets = admin.ask_all(space, targets, "dead_show", { id = args.id })
    if not rows then return nil, targets end
    if not rows[1] or rows[1].status ~= "dead" then
      return nil, err.new {
        class = "not_found",
        message = rows[1] and ("row %s is %s already"):format(args.id, rows[1].status)
          or ("there is no dead row %s"):format(args.id),
      }
    end
  else
    rows, space = find(args, ctx)
    if not rows then return nil, space end
  end
  if #rows == 0 then
    ctx.out:print "there are no dead rows"
    return exit.ok
  end
  return deadrows.retry(ctx, space, rows, args)
end

local discard = {
  name = "discard",
  usage = "dead discard ID... | --stream S | --all",
  summary = "Gives dead rows up: they stay in the bookkeeping, marked as discarded.",
  positionals = { { "ID", many = true, help = "as `dead list` shows it" } },
  options = with({ "all", help = "all of them" }, confirm.option),
}

function discard.run(args, ctx)
  if #args.id == 0 and not args.stream and not args.all then
    return nil, err.new {
      class = "config",
      is_usage = true,
      message = "which rows? Name ids, --stream or --all",
      hint = "usage: etlhost " .. discard.usage,
    }
  end
  local rows, space = find(args, ctx)
  if not rows then return nil, space end
  if #args.id > 0 then rows = deadrows.with_ids(rows, args.id) end
  if #rows == 0 then
    return nil, err.new { class = "not_found", message = "no dead row matches" }
  end
  -- Ids are as explicit as a yes; discarded rows stay in the bookkeeping.
  local question = ("discard %s?"):format(text.plural(#rows, "dead row"))
  if #args.id == 0 and confirm.can_ask(ctx) and not confirm.ask(ctx, args, question) then
    ctx.out:print "nothing was changed"
    return exit.ok
  end
  local count, problem = deadrows.discard(space, rows)
  if not count then return nil, problem end
  ctx.out:print(text.plural(count, "dead row") .. " discarded")
  return exit.ok
end

return {
  name = "dead",
  usage = "dead list|show|export|retry|discard ...",
  summary = "Shows the rows that did not fit, sends them again, or gives them up.",
  verbs = { list, show, export, retry, discard },
}
