-- A stream under another key: its state, its ledger and its rows go on under the new name, so that
-- nothing is loaded twice and nothing is missing.

local admin = require "host.admin"
local child_tables = require "host.child_tables"
local err = require "host.err"
local liveness = require "host.liveness"

local moving = {}

local function count(value) return math.tointeger(tonumber(value)) or 0 end

-- Is this the only stream of its client and instance that loads into its table?
local function is_alone(row, all)
  for _, other in ipairs(all) do
    if other.stream_id ~= row.stream_id and other.instance == row.instance
      and other.table_schema == row.table_schema and other.table_name == row.table_name then
      return false
    end
  end
  return true
end

-- The tables with rows of the stream's loads; { schema, name, params } each. The rows of the
-- stream's own table are all of the client and the instance, unless other streams share it.
local function tables_of(columns, row, all, to)
  local has, order = {}, {}
  for _, column in ipairs(columns) do
    local key = column.table_schema .. "\0" .. column.table_name
    if not has[key] then
      has[key] = { schema = column.table_schema, name = column.table_name }
      order[#order + 1] = has[key]
    end
    has[key][column.column_name] = true
  end
  if not has[to.schema .. "\0" .. to.table] then -- renamed by hand, and not recorded yet
    order[#order + 1] = { schema = to.schema, name = to.table, _source = true, _load_id = true }
  end
  local list = {}
  for _, entry in ipairs(order) do
    local is_own = entry.schema == to.schema and entry.name == to.table
    if entry._source and entry._load_id then
      list[#list + 1] = {
        schema = entry.schema, name = entry.name,
        params = {
          row.stream_id, row.client_id, row.instance,
          tostring(is_own and is_alone(row, all)),
        },
      }
    end
  end
  return list
end

-- to: { instance, resource, schema, table }. Gives { tables (with rows) } | nil, err
function moving.look(space, row, to)
  local answers, problem = admin.transact(space, row.target, {
    { query = "client_streams", params = { row.client_id } },
    { query = "client_columns" },
    { query = "move_taken",
      params = { row.client_id, to.instance, to.resource, to.schema, to.table } },
    { query = "table_is_there", params = { to.schema, to.table } },
  })
  if not answers then return nil, problem end
  local mine = {}
  for _, stream in ipairs(answers[1]) do
    if stream.stream_id == row.stream_id then mine[#mine + 1] = stream end
  end
  local ok
  ok, problem = liveness.nothing_runs(mine)
  if not ok then return nil, problem end
  if count(answers[3][1].records) > 0 then
    return nil, err.new {
      class = "config",
      message = ("%s.%s has loaded something itself"):format(to.instance, to.resource),
      hint = "`etlhost state show` tells what; state reset makes room",
    }
  end
  if count(answers[4][1].tables) == 0 then
    return nil, err.new {
      class = "not_found",
      message = ("there is no table %s.%s"):format(to.schema, to.table),
      hint = "rename the table first: state move changes what etlhost knows, not tables",
    }
  end
  local children
  children, problem = child_tables.of(space, row)
  if not children then return nil, problem end
  if children[1] and (to.schema ~= row.table_schema or to.table ~= row.table_name) then
    return nil, err.new {
      class = "config",
      message = ("%s has child tables (%s), which are called after it"):format(row.table_name,
        child_tables.names(children)),
      hint = "a stream with child tables stays in its table; load it anew into the other one",
    }
  end
  if to.instance == row.instance then return { tables = {}, rows = 0 } end
  local tables = tables_of(answers[2], row, answers[1], to)
  local steps = {}
  for i, entry in ipairs(tables) do
    steps[i] = {
      query = "move_rows_count", names = { schema = entry.schema, table = entry.name },
      params = entry.params,
    }
  end
  local counts
  counts, problem = admin.transact(space, row.target, steps)
  if not counts then return nil, problem end
  local look = { tables = {}, rows = 0 }
  for i, entry in ipairs(tables) do
    entry.rows = count(counts[i][1].rows)
    look.rows = look.rows + entry.rows
    if entry.rows > 0 then look.tables[#look.tables + 1] = entry end
  end
  return look
end

-- true | nil, err
function moving.move(space, row, to, look)
  local fenced, problem = admin.transact(space, row.target,
    { { query = "stream_fence", params = { row.stream_id } } }, true)
  if not fenced then return nil, problem end
  local key = { row.client_id, to.instance, to.resource, to.schema, to.table }
  local steps = {
    { query = "stream_lock", params = { row.stream_id }, expect = fenced[1][1].epoch,
      what = "takings-over of the stream" },
    { query = "move_taken", params = key, expect = 0, what = "what the new stream has loaded" },
    { query = "move_clear", params = key },
    { query = "move_stream",
      params = { row.stream_id, to.instance, to.resource, to.schema, to.table }, expect = 1,
      what = "streams" },
    { query = "move_columns", params = { row.table_schema, row.table_name, to.schema, to.table } },
  }
  for _, entry in ipairs(look.tables) do
    local params = table.move(entry.params, 1, 4, 1, {})
    params[5] = to.instance
    steps[#steps + 1] = {
      query = "move_rows", names = { schema = entry.schema, table = entry.name }, params = params,
      expect = entry.rows, what = "rows of " .. entry.name,
    }
  end
  local done
  done, problem = admin.transact(space, row.target, steps, true)
  if not done then return nil, problem end
  return true
end

return moving
