-- A table that dlt filled, as `adopt` sees it: what is there, what would be changed, and doing it.
-- PostgreSQL only. The statements are host/load/sql/postgres/adopt_*.sql.

local admin = require "host.admin"
local cjson = require "cjson.safe"
local doc = require "host.doc"
local err = require "host.err"
local spec = require "host.spec"

local adoption = {}

local ours = { "_client_id", "_source", "_load_id", "_loaded_at" }

local function fail(class, message, hint)
  return nil, err.new { class = class, message = message, hint = hint }
end

local function ask(space, target, steps)
  for _, step in ipairs(steps) do step.bare = true end
  return admin.transact(space, target, steps)
end

-- ---- what is there -----------------------------------------------------------------------------

local function names_of(what) return { schema = what.schema, table = what.table } end

local function read_columns(what, look)
  what.relax, what.columns = doc.list {}, {}
  for _, column in ipairs(cjson.decode(look.columns or "[]")) do
    what.columns[column.name] = true
    if column.not_null and column.name:match "^_dlt_" then
      what.relax[#what.relax + 1] = column.name
    end
  end
end

local function check_table(what, look)
  local shown = what.schema .. "." .. what.table
  if not look then
    return fail("not_found", ("there is no table %s"):format(shown),
      "name the schema too: SCHEMA.TABLE; dlt calls it the dataset")
  end
  if look.kind ~= "r" then return fail("config", shown .. " is no ordinary table") end
  if look.is_owner ~= "t" then
    return fail("denied", ("%s belongs to a role that this one is no member of"):format(shown),
      "only an owner changes a table: GRANT its owner to the loader")
  end
  read_columns(what, look)
  if not what.columns._dlt_id and not what.columns._dlt_load_id then
    return fail("config", shown .. " has no _dlt_id and no _dlt_load_id: dlt did not fill it",
      "etlhost loads into tables of others as they are: no adoption is needed")
  end
  return true
end

-- The latest cursors of dlt: { source, resource, field, value }.
local function read_cursors(space, target, what)
  what.cursors = {}
  if what.look.has_state ~= "t" then return true end
  local answer, problem = ask(space, target,
    { { query = "adopt_state", names = { schema = what.schema } } })
  if not answer then return nil, problem end
  for _, row in ipairs(answer[1]) do
    local bytes = row.state:gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end)
    local state
    state, problem = doc.inflate(bytes)
    if not state then return nil, problem end
    local cursors
    cursors, problem = ask(space, target, { { query = "adopt_cursors", params = { state } } })
    if not cursors then return nil, problem end
    for _, cursor in ipairs(cursors[1]) do what.cursors[#what.cursors + 1] = cursor end
  end
  return true
end

local function find_key(space, target, what, words)
  what.key = words
  if words or what.look.has_schema ~= "t" then return true end
  local answer, problem = ask(space, target, { { query = "adopt_key",
    names = { schema = what.schema }, params = { what.table } } })
  if not answer then return nil, problem end
  if #answer[1] == 0 then return true end
  what.key = {}
  for i, row in ipairs(answer[1]) do what.key[i] = row.name end
  return true
end

local function check_key(space, target, what)
  for _, name in ipairs(what.key or {}) do
    if not what.columns[name] then
      return fail("config", ("%s.%s has no column \"%s\""):format(what.schema, what.table, name))
    end
  end
  local steps = { { query = "adopt_rows", names = names_of(what) } }
  if what.key then
    local names = names_of(what)
    names.keys = doc.list(table.move(what.key, 1, #what.key, 1, {}))
    names.open = "" -- all rows; a history has others
    steps[2] = { query = "key_twice", names = names }
  end
  local answer, problem = ask(space, target, steps)
  if not answer then return nil, problem end
  what.rows = tonumber(answer[1][1].rows)
  what.twice = answer[2] or {}
  return true
end

-- what: schema, table. options: key (a list of columns, or nil). Fills what with look, columns,
-- relax, cursors, key, rows, twice, known (an adoption that was not undone) | nil, err.
function adoption.look(space, target, what, options)
  local answer, problem = ask(space, target,
    { { query = "adopt_look", params = { what.schema, what.table } } })
  if not answer then return nil, problem end
  what.look = answer[1][1]
  local ok
  ok, problem = check_table(what, what.look)
  if not ok then return nil, problem end
  if what.look.has_books == "t" then
    answer, problem = ask(space, target,
      { { query = "adopt_known", params = { what.schema, what.table } } })
    if not answer then return nil, problem end
    what.known = answer[1][1]
  end
  for _, name in ipairs(ours) do
    if what.columns[name] and not what.known then
      return fail("config", ("%s.%s has a column %s already"):format(what.schema, what.table,
        name), "etlhost loads into it as it is")
    end
  end
  ok, problem = find_key(space, target, what, options.key)
  if ok then ok, problem = check_key(space, target, what) end
  if ok then ok, problem = read_cursors(space, target, what) end
  return ok, problem
end

-- ---- the cursor --------------------------------------------------------------------------------

-- dlt's cursors that are about this table, or all of them when none bears its name.
local function candidates(what, is_wanted)
  local named, all = {}, {}
  for _, cursor in ipairs(what.cursors) do
    if is_wanted(cursor) then
      all[#all + 1] = cursor
      if cursor.resource == what.table then named[#named + 1] = cursor end
    end
  end
  return #named > 0 and named or all
end

local function list_cursors(found)
  local words = {}
  for i, c in ipairs(found) do
    words[i] = ("%s.%s.%s = %s"):format(c.source, c.resource, c.field, c.value or "?")
  end
  return table.concat(words, ", ")
end

local function from_dlt(what, field)
  local found = candidates(what, function(cursor)
    return cursor.value and (field and cursor.field == field
      or not field and what.columns[cursor.field])
  end)
  if #found == 1 then return { field = found[1].field, value = found[1].value } end
  if #found == 0 then
    return fail("config", "dlt's state has no cursor of this table",
      "--cursor-from max takes the largest value of the column that --cursor names")
  end
  return fail("config", "dlt's state has several cursors: " .. list_cursors(found),
    "say which with --cursor FIELD")
end

local function from_table(space, target, what, field)
  if not what.columns[field] then
    return fail("config", ("%s.%s has no column \"%s\""):format(what.schema, what.table, field))
  end
  local names = names_of(what)
  names.column = field
  local answer, problem = ask(space, target, { { query = "adopt_max", names = names } })
  if not answer then return nil, problem end
  return { field = field, value = answer[1][1].value }
end

-- The cursor that the words mean: { field, value } | nil, err.
function adoption.cursor(space, target, what, from, field)
  if from == "dlt" then return from_dlt(what, field) end
  if not field then
    return fail("config", "which column is the cursor?", "name it: --cursor updated_at")
  end
  if from == "max" then return from_table(space, target, what, field) end
  return { field = field, value = from }
end

-- When dlt's file source had seen all files last: its text | nil, err.
function adoption.files_until(what)
  local found = candidates(what, function(cursor)
    return cursor.field == "modification_date" and cursor.value
  end)
  if #found == 1 then return found[1].value end
  return fail("config", #found == 0 and "dlt's state knows of no files"
    or "dlt's state has several file sources: " .. list_cursors(found),
    "dlt remembers files only with incremental(\"modification_date\"), and by their time")
end

-- ---- doing it ----------------------------------------------------------------------------------

local function words_step(what, client, instance, resource, cursor)
  return { query = "adopt_words", params = { doc.to_json {
    client = client, instance = instance, resource = resource, schema = what.schema,
    table = what.table, run = spec.run_id(), relax = what.relax, index = what.index,
    cursor = cursor,
  } } }
end

-- The name of the key's index: at most 63 bytes, on the border of a character.
function adoption.index_name(name)
  if #name > 55 then
    name = name:sub(1, 55):gsub("[\xC0-\xFF][\x80-\xBF]*$", "")
  end
  return name .. "_etl_key"
end

-- as: client, instance, resource. One transaction | nil, err.
function adoption.apply(space, target, what, as, cursor)
  return admin.transact(space, target, {
    words_step(what, as.client, as.instance, as.resource, cursor), { query = "adopt_apply" },
  }, true)
end

-- The key's index, beside all work on the table. One that was left half built is made again.
function adoption.build_index(space, target, what)
  local names = names_of(what)
  names.index = what.index
  names.keys = doc.list { "_client_id", "_source", table.unpack(what.key) }
  local ok, problem = admin.transact(space, target,
    { { query = "adopt_index_drop", names = { schema = what.schema, index = what.index } } }, true)
  if not ok then return nil, problem end
  ok, problem = admin.transact(space, target,
    { { query = "adopt_index", names = names, alone = true } }, true)
  if ok then return true end
  admin.transact(space, target,
    { { query = "adopt_index_drop", names = { schema = what.schema, index = what.index } } },
    true)
  return nil, problem
end

-- list: { input, name, size, modified_us }.
function adoption.know_files(space, target, what, list)
  local known, problem = ask(space, target,
    { { query = "adopt_known", params = { what.schema, what.table } } })
  if not known then return nil, problem end
  local a = known[1][1]
  return admin.transact(space, target, { { query = "adopt_files",
    params = { a.stream_id, a.load_id, a.client_id, doc.to_json(doc.list(list)) } } }, true)
end

function adoption.undo(space, target, what)
  return admin.transact(space, target,
    { words_step(what, "", "", "", nil), { query = "adopt_undo" } }, true)
end

return adoption
