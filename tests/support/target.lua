-- tests/support/target.lua: the destinations that every behaviour is tested against, and looking
-- into their tables. What a table holds is compared as sorted lines of text, cell by cell.
local files = require "tests.support.files"
local postgres = require "tests.support.postgres"
local process = require "tests.support.process"

local target = {}

-- Columns that differ between any two runs.
local VOLATILE = { _load_id = true, _loaded_at = true }

local function sorted(text, header)
  local list = files.lines(text)
  table.sort(list)
  table.insert(list, 1, header)
  return table.concat(list, "\n") .. "\n"
end

-- ---- SQLite ---------------------------------------------------------------------------------

local sqlite = {}
sqlite.__index = sqlite

function sqlite:arguments() return { "--destination", self.url } end

-- Rows of fields parted by |, NULL as \N. Text with a line break is printed as it is.
function sqlite:sql(text)
  local out = process.ask { "sqlite3", "-batch", "-noheader", "-nullvalue", "\\N",
    "-cmd", ".timeout 10000", self.path, text }
  return (out:gsub("\n$", ""))
end

function sqlite:name(name) return '"' .. name .. '"' end
function sqlite:book(name) return "_etl_" .. name end
function sqlite:has_table(name)
  return files.exists(self.path)
    and self:sql(("select count(*) from sqlite_master where name = '%s'"):format(name)) == "1"
end

-- A list of { name, type }, in the order of the table.
function sqlite:columns(name)
  local result = {}
  local text = self:sql(("select name, type from pragma_table_info('%s')"):format(name))
  for _, line in ipairs(files.lines(text)) do
    local column, kind = line:match "^(.*)|(.*)$"
    result[#result + 1] = { name = column, type = kind:lower() }
  end
  return result
end

function sqlite:select(from, columns)
  local list = {}
  for i, column in ipairs(columns) do list[i] = 'quote("' .. column .. '")' end
  -- A line break inside a value must not part its row.
  return self:sql(("select replace(replace(%s, char(13), '<CR>'), char(10), '<LF>') from %s")
    :format(table.concat(list, " || ' | ' || "), from))
end

-- ---- PostgreSQL -----------------------------------------------------------------------------

local pg = {}
pg.__index = pg

function pg:arguments()
  local list = { "--destination", self.url }
  if self.lanes then
    list[3], list[4] = "--lanes", tostring(self.lanes)
  end
  return list
end

function pg:sql(text) return self.server:sql(self.database, text) end
function pg:name(name) return 'etl."' .. name .. '"' end
function pg:book(name) return "_etl." .. name end
function pg:has_table(name)
  return self:sql(("select to_regclass('etl.\"%s\"') is not null"):format(name)) == "t"
end

function pg:columns(name)
  local result = {}
  local text = self:sql(([[select attname, format_type(atttypid, atttypmod) from pg_attribute
    where attrelid = to_regclass('etl."%s"') and attnum > 0 and not attisdropped order by attnum]])
    :format(name))
  for _, line in ipairs(files.lines(text)) do
    local column, kind = line:match "^(.*)|(.*)$"
    result[#result + 1] = { name = column, type = kind }
  end
  return result
end

function pg:select(from, columns)
  local list = {}
  for i, column in ipairs(columns) do
    list[i] = ([[coalesce(quote_literal("%s"::text), 'NULL')]]):format(column)
  end
  return self:sql(([[set timezone = 'UTC';
    select replace(replace(%s, chr(13), '<CR>'), chr(10), '<LF>') from %s]])
    :format(table.concat(list, " || ' | ' || "), from))
end

-- ---- Both -----------------------------------------------------------------------------------

local shared = {}

-- The columns that etlhost did not add: name -> type.
function shared:types(name)
  local result = {}
  for _, column in ipairs(self:columns(name)) do
    if column.name:sub(1, 1) ~= "_" then result[column.name] = column.type end
  end
  return result
end

function shared:count(name)
  return tonumber(self:sql("select count(*) from " .. self:name(name)))
end

-- One column's values in the order of another, as quoted literals.
function shared:values(name, column, order)
  local from = ("(select * from %s order by %s) t"):format(self:name(name), order or "_row")
  return files.lines(self:select(from, { column }))
end

-- The whole table as text: its columns with their types, and its rows sorted.
function shared:dump(name)
  local columns, header = {}, {}
  for _, column in ipairs(self:columns(name)) do
    header[#header + 1] = column.name .. " " .. column.type
    if not VOLATILE[column.name] then columns[#columns + 1] = column.name end
  end
  -- The order of columns says when a run came to see them, not what it loaded.
  table.sort(columns)
  table.sort(header)
  return sorted(self:select(self:name(name), columns), table.concat(header, ", "))
end

function shared:dump_dead()
  return sorted(self:select(self:book "dead_rows",
    { "client_id", "file", "row_number", "line", "column_name", "code", "reason", "raw" }), "dead")
end

for name, method in pairs(shared) do
  sqlite[name], pg[name] = method, method
end

-- ---- The list -------------------------------------------------------------------------------

local function new_sqlite()
  local path = files.temp() .. "/data.db"
  return setmetatable({ kind = "sqlite", path = path, url = "sqlite:" .. path }, sqlite)
end

local function new_postgres(options)
  local server = options.server or postgres.shared()
  local self = setmetatable({ kind = "postgres", server = server, lanes = options.lanes }, pg)
  self.database = server:fresh_database()
  self.url = server:url(self.database, options.pooled and server:pooler() or nil)
  return self
end

-- Each has a name and fresh(), which makes an empty database and gives its target.
target.list = {
  { name = "sqlite", fresh = new_sqlite },
  { name = "postgres", fresh = function() return new_postgres { lanes = 1 } end },
  { name = "postgres with two lanes", fresh = function() return new_postgres { lanes = 2 } end },
  { name = "postgres through a transaction pooler",
    fresh = function() return new_postgres { lanes = 2, pooled = true } end },
}
target.sqlite = new_sqlite
target.postgres = new_postgres

-- Calls describe() once a destination, with fresh() for the specs.
function target.each(body)
  for _, one in ipairs(target.list) do body(one.name, one.fresh) end
end

return target
