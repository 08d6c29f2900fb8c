-- What `state reset` would forget of a stream, and the statement that deletes the rows of it: those
-- and no others, or rows would be lost.

local admin = require "host.admin"
local child_tables = require "host.child_tables"
local err = require "host.err"
local hints = require "host.hints"
local text = require "host.text"

local forgetting = {}

-- A load that reaches across the time: part of its rows would be forgotten, and no statement short
-- enough for a person could tell them from the others.
local function straddles(row, since, id)
  return nil, err.new {
    class = "config",
    is_usage = true,
    message = ("load %s of %s began before %s and went on after it"):format(id,
      admin.stream_name(row), since),
    hint = "choose an earlier or a later time; `etlhost state show --files` has the times",
  }
end

-- { files = names, rows = count, loads = ids } that --file or --from (a time) mean | nil, err
function forgetting.scope(space, row, args, from)
  local inputs, problem = admin.inputs(space, row)
  if not inputs then return nil, problem end
  local since = from and admin.time(from)
  local scope, seen, is_old = { files = {}, rows = 0, loads = {} }, {}, {}
  for _, input in ipairs(inputs) do
    local is_named = not args.file or input.name == args.file
    -- Rows that were sent again belong to a file, which is in this list itself.
    if is_named and not input.is_retry and (not since or input.last_at >= since) then
      table.insert(scope.files, input.name)
    end
    for _, unit in ipairs(is_named and input.units or {}) do
      local is_new = not since or unit.at >= since
      if is_new then scope.rows = scope.rows + unit.rows end
      if is_new and not input.is_retry and not seen[unit.load] then
        seen[unit.load] = true
        table.insert(scope.loads, unit.load)
      end
      is_old[unit.load] = is_old[unit.load] or not is_new
    end
  end
  for _, id in ipairs(scope.loads) do
    if is_old[id] then return straddles(row, since, id) end
  end
  local children
  children, problem = child_tables.of(space, row)
  if not children then return nil, problem end
  scope.children = {}
  for i, child in ipairs(children) do scope.children[i] = child.name end
  return scope
end

local function quoted(s) return "'" .. s:gsub("'", "''") .. "'" end

-- Tables that were loaded without a client have one stream and no columns that name it.
local function delete_statement(row, table_name, args, scope)
  local name = '"' .. table_name .. '"'
  if row.table_schema ~= "main" then name = '"' .. row.table_schema .. '".' .. name end
  local where = {}
  if row.client_id ~= "" then
    where[1] = "_client_id = " .. quoted(row.client_id)
    where[2] = "_source = " .. quoted(row.instance)
  end
  if args.file then where[#where + 1] = "_file = " .. quoted(args.file) end
  if args.from then
    where[#where + 1] = ("_load_id in (%s)"):format(table.concat(scope.loads, ", "))
  end
  local condition = table.concat(where, " and ")
  return ("delete from %s%s"):format(name, condition ~= "" and " where " .. condition or "")
end

function forgetting.explain(ctx, row, args, scope)
  local out = ctx.out
  out:print(("%s of client %s: %s, %s will be forgotten"):format(
    out:style("bold", admin.stream_name(row)), row.client_id ~= "" and row.client_id or "-",
    text.plural(#scope.files, "file"), text.plural(scope.rows, "row")))
  for i, name in ipairs(scope.files) do
    if i > 10 then
      out:print(("  and %s more"):format(text.count(#scope.files - 10)))
      break
    end
    out:print("  " .. text.safe(name))
  end
  if args.delete_rows then
    out:print(("their rows in %s will be deleted"):format(
      table.concat({ row.table_name, table.unpack(scope.children) }, ", ")))
    return
  end
  out:print("the rows stay in " .. row.table_name
    .. "; if they are to be loaded anew and not twice, --delete-rows deletes them, as this does:")
  local path = hints.sqlite_path(row.target.destination.url:gsub("^sqlite:", "SQLite file "))
  for _, name in ipairs { row.table_name, table.unpack(scope.children) } do
    local statement = delete_statement(row, name, args, scope)
    if path then statement = ('sqlite3 %s "%s"'):format(path, (statement:gsub('"', '\\"'))) end
    out:print("  " .. statement)
  end
end

-- Are rows of the table put by a key? Its child tables have the key then.
local function is_keyed(space, row, children)
  local answers, problem = admin.transact(space, row.target, { { query = "client_columns" } })
  if not answers then return nil, problem end
  for _, column in ipairs(answers[1]) do
    if column.table_schema == row.table_schema and column.table_name == children[1].name
      and column.column_name:match "^_parent_" then
      return true
    end
  end
  return false
end

-- The steps that delete rows of a stream: of its table, then of its child tables | nil, err
local function row_steps(space, row, which, params)
  local children, problem = child_tables.of(space, row)
  if not children then return nil, problem end
  if children[1] and which ~= "stream" then
    local keyed
    keyed, problem = is_keyed(space, row, children)
    if problem then return nil, problem end
    if keyed then return child_tables.refuse_parts(row, children) end
  end
  local by_client = which == "stream" and row.client_id ~= ""
  local steps = {}
  for i, entry in ipairs { { schema = row.table_schema, name = row.table_name },
    table.unpack(children) } do
    steps[i] = {
      query = "reset_rows_" .. (by_client and "client" or which),
      names = { schema = entry.schema, table = entry.name },
      params = by_client and { row.stream_id, row.client_id, row.instance } or params,
    }
  end
  return steps
end

-- Forgets, in one transaction: which ("stream", "file", "from") and its name or time. Gives
-- { files, rows = how many were deleted, or nil } | nil, err
function forgetting.forget(space, row, which, value, delete_rows)
  local params = { row.stream_id, value }
  local steps = {
    { query = "reset_lock", params = { row.stream_id } },
    { query = "reset_pending", params = { row.stream_id } },
    { query = "reset_dead_" .. which, params = params },
  }
  local answers, problem, rows
  if delete_rows then
    rows, problem = row_steps(space, row, which, params)
    if not rows then return nil, problem end
    table.move(rows, 1, #rows, #steps + 1, steps)
  end
  steps[#steps + 1] = { query = "state_reset_" .. which, params = params }
  answers, problem = admin.transact(space, row.target, steps, true)
  if not answers then return nil, problem end
  local last = answers[#answers][1] or {}
  local deleted = delete_rows and answers[4][1].rows
  return { files = tonumber(last.files) or 0, rows = deleted and tonumber(deleted) }
end

return forgetting
