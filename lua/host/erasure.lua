-- One person's rows of a client: found by the values of columns, deleted from the tables, the dead
-- rows and all that was said about them. The transaction proves itself as removal.lua's does.

local admin = require "host.admin"
local catalog = require "host.catalog"
local child_tables = require "host.child_tables"
local cjson = require "cjson.safe"
local err = require "host.err"
local files = require "host.files"
local liveness = require "host.liveness"
local system = require "host.system"

local erasure = {}

erasure.KEYS_MAX = 3

local function count(value) return math.tointeger(tonumber(value)) or 0 end

-- ---- values in text ----------------------------------------------------------------------------

-- How a value may be written in a row as it came: as it is, in JSON, in a quoted field of CSV.
local function spellings(value)
  return { value, cjson.encode(value):sub(2, -2), (value:gsub('"', '""')) }
end

local function is_word(byte)
  return byte ~= nil and (byte >= 128 or string.char(byte):match "[%w_]" ~= nil)
end

-- Does the value stand in the text by itself, and not as a part of a longer word or number?
local function holds(text, value)
  local at = 1
  while true do
    local from, to = text:find(value, at, true)
    if not from then return false end
    local before = is_word(text:byte(from - 1)) and is_word(value:byte(1))
    local after = is_word(text:byte(to + 1)) and is_word(value:byte(-1))
    if not before and not after then return true end
    at = from + 1
  end
end

local function holds_all(text, keys)
  for _, key in ipairs(keys) do
    local found = false
    for _, spelling in ipairs(spellings(key.value)) do
      found = found or holds(text, spelling)
    end
    if not found then return false end
  end
  return true
end

-- ---- looking -----------------------------------------------------------------------------------

-- The tables that have all these columns, and their child tables: { schema, name, shown } | nil,
-- err
local function tables_with(rows, children, keys, wanted)
  local list, by_name = {}, {}
  for _, row in ipairs(rows) do
    local shown = row.table_schema ~= "main" and row.table_schema .. "." .. row.table_name
      or row.table_name
    local entry = by_name[shown]
    if not entry then
      entry = { schema = row.table_schema, name = row.table_name, shown = shown, columns = {} }
      by_name[shown] = entry
      list[#list + 1] = entry
    end
    entry.columns[row.column_name] = true
  end
  local chosen, names, all = {}, {}, {}
  for _, entry in ipairs(list) do
    all[entry.schema .. "\0" .. entry.name] = entry
    local is_meant = not wanted or wanted == entry.shown or wanted == entry.name
    local has_all = true
    for _, key in ipairs(keys) do has_all = has_all and entry.columns[key.column] or false end
    if is_meant and has_all then chosen[#chosen + 1] = entry end
    if is_meant then names[#names + 1] = entry.shown end
  end
  if #chosen > 0 then
    local ok, problem = child_tables.follow(chosen, all, children, keys)
    return ok and chosen, problem
  end
  local columns = {}
  for i, key in ipairs(keys) do columns[i] = key.column end
  return nil, err.new {
    class = "not_found",
    message = #names == 0 and ("there is no table %s that etlhost loads"):format(wanted or "")
      or ("no table has the column %s"):format(table.concat(columns, " and ")),
    hint = #names > 0 and "looked into " .. table.concat(names, ", ") or nil,
  }
end

local function row_step(id, keys, entry, query, more)
  local names = { schema = entry.schema, table = entry.name }
  local params = { id }
  for i, letter in ipairs { "a", "b", "c" } do
    local key = keys[i] or keys[1]
    local own = entry.names and (entry.names[i] or entry.names[1])
    names[letter], params[i + 1] = own or key.column, key.value
  end
  local step = { query = query, names = names, params = params }
  for key, value in pairs(more or {}) do step[key] = value end
  return step
end

local function from_hex(hex)
  return ((hex or ""):gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

-- The ids, by kind, of what in the bookkeeping really holds the values.
local function judge(rows, keys)
  local ids = { dead = {}, load = {}, change = {} }
  for _, row in ipairs(rows) do
    local is_it = holds_all(from_hex(row.raw), keys) or holds_all(row.text or "", keys)
    if is_it then table.insert(ids[row.kind], row.id) end
  end
  return ids
end

-- keys: list of { column, value }. Gives { tables (with rows, others), ids (by kind) } | nil, err
function erasure.look(space, target, id, keys, wanted)
  local written = spellings(keys[1].value)
  local answers, problem = admin.transact(space, target, {
    { query = "client_columns" },
    { query = "erase_find", params = { id, written[1], written[2], written[3] } },
    { query = "client_streams", params = { id } },
    { query = "child_list" },
  })
  if not answers then return nil, problem end
  local ok
  ok, problem = liveness.nothing_runs(answers[3])
  if not ok then return nil, problem end
  local tables
  tables, problem = tables_with(answers[1], answers[4], keys, wanted)
  if not tables then return nil, problem end
  local steps = {}
  for i, entry in ipairs(tables) do steps[i] = row_step(id, keys, entry, "erase_rows") end
  local counts
  counts, problem = admin.transact(space, target, steps)
  if not counts then return nil, problem end
  local look = { tables = tables, ids = judge(answers[2], keys), rows = 0 }
  for i, entry in ipairs(tables) do
    entry.rows, entry.others = count(counts[i][1].rows), count(counts[i][1].others)
    look.rows = look.rows + entry.rows
  end
  look.found = look.rows + #look.ids.dead + #look.ids.load + #look.ids.change
  return look
end

-- ---- deleting ----------------------------------------------------------------------------------

-- Whoever knows the values can find the note again; nobody can read them from it.
local function note(id, keys, look)
  local salt, columns, values, names = system.random_hex(16), {}, {}, {}
  for i, key in ipairs(keys) do
    columns[i], values[i] = key.column, key.column .. "=" .. key.value
  end
  for _, entry in ipairs(look.tables) do
    if entry.rows > 0 then names[#names + 1] = entry.shown end
  end
  local hash = files.hash(salt .. "\0" .. table.concat(values, "\0"))
  return {
    query = "erasure_add",
    params = {
      id, "rows", table.concat(names, ", "), table.concat(columns, ", "),
      ("sha256:%s:%s"):format(salt, hash), look.rows, #look.ids.dead,
    },
  }
end

-- Gives the tables again, each with deleted, left, others_before, others_after | nil, err
function erasure.delete(space, target, id, keys, look)
  local steps, at = {}, {}
  local function add(step)
    steps[#steps + 1] = step
    return #steps
  end
  for i, entry in ipairs(look.tables) do
    local what = " of " .. entry.shown
    at[i] = { before = add(row_step(id, keys, entry, "erase_rows_others")) }
    at[i].deleted = add(row_step(id, keys, entry, "erase_rows_delete",
      { expect = entry.rows, what = "rows" .. what }))
  end
  add { query = "erase_dead", params = { table.concat(look.ids.dead, ",") },
    expect = #look.ids.dead, what = "dead rows" }
  add { query = "erase_texts",
    params = { table.concat(look.ids.load, ","), table.concat(look.ids.change, ",") },
    expect = #look.ids.load + #look.ids.change, what = "texts of the bookkeeping" }
  for i, entry in ipairs(look.tables) do
    local what = " of " .. entry.shown
    at[i].left = add(row_step(id, keys, entry, "erase_rows",
      { expect = 0, what = "rows that are left" .. what }))
    at[i].after = add(row_step(id, keys, entry, "erase_rows_others",
      { like = at[i].before, what = "other rows" .. what }))
  end
  add(note(id, keys, look))
  local answers, problem = admin.transact(space, target, steps, true)
  if not answers then return nil, problem end
  for i, entry in ipairs(look.tables) do
    entry.deleted = count(answers[at[i].deleted][1].rows)
    entry.left = count(answers[at[i].left][1].rows)
    entry.others_before = count(answers[at[i].before][1].rows)
    entry.others_after = count(answers[at[i].after][1].rows)
  end
  return look.tables
end

-- ---- the catalog of runs -----------------------------------------------------------------------

-- How many lines of what runs said were deleted | nil, err
function erasure.forget_events(space, id, keys)
  if not space.project or not files.stat(space.project.catalog_folder .. "/catalog.db") then
    return 0
  end
  local handle, problem = catalog.open(space.project)
  if not handle then return nil, problem end
  local seen, erased = {}, 0
  for _, spelling in ipairs(spellings(keys[1].value)) do
    for _, row in ipairs(handle:query("event_find", { id, spelling }, 2) or {}) do
      local name = row.run_id .. " " .. row.number
      if not seen[name] and holds_all(row.text, keys) then
        seen[name] = true
        local done
        done, problem = handle:query("event_erase", { row.run_id, tostring(row.number) }, 2)
        if not done then break end
        erased = erased + 1
      end
    end
  end
  handle:close()
  if problem then return nil, problem end
  return erased
end

return erasure
