-- tests/model/streams.lua: what a stream's table must hold, worked out row by row in memory, and
-- random files for it.
--
-- The program may cut a file into units wherever it likes; the model knows nothing of units. Where
-- documentation says that what a unit holds matters (a history, hard deletes with a cursor, records
-- that lack fields with one), the rows of a file come in the order of their cursor.
local records = require "tests.model.records"

local streams = {}

local stream = {}
stream.__index = stream

-- declaration: what the pipeline says. cursor: how it looks. json: may files be JSON lines?
-- ordered: see above. unique: has a file a key only once? variants: does it have numbers that are
-- now and then none? nested: does it have lists, which are rows of a child table?
streams.kinds = {
  { name = "append", declaration = "", json = true },
  { name = "replace", declaration = 'write = "replace"', json = true },
  { name = "merge", declaration = 'key = "id"', json = true },
  { name = "merge by cursor", declaration = 'key = "id", cursor = "at"', cursor = "number" },
  { name = "merge by cursor, fields missing", declaration = 'key = "id", cursor = "at"',
    cursor = "number", json = true, ordered = true },
  { name = "delete_insert", declaration = 'key = "id", cursor = "at", merge = "delete_insert"',
    cursor = "number" },
  { name = "hard_delete", declaration = 'key = "id", cursor = "at", hard_delete = "gone"',
    cursor = "number", json = true, ordered = true, deletes = true },
  { name = "hard_delete without a cursor", declaration = 'key = "id", hard_delete = "gone"',
    json = true, deletes = true },
  { name = "insert_only", declaration = 'key = "id", write = "insert_only"', json = true },
  { name = "history", declaration = 'key = "id", cursor = "at", write = "history"',
    cursor = "date", json = true, ordered = true },
  { name = "history with deletes",
    declaration = 'key = "id", cursor = "at", write = "history", hard_delete = "gone"',
    cursor = "date", json = true, ordered = true, deletes = true },
  -- Its times are those of units: of a key that comes twice in one, the last row would count.
  { name = "history without a cursor", declaration = 'key = "id", write = "history"', json = true,
    unique = true },
  { name = "append with variants", declaration = "", json = true, variants = true },
  { name = "merge with variants", declaration = 'key = "id", cursor = "at"', cursor = "number",
    json = true, ordered = true, variants = true },
  { name = "history with variants", declaration = 'key = "id", cursor = "at", write = "history"',
    cursor = "date", json = true, ordered = true, variants = true },
  { name = "append", declaration = 'nested = "tables"', json = true, nested = true },
  { name = "replace", declaration = 'write = "replace", nested = "tables"', json = true,
    nested = true },
  { name = "merge", declaration = 'key = "id", nested = "tables"', json = true, nested = true },
  { name = "merge by cursor, fields missing",
    declaration = 'key = "id", cursor = "at", nested = { l = "tables" }', cursor = "number",
    json = true, ordered = true, nested = true },
  { name = "delete_insert", cursor = "number", json = true, nested = true,
    declaration = 'key = "id", cursor = "at", merge = "delete_insert", nested = "tables"' },
  { name = "hard_delete", cursor = "number", json = true, ordered = true, deletes = true,
    nested = true,
    declaration = 'key = "id", cursor = "at", hard_delete = "gone", nested = "tables"' },
  { name = "hard_delete without a cursor", json = true, deletes = true, nested = true,
    declaration = 'key = "id", hard_delete = "gone", nested = "tables"' },
  { name = "insert_only", declaration = 'key = "id", write = "insert_only", nested = "tables"',
    json = true, nested = true },
}

function streams.new(number, kind)
  return setmetatable({
    number = number, name = "s" .. number, table = "t" .. number, kind = kind,
    keyed = kind.declaration:find "key" ~= nil, history = kind.declaration:find "history" ~= nil,
    files = {}, order = {}, columns = { id = true }, rows = {}, contents = {},
  }, stream)
end

-- ---- files --------------------------------------------------------------------------------------

local FIELDS = { "v", "w", "x", "y" }
local ALL = { "v", "w", "x", "y", "n" }

function stream:random_file(name)
  local is_json = name:match "jsonl$" ~= nil
  for _ = 1, 100 do
    local columns, fields = { "id" }, {}
    if self.kind.cursor then columns[#columns + 1] = "at" end
    if self.kind.deletes then columns[#columns + 1] = "gone" end
    for i, field in ipairs(FIELDS) do
      if i == 1 or math.random(2) == 1 then fields[#fields + 1] = field end
    end
    if self.kind.variants and (#self.order == 0 or math.random(3) > 1) then
      fields[#fields + 1] = "n"
    end
    table.move(fields, 1, #fields, #columns + 1, columns)
    local list = records.random(self.kind, fields, #self.order == 0)
    if self.kind.nested and is_json then columns[#columns + 1] = "l" end
    for _, r in ipairs(not is_json and list or {}) do r.l, r.has.l = nil, nil end
    local text = is_json and records.json(list, columns, #self.order == 0)
      or records.csv(list, columns)
    if not self.contents[text] then
      return { name = name, text = text, records = list }
    end
  end
  error "no new file could be made up"
end

-- One more file, or one that changes, or one that is there under another name. Gives name, text.
function stream:step()
  local what = math.random(10)
  local old = #self.order > 0 and self.files[self.order[math.random(#self.order)]]
  local file
  if old and what == 1 then
    file = self:random_file(old.name)
  elseif old and what == 2 and self.keyed then
    file = { name = ("%03d-again.%s"):format(math.random(999), old.name:match "%a+$"),
      text = old.text, records = {} }
  else
    local ending = self.kind.json and math.random(2) == 1 and "jsonl" or "csv"
    file = self:random_file(("%03d-%d.%s"):format(math.random(999), #self.order + 1, ending))
  end
  if self.files[file.name] == nil then self.order[#self.order + 1] = file.name end
  self.contents[file.text] = true
  self.files[file.name] = file
  self.fresh = self.fresh or {}
  self.fresh[file.name] = true
  return file.name, file.text
end

-- ---- the table --------------------------------------------------------------------------------

local function newer(r, there)
  return there.at == nil or r.at ~= nil and r.at >= there.at
end

local function copy(r, all)
  local result = { id = r.id, at = r.at, gone = r.gone, l = r.l }
  for _, field in ipairs(all) do result[field] = r[field] end
  return result
end

function stream:merge(r)
  local there = self.rows[r.id]
  if there and self.kind.cursor and not newer(r, there) then return end
  if r.gone then
    self.rows[r.id] = nil
  elseif not there or self.kind.name == "delete_insert" then
    self.rows[r.id] = copy(r, ALL)
  else
    for field in pairs(r.has) do there[field] = r[field] end
  end
end

-- What the record has no field for is as it was.
local function carry(r, open)
  local version = copy(r, ALL)
  for _, field in ipairs(ALL) do
    if open and not r.has[field] then version[field] = open[field] end
  end
  return version
end

local function same(a, b)
  for _, field in ipairs(ALL) do
    if a[field] ~= b[field] then return false end
  end
  return (a.gone or false) == (b.gone or false)
end

function stream:version(r)
  local versions = self.rows[r.id] or {}
  self.rows[r.id] = versions
  local last = versions[#versions]
  local open = last and not last.to and last or nil
  local at = r.at or #versions + 1
  if open and at < (open.at or at) or last and not open and at < last.to then return end
  local version = carry(r, open)
  if open and not r.gone and same(version, open) then
    open.at = r.at
    return
  end
  if open then
    open.to = at
    if open.from >= at then versions[#versions] = nil end
  end
  if not r.gone then
    version.from = at
    versions[#versions + 1] = version
  end
end

function stream:take(file)
  for _, r in ipairs(file.records) do
    for field in pairs(r.has) do self.columns[field] = true end
    self.has_lists = self.has_lists or r.l and #r.l > 0
    self.columns.n__text = self.columns.n__text or r.id and type(r.n) == "string"
    if not self.keyed then
      local rows = self.rows[file.name] or {}
      rows[#rows + 1] = copy(r, ALL)
      self.rows[file.name] = rows
    elseif r.id == nil then -- a dead row
      self.dead = (self.dead or 0) + 1
    elseif self.history then
      self:version(r)
    elseif self.kind.name == "insert_only" then
      self.rows[r.id] = self.rows[r.id] or copy(r, ALL)
    else
      self:merge(r)
    end
  end
end

-- Takes what is new since the last time, in the order of its names.
function stream:run()
  local names = {}
  for name in pairs(self.fresh or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if not self.keyed then self.rows[name] = nil end
    self:take(self.files[name])
  end
  self.fresh = nil
end

-- ---- comparing --------------------------------------------------------------------------------

function stream:column_list()
  local list = {}
  for _, name in ipairs { "id", "at", "gone", "v", "w", "x", "y", "n", "n__text" } do
    if self.columns[name] then list[#list + 1] = name end
  end
  return list
end

local function show(r, columns, history)
  local cells = {}
  for i, column in ipairs(columns) do
    local v = r[column:match "^n" or column]
    if column:match "^n" and type(v) ~= (column == "n" and "number" or "string") then v = nil end
    cells[i] = v ~= nil and tostring(v) or "~"
  end
  if history then cells[#cells + 1] = r.from .. ".." .. (r.to or "~") end
  return table.concat(cells, "|")
end

-- The rows as text, sorted.
function stream:expected()
  local lines, columns = {}, self:column_list()
  for _, entry in pairs(self.rows) do
    local many = self.history or not self.keyed
    for _, r in ipairs(many and entry or { entry }) do
      lines[#lines + 1] = self.table .. "|" .. show(r, columns, self.history)
      for i, letter in ipairs(r.l or {}) do
        lines[#lines + 1] = ("%s|l|%s|%d|%s"):format(self.table, r.id, i - 1, letter)
      end
    end
  end
  table.sort(lines)
  return table.concat(lines, "\n")
end

-- The same of the child table, whose rows have the key of their record, or its place.
function stream:child_query(to)
  local joined = self.keyed and "p.id = c._parent_id"
    or "p._load_id = c._load_id and p._file = c._file and p._row = c._row"
  return ("select '%s|l|' || coalesce(cast(p.id as text), 'nobody') || '|' || c._position || '|' "
    .. "|| c.value from %s as c left join %s as p on %s;"):format(self.table,
    to:name(self.table .. "__l"), to:name(self.table), joined)
end

-- The query that prints the table in the same way.
function stream:query(to)
  local cells = {}
  for i, column in ipairs(self:column_list()) do
    cells[i] = ("coalesce(cast(%s as text), '~')"):format(column)
  end
  if self.history and self.kind.cursor then
    local day = to.kind == "postgres" and "to_char(%s at time zone 'UTC', 'YYYY-MM-DD')"
      or "substr(%s, 1, 10)"
    cells[#cells + 1] = ("%s || '..' || coalesce(%s, '~')"):format(day:format "_valid_from",
      day:format "_valid_to")
  elseif self.history then -- which version of its key it is, and which one ends it
    cells[#cells + 1] = ("row_number() over (partition by id order by _valid_from) || '..' || "
      .. "case when _valid_to is null then '~' else cast((select 1 + count(*) from %s as o where "
      .. "o.id = t.id and o._valid_from < t._valid_to) as text) end"):format(to:name(self.table))
  end
  return ("select '%s|' || %s from %s as t;"):format(self.table, table.concat(cells, " || '|' || "),
    to:name(self.table))
end

return streams
