-- The streams that the words of a command mean, in the destinations that they mean.

local admin = require "host.admin"
local err = require "host.err"
local text = require "host.text"
local workspace = require "host.workspace"

local streams = {}

-- The project, if there is one, and the destinations: space, targets | nil, err
function streams.open(args, ctx)
  local space, problem = workspace.begin(args, ctx)
  if not space then return nil, problem end
  local targets
  targets, problem = admin.targets(space, args, ctx)
  if not targets then return nil, problem end
  return space, targets
end

-- Those that args.stream means (all without it), each with its target: rows, space, all | nil, err
function streams.find(args, ctx)
  local space, targets = streams.open(args, ctx)
  if not space then return nil, targets end
  local rows, problem = admin.ask_all(space, targets, "state_show")
  if not rows then return nil, problem end
  local found = {}
  for _, row in ipairs(rows) do
    if admin.is_stream(row, args.stream) then found[#found + 1] = row end
  end
  return found, space, rows
end

-- Why a name means none of `all`; nil when no name was given or nothing is loaded at all.
function streams.unknown(args, all)
  if not args.stream or #all == 0 then return nil end
  local names = {}
  for i, row in ipairs(all) do names[i] = admin.stream_name(row) end
  return err.new {
    class = "not_found",
    message = ("there is no stream \"%s\""):format(args.stream),
    hint = "there are: " .. table.concat(names, ", "),
  }
end

-- The one stream that args.stream means: row, space | nil, err
function streams.one(args, ctx)
  local rows, space, all = streams.find(args, ctx)
  if not rows then return nil, space end
  if #rows == 1 then return rows[1], space end
  if #rows == 0 then
    return nil, streams.unknown(args, all)
      or err.new { class = "not_found", message = "nothing is loaded yet" }
  end
  local names = {}
  for i, row in ipairs(rows) do
    names[i] = ("%s of client %s into %s"):format(admin.stream_name(row),
      row.client_id ~= "" and row.client_id or "-", row.table_name)
  end
  return nil, err.new {
    class = "config",
    message = ("\"%s\" means %s"):format(args.stream, text.plural(#rows, "stream")),
    expected = "one of " .. table.concat(names, ", "),
    hint = "--client, and INSTANCE.RESOURCE or the table, tell them apart",
  }
end

return streams
