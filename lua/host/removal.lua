-- What there is of a client, and how it is deleted: rows, bookkeeping, runs, its file. Everything
-- in a destination goes in one transaction, which proves itself: what was counted before is what
-- was deleted, nothing is left, and the rows of others are as many as before.

local admin = require "host.admin"
local catalog = require "host.catalog"
local err = require "host.err"
local files = require "host.files"
local liveness = require "host.liveness"
local schema = require "host.schema"
local yaml = require "host.yaml"

local removal = {}

local FILE_MAX = 1024 * 1024

-- ---- looking -----------------------------------------------------------------------------------

local function count(value) return math.tointeger(tonumber(value)) or 0 end

local function read_tables(space, target, id, found)
  local steps = {}
  for i, row in ipairs(found) do
    steps[i] = {
      query = "client_rows", params = { id },
      names = { schema = row.table_schema, table = row.table_name },
    }
  end
  if #steps == 0 then return {} end
  local answers, problem = admin.transact(space, target, steps)
  if not answers then return nil, problem end
  local tables = {}
  for i, row in ipairs(found) do
    local rows, others = count(answers[i][1].rows), count(answers[i][1].others)
    local is_own = row.is_own == "1" or row.is_own == "t"
    if rows > 0 or is_own then
      tables[#tables + 1] = {
        schema = row.table_schema, name = row.table_name, rows = rows, others = others,
        is_shared = row.is_shared == "1" or row.is_shared == "t",
        shown = row.table_schema ~= "main" and row.table_schema .. "." .. row.table_name
          or row.table_name,
      }
    end
  end
  return tables
end

-- What a destination has of a client: { tables, books (counts), streams } | nil, err. Of one into
-- which nothing was ever loaded: no tables, no books.
function removal.look(space, target, id)
  local answers, problem = admin.transact(space, target, {
    { query = "client_streams", params = { id } },
    { query = "client_tables", params = { id } },
    { query = "client_books", params = { id } },
  })
  if not answers and problem.class == "not_found" then
    return { tables = {}, streams = {}, books = { rows = 0 } }
  end
  if not answers then return nil, problem end
  local books = {}
  for key, value in pairs(answers[3][1]) do books[key] = count(value) end
  local tables
  tables, problem = read_tables(space, target, id, answers[2])
  if not tables then return nil, problem end
  return { tables = tables, streams = answers[1], books = books }
end

function removal.is_empty(look)
  if look.books.rows > 0 then return false end
  for _, table_ in ipairs(look.tables) do
    if table_.rows > 0 then return false end
  end
  return true
end

-- ---- deleting ----------------------------------------------------------------------------------

-- A step about one table; gives its place among the steps.
local function add(steps, id, table_, query, what, more)
  local step = {
    query = query, names = { schema = table_.schema, table = table_.name }, params = { id },
    what = ("%s of %s"):format(what, table_.shown),
  }
  for key, value in pairs(more or {}) do step[key] = value end
  steps[#steps + 1] = step
  return #steps
end

local function add_table(steps, id, table_, folder)
  local at = { before = add(steps, id, table_, "client_rows_others", "rows of others") }
  if folder then
    add(steps, id, table_, "client_rows_export", "exported rows",
      { expect = table_.rows, file = ("%s/%s.csv"):format(folder, table_.shown) })
  end
  at.deleted = add(steps, id, table_, "client_rows_delete", "rows", { expect = table_.rows })
  return at
end

local function add_drop(steps, table_)
  steps[#steps + 1] = {
    query = "table_drop", names = { schema = table_.schema, table = table_.name },
  }
  steps[#steps + 1] = { query = "table_forget", params = { table_.schema, table_.name } }
  steps[#steps + 1] = { query = "child_forget", params = { table_.schema, table_.name } }
end

-- options: folder (for the export), drop (empty tables that nobody else loads). Gives the tables
-- again, each with deleted, left, others_before, others_after | nil, err
function removal.delete(space, target, id, look, options)
  local ok, problem = liveness.nothing_runs(look.streams)
  if not ok then return nil, problem end
  local fenced
  fenced, problem = admin.transact(space, target, { { query = "client_fence", params = { id } } },
    true)
  if not fenced then return nil, problem end
  local steps, at, names, rows = {}, {}, {}, 0
  steps[1] = {
    query = "client_lock", params = { id }, expect = fenced[1][1].epochs,
    what = "takings-over of its streams",
  }
  if options.folder then
    steps[2] = {
      query = "client_dead_export", params = { id }, expect = look.books.dead_rows,
      what = "exported dead rows", file = options.folder .. "/dead_rows.csv",
    }
  end
  for i, table_ in ipairs(look.tables) do
    rows, names[i] = rows + table_.rows, table_.shown
    at[i] = add_table(steps, id, table_, options.folder)
  end
  steps[#steps + 1] = { query = "client_books_delete", params = { id } }
  steps[#steps + 1] = {
    query = "client_books", params = { id }, expect = 0, what = "records that are left",
  }
  -- Only now: a foreign key or a trigger may have deleted more than was asked for.
  for i, table_ in ipairs(look.tables) do
    at[i].left = add(steps, id, table_, "client_rows", "rows that are left", { expect = 0 })
    at[i].after = add(steps, id, table_, "client_rows_others", "rows of others",
      { like = at[i].before })
    table_.is_dropped = options.drop and not table_.is_shared and table_.others == 0
    if table_.is_dropped then add_drop(steps, table_) end
  end
  steps[#steps + 1] = {
    query = "erasure_add", count = 7,
    params = { id, "client", table.concat(names, ", "), nil, nil, rows, look.books.dead_rows },
  }
  local answers
  answers, problem = admin.transact(space, target, steps, true)
  if not answers then return nil, problem end
  for i, table_ in ipairs(look.tables) do
    table_.deleted = count(answers[at[i].deleted][1].rows)
    table_.left = count(answers[at[i].left][1].rows)
    table_.others_before = count(answers[at[i].before][1].rows)
    table_.others_after = count(answers[at[i].after][1].rows)
  end
  return look.tables
end

-- ---- the project -------------------------------------------------------------------------------

local function walk(node, found)
  local reference = schema.secret_reference(node)
  if reference then
    if reference.file then found.files[reference.file] = true end
    if reference.env then found.variables[reference.env] = true end
    return
  end
  if node.kind ~= "map" and node.kind ~= "list" then return end
  for _, item in ipairs(node) do walk(item.node or item, found) end
end

-- The secrets that a file of the configuration names: { files, variables }, sets.
local function secrets_of(space, name)
  local found = { files = {}, variables = {} }
  local content = files.read(space.project:path(name), FILE_MAX)
  local node = content and yaml.parse(content, name)
  if node then walk(node, found) end
  return found
end

-- Those that only this client's file names: { files = list, variables = list }.
function removal.secrets(space, client)
  local own = secrets_of(space, client.file)
  local others = { space.project.config_file }
  for _, other in ipairs(space.config.clients) do
    if other ~= client then others[#others + 1] = other.file end
  end
  for _, name in ipairs(client.templates or {}) do others[#others + 1] = name end
  for _, name in ipairs(others) do
    local theirs = secrets_of(space, name)
    for file in pairs(theirs.files) do own.files[file] = nil end
    for variable in pairs(theirs.variables) do own.variables[variable] = nil end
  end
  local list = { files = {}, variables = {} }
  for kind, names in pairs(own) do
    for name in pairs(names) do table.insert(list[kind], name) end
    table.sort(list[kind])
  end
  return list
end

-- Where the client's file goes: clients/713.yaml -> removed/713.yaml, beside clients/.
function removal.archive(space, client)
  local folder = space.project.client_folder:gsub("[^/]+$", "removed")
  return folder .. "/" .. client.file:match "[^/]+$"
end

function removal.move_file(space, client)
  local to = removal.archive(space, client)
  local full = space.project:path(to)
  if files.stat(full) then
    return nil, err.new { class = "config", message = to .. " is there already" }
  end
  local ok, problem = files.make_folder(full:match "^(.*)/")
  if not ok then return nil, problem end
  local why
  ok, why = os.rename(space.project:path(client.file), full)
  if not ok then return nil, err.new { class = "config", message = why } end
  return to
end

-- How many runs of the client the catalog forgot | nil, err
function removal.forget_runs(space, id)
  if not files.stat(space.project.catalog_folder .. "/catalog.db") then return 0 end
  local handle, problem = catalog.open(space.project)
  if not handle then return nil, problem end
  local rows
  rows, problem = handle:query("run_forget", { id }, 1)
  handle:close()
  if not rows then return nil, problem end
  return count(rows[1] and rows[1].runs)
end

return removal
