-- etlhost state set: a stream's cursor, by hand.

local admin = require "host.admin"
local cjson = require "cjson.safe"
local confirm = require "host.confirm"
local err = require "host.err"
local exit = require "host.exit"
local liveness = require "host.liveness"
local streams = require "host.streams"
local text = require "host.text"

local verb = {
  name = "set",
  usage = "state set STREAM cursor=VALUE [--client C] [--yes]",
  summary = "Sets the cursor from which a stream's next run reads on.",
  about = {
    "The difference is printed first. A cursor that goes back is read again, one that goes "
      .. "forward leaves out what is between. `cursor=null` forgets it. Refused while a run loads "
      .. "the stream.",
  },
  positionals = {
    { "STREAM", required = true, help = "SOURCE.RESOURCE, RESOURCE, or a table" },
    { "cursor=VALUE", required = true, help = "JSON, or text" },
  },
  options = { confirm.option, table.unpack(admin.options) },
  examples = { [[etlhost state set crm.contacts cursor='"2026-03-01T00:00:00Z"' --client 713]] },
}

-- What is stored: JSON as it was written, other words as a JSON string; nil for null.
local function read_value(word, old)
  local value = word:match "^cursor=(.+)$"
  if not value then
    return nil, err.new {
      class = "config", is_usage = true,
      message = ("what shall be set? \"%s\" is not cursor=VALUE"):format(word),
    }
  end
  local first = value:match "^%s*(.)"
  local is_json = cjson.decode(value) ~= nil or cjson.decode("[" .. value .. "]") ~= nil
  local is_open = first == "{" or first == "[" or first == '"'
  if is_open and not is_json then
    return nil, err.new {
      class = "config", is_usage = true, message = "this is no JSON: " .. value,
    }
  end
  if old and old:match "^%s*{" and first ~= "{" and value ~= "null" then
    return nil, err.new {
      class = "config", is_usage = true,
      message = "this stream's cursor is a map",
      hint = "write it as it stands there: " .. old,
    }
  end
  return is_json and value or cjson.encode(value)
end

local function refuse_live(space, row)
  local answers, problem = admin.transact(space, row.target,
    { { query = "client_streams", params = { row.client_id } } })
  if not answers then return nil, problem end
  local mine = {}
  for _, stream in ipairs(answers[1]) do
    if stream.stream_id == row.stream_id then mine[#mine + 1] = stream end
  end
  return liveness.nothing_runs(mine)
end

function verb.run(args, ctx)
  local row, space = streams.one(args, ctx)
  if not row then return nil, space end
  local value, problem = read_value(args["cursor=value"], row.cursor)
  if not value then return nil, problem end
  local ok
  ok, problem = refuse_live(space, row)
  if not ok then return nil, problem end
  ctx.out:print(("%s of client %s"):format(admin.stream_name(row),
    row.client_id ~= "" and row.client_id or "-"))
  ctx.out:print("- cursor: " .. text.safe(row.cursor or "none"))
  ctx.out:print("+ cursor: " .. text.safe(value ~= "null" and value or "none"))
  local yes
  yes, problem = confirm.ask(ctx, args, "set it?")
  if problem then return nil, problem end
  if not yes then
    ctx.out:print "nothing was changed"
    return exit.ok
  end
  local done
  done, problem = admin.transact(space, row.target, {
    { query = "state_set", count = 3, expect = 1, what = "streams whose cursor is as shown",
      params = { row.stream_id, value ~= "null" and value or nil, row.cursor } },
  }, true)
  if not done then return nil, problem end
  ctx.out:print "set"
  return exit.ok
end

return verb
