-- etlhost state: what is loaded already, and how to forget it.

local cjson = require "cjson.safe"

local admin = require "host.admin"
local confirm = require "host.confirm"
local doc = require "host.doc"
local err = require "host.err"
local exit = require "host.exit"
local forgetting = require "host.forgetting"
local streams = require "host.streams"
local text = require "host.text"

local function count(row, key)
  return text.count(tonumber(row[key]) or 0)
end

-- How far a source has read: the cursor, and the window that a run did not complete.
local function reading(row)
  local cursor = type(row.cursor) == "string" and cjson.decode(row.cursor)
  local pending = type(row.pending) == "string" and cjson.decode(row.pending)
  local shown = type(cursor) == "table" and cursor.value or cursor or ""
  shown = type(shown) == "table" and row.cursor or tostring(shown)
  if type(pending) == "table" then
    local name = pending.name ~= "" and pending.name or "all of it"
    shown = (shown ~= "" and shown .. ", " or "") .. "half-way in " .. name
  end
  return text.safe(shown)
end

local function print_streams(ctx, rows)
  local cells, any = {}, false
  for i, row in ipairs(rows) do
    cells[i] = {
      row.client_id ~= "" and row.client_id or "-", admin.stream_name(row), count(row, "files"),
      count(row, "rows"), count(row, "dead"), row.last_status or "-",
      admin.time(row.last_success_at) or "never",
      row.table_schema ~= "main" and row.table_schema .. "." .. row.table_name or row.table_name,
      reading(row),
    }
    any = any or cells[i][9] ~= ""
  end
  local columns = {
    { "client" }, { "stream" }, { "files", right = true }, { "rows", right = true },
    { "dead", right = true }, { "last run" }, { "last success (UTC)" }, { "table" },
    any and { "read until" } or nil,
  }
  for _, row in ipairs(any and {} or cells) do row[9] = nil end
  for _, line in ipairs(text.table(columns, cells, function(cell, index)
    return index == 0 and ctx.out:style("bold", cell) or cell
  end)) do
    ctx.out:print(line)
  end
end

local function print_files(ctx, space, row)
  local files, problem = admin.inputs(space, row)
  if not files then return nil, problem end
  ctx.out:print ""
  ctx.out:print(ctx.out:style("bold", admin.stream_name(row) .. " of client "
    .. (row.client_id ~= "" and row.client_id or "-")))
  local cells = {}
  for i, file in ipairs(files) do
    cells[i] = {
      text.safe(file.name) .. (file.is_retry and " (dead rows sent again)" or ""),
      file.size and text.bytes(file.size) or "", count(file, "rows"), count(file, "dead"),
      file.is_window and "" or file.complete and "all" or "a part", file.last_at,
    }
  end
  local columns = {
    { "file" }, { "size", right = true }, { "rows", right = true }, { "dead", right = true },
    { "loaded" }, { "at (UTC)" },
  }
  for _, line in ipairs(text.table(columns, cells)) do ctx.out:print("  " .. line) end
  return true
end

local show = {
  name = "show",
  usage = "state show [STREAM] [--client C] [--files]",
  summary = "Lists what is loaded: each stream with its files, rows and dead rows.",
  positionals = { { "STREAM", help = "SOURCE.RESOURCE, RESOURCE, or a table" } },
  options = {
    { "files", help = "the files of each stream too" },
    { "json", help = "as lines of JSON" },
    table.unpack(admin.options),
  },
  examples = { "etlhost state show", "etlhost state show orders-create --client 713 --files" },
}

function show.run(args, ctx)
  local rows, space, all = streams.find(args, ctx)
  if not rows then return nil, space end
  if #rows == 0 then
    local problem = streams.unknown(args, all)
    if problem then return nil, problem end
    ctx.out:print "nothing is loaded yet"
    return exit.ok
  end
  if args.json then
    for _, row in ipairs(rows) do
      row.target = nil
      ctx.out:print(doc.to_json(row))
    end
    return exit.ok
  end
  print_streams(ctx, rows)
  for _, row in ipairs(args.files and rows or {}) do
    local ok, problem = print_files(ctx, space, row)
    if not ok then return nil, problem end
  end
  return exit.ok
end

local reset = {
  name = "reset",
  usage = "state reset STREAM [--client C] [--file NAME | --from DATE] [--delete-rows] [--yes]",
  summary = "Forgets that files are loaded, so that the next run loads them again.",
  about = {
    "The rows in the table stay where they are: what is forgotten and then loaded again is there "
      .. "twice. With --delete-rows they go in the same transaction; without it, the statement "
      .. "that deletes them is shown. Dead rows of what is forgotten are discarded. What would "
      .. "happen is shown before anything is changed.",
  },
  positionals = { { "STREAM", required = true, help = "SOURCE.RESOURCE, RESOURCE, or a table" } },
  options = {
    { "file", value = "NAME", help = "only this file, as `state show --files` names it" },
    { "from", value = "DATE", help = "only what was loaded since, such as 2026-03-01 (UTC)" },
    { "delete-rows", help = "delete the rows of what is forgotten, too, in one transaction" },
    confirm.option,
    table.unpack(admin.options),
  },
  foreign = {
    ["full-refresh"] = "without --file and --from the whole stream is reset; `etlhost run "
      .. "--full-refresh` loads it anew in one step",
  },
  examples = {
    "etlhost state reset orders-create --client 713 --file orders-create/2026-03-01.csv",
    "etlhost state reset s3_exports.orders-create --client 713 --yes",
  },
}

-- What the words --file and --from mean: which rows, and the name or the time | nil, err
local function scope(args)
  if args.file and args.from then
    return nil, err.new {
      class = "config", is_usage = true, message = "--file or --from, not both",
    }
  end
  if args.file then return "file", args.file end
  if not args.from then return "stream" end
  local date, time = args.from:match "^(%d%d%d%d%-%d%d%-%d%d)[T ]?([%d:]*)Z?$"
  if not date then
    return nil, err.new {
      class = "config",
      is_usage = true,
      message = ("--from is a day or a time in UTC, not \"%s\""):format(args.from),
      expected = "2026-03-01 or 2026-03-01T12:30:00",
    }
  end
  return "from", date .. "T" .. (time ~= "" and time or "00:00:00")
end

function reset.run(args, ctx)
  local which, value = scope(args)
  if not which then return nil, value end
  local rows, space, all = streams.find(args, ctx)
  if not rows then return nil, space end
  if #rows == 0 then
    return nil, streams.unknown(args, all)
      or err.new { class = "not_found", message = "nothing is loaded yet" }
  end
  local touched = {}
  for _, row in ipairs(rows) do
    local what, problem = forgetting.scope(space, row, args, which == "from" and value)
    if not what then return nil, problem end
    if #what.files > 0 then
      forgetting.explain(ctx, row, args, what)
      touched[#touched + 1] = row
    end
  end
  if #touched == 0 then
    ctx.out:print "nothing that was loaded matches: nothing was changed"
    return exit.ok
  end
  local yes, problem = confirm.ask(ctx, args, "forget this?")
  if problem then return nil, problem end
  if not yes then
    ctx.out:print "nothing was changed"
    return exit.ok
  end
  for _, row in ipairs(touched) do
    local done
    done, problem = forgetting.forget(space, row, which, value, args.delete_rows)
    if not done then return nil, problem end
    ctx.out:print(("%s: %s forgotten%s"):format(admin.stream_name(row),
      text.plural(done.files, "file"),
      done.rows and ", " .. text.plural(done.rows, "row") .. " deleted" or ""))
  end
  return exit.ok
end

return {
  name = "state",
  usage = "state show|reset|move|set ...",
  summary = "Shows what is loaded already, forgets it, or corrects whose it is.",
  verbs = { show, reset, require "host.cli.state.move", (require "host.cli.state.set") },
}
