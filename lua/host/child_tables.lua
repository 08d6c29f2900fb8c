-- Child tables (`nested = "tables"`) in what an operator asks and corrects: they follow their
-- records.

local admin = require "host.admin"
local err = require "host.err"

local child_tables = {}

-- The child tables of a stream's table, theirs included: a list of { schema, name } | nil, err
function child_tables.of(space, row)
  local answers, problem = admin.transact(space, row.target, {
    { query = "child_tables", params = { row.table_schema, row.table_name } },
  })
  if not answers then return nil, problem end
  local list = {}
  for i, child in ipairs(answers[1]) do
    list[i] = { schema = row.table_schema, name = child.table_name }
  end
  return list
end

function child_tables.names(list)
  local names = {}
  for i, entry in ipairs(list) do names[i] = entry.name end
  return table.concat(names, ", ")
end

-- A row that was put by its key and the rows of its lists may come from different loads.
function child_tables.refuse_parts(row, list)
  return nil, err.new {
    class = "config",
    message = ("the rows of %s that belong to a file or a time cannot be told apart in its child "
      .. "tables (%s)"):format(row.table_name, child_tables.names(list)),
    hint = "reset the whole stream with --delete-rows; or leave the rows: what is loaded again is "
      .. "put by its key",
  }
end

-- Where the keys of an erasure are in a child table: "_parent_" and the record's column.
local function columns_for(keys, columns)
  local names = {}
  for i, key in ipairs(keys) do
    names[i] = "_parent_" .. key.column
    if not columns[names[i]] then return nil, key.column end
  end
  return names
end

local function add(chosen, entry, keys)
  if entry.is_child then return true end
  local names, lacks = columns_for(keys, entry.columns)
  if not names then
    return nil, err.new {
      class = "config",
      message = ("the rows of its child table %s cannot be found by %s"):format(entry.shown, lacks),
      hint = "erase by the key of the records: the child tables have it as _parent_<column>",
    }
  end
  entry.names, entry.is_child = names, true
  chosen[#chosen + 1] = entry
  return true
end

-- Where rows of a child table wait, beside those of their records.
local function is_stage_of(entry, parent)
  local prefix = parent.name .. "_"
  return parent.name:match "stage_%d+" and entry.schema == parent.schema
    and entry.name:sub(1, #prefix) == prefix and entry.name:sub(#prefix + 1):match "^%x+$"
    and #entry.name == #prefix + 8
end

-- Adds the child tables of the tables in `chosen` to them, each with `names`, its columns for the
-- keys. all: every table by schema and name; children: rows of child_list. true | nil, err
function child_tables.follow(chosen, all, children, keys)
  local i = 1
  while chosen[i] do
    local parent = chosen[i]
    for _, child in ipairs(children) do
      local entry = all[child.table_schema .. "\0" .. child.table_name]
      local is_its = child.table_schema == parent.schema and child.parent_name == parent.name
      if entry and is_its then
        local ok, problem = add(chosen, entry, keys)
        if not ok then return nil, problem end
      end
    end
    for _, entry in pairs(all) do
      if is_stage_of(entry, parent) then
        local ok, problem = add(chosen, entry, keys)
        if not ok then return nil, problem end
      end
    end
    i = i + 1
  end
  return true
end

return child_tables
