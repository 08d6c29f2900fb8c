-- docs/reference/lua.md, from the annotations of lua/meta (LuaLS): what a script may use. They are
-- the only source of it; a spec holds the page, and the names that lua/etl has, against them.

local embedded = require "host.embedded"

local lua_reference = {}

local head = [[
# Lua

What sources and pipelines may use. This page is written by `etlhost help --lua` from `lua/meta`,
which an editor with LuaLS reads too; a test compares the two. How it fits together:
[write a source](../how-to/write-a-source.md), [the tutorial](../tutorial.md). A `?` marks what may
be left out.

]]

-- The order in which one meets them; files that are new come behind.
local first = { "etl.source", "etl.pipeline", "etl.row", "etl.ctx" }

local function files()
  local rank, names = {}, {}
  for i, name in ipairs(first) do rank["lua/meta/" .. name .. ".lua"] = i end
  for _, path in ipairs(embedded.list "lua/meta/") do names[#names + 1] = path end
  table.sort(names, function(a, b)
    local ra, rb = rank[a] or 99, rank[b] or 99
    if ra ~= rb then return ra < rb end
    return a < b
  end)
  return names
end

-- "{ a: b }|string what it is" -> type, text. Spaces part the two only outside of brackets.
local function split_type(rest)
  local depth, quoted = 0, false
  local at = 1
  while at <= #rest do
    local c = rest:sub(at, at)
    if c == '"' then quoted = not quoted end
    if not quoted then
      if c:match "[({<]" then depth = depth + 1 end
      if c:match "[)}>]" then depth = depth - 1 end
      if c == " " and depth == 0 and rest:sub(at - 1, at - 1) ~= ":" then break end
    end
    at = at + 1
  end
  return rest:sub(1, at - 1), (rest:sub(at + 1):gsub("^#%s*", ""))
end

local function code(s)
  return "`" .. s .. "`"
end

local function cell(s)
  return (s:gsub("|", "\\|"))
end

local function table_of(lines, title, rows)
  if #rows == 0 then return end
  lines[#lines + 1] = ("| %s | type | |"):format(title)
  lines[#lines + 1] = "|---|---|---|"
  for _, row in ipairs(rows) do
    lines[#lines + 1] = ("| %s | %s | %s"):format(code(row[1]), cell(code(row[2])),
      row[3] ~= "" and cell(row[3]) .. " |" or "|")
  end
  lines[#lines + 1] = ""
end

local function named(list, rest)
  local name, type_and_text = rest:match "^(%S+)%s+(.*)$"
  if not name then return end
  local kind, words = split_type(type_and_text)
  if name:match "^%[" then name = rest:match "^(%[.-%])" end
  list[#list + 1] = { name, kind, words }
end

local function new_block()
  return { text = {}, fields = {}, params = {}, returns = {}, choices = {} }
end

-- One line of a comment into the block.
local function take(block, line)
  local tag, rest = line:match "^%-%-%-@(%w+)%s*(.*)$"
  if tag == "field" then named(block.fields, rest)
  elseif tag == "param" then named(block.params, rest)
  elseif tag == "return" then block.returns[#block.returns + 1] = rest
  elseif tag == "overload" then block.overload = rest
  elseif tag == "class" then
    block.class, block.class_text = rest:match "^([%w_.]+)[:%s]*(.*)$"
  elseif tag == "alias" then
    block.alias, block.alias_type = rest:match "^(%S+)%s*(.*)$"
  elseif not tag and line:match "^%-%-%-|" then
    block.choices[#block.choices + 1] = line:match "^%-%-%-|%s*(.*)$"
  elseif not tag then
    block.text[#block.text + 1] = line:match "^%-%-%-%s?(.*)$"
  end
end

local function add_text(lines, block)
  for _, line in ipairs(block.text) do lines[#lines + 1] = line end
  if #block.text > 0 and block.text[#block.text] ~= "" then lines[#lines + 1] = "" end
end

local function add_alias(lines, block)
  lines[#lines + 1] = "### " .. code(block.alias)
  lines[#lines + 1] = ""
  add_text(lines, block)
  if block.alias_type ~= "" then
    lines[#lines + 1] = code(block.alias_type)
    lines[#lines + 1] = ""
  end
  for _, choice in ipairs(block.choices) do
    local value, what = choice:match "^(.-)%s+#%s*(.*)$"
    lines[#lines + 1] = "- " .. code(value or choice:gsub("^|%s*", ""))
      .. (what and ": " .. what or "")
  end
  if #block.choices > 0 then lines[#lines + 1] = "" end
end

local function add_class(lines, block, is_module)
  if not is_module then
    lines[#lines + 1] = "### " .. code(block.class)
    lines[#lines + 1] = ""
  end
  if block.class_text ~= "" then
    lines[#lines + 1] = block.class_text
    lines[#lines + 1] = ""
  end
  add_text(lines, block)
  if block.overload then
    lines[#lines + 1] = "Called: " .. code(block.overload)
    lines[#lines + 1] = ""
  end
  table_of(lines, "field", block.fields)
end

local function add_function(lines, block, name, parameters)
  lines[#lines + 1] = ("### `%s(%s)`"):format(name, parameters)
  lines[#lines + 1] = ""
  add_text(lines, block)
  table_of(lines, "argument", block.params)
  for _, value in ipairs(block.returns) do
    lines[#lines + 1] = "Returns " .. code(value)
    lines[#lines + 1] = ""
  end
end

-- One file as a section; block by block, which ends at the first line that is no comment. What is
-- said of the module itself comes first.
local function add_file(page, path)
  local module = path:match "([%w_.]+)%.lua$"
  local lines, block = {}, new_block()
  page[#page + 1] = "## " .. module
  page[#page + 1] = ""
  for line in (embedded.read(path) .. "\n"):gmatch "(.-)\n" do
    local name, parameters = line:match "^function ([%w_.:]+)%((.-)%)"
    if line:match "^%-%-%-" and not line:match "^%-%-%-@meta" then
      take(block, line)
    else
      if name then add_function(lines, block, name, parameters)
      elseif block.class == module then add_class(page, block, true)
      elseif block.class then add_class(lines, block)
      elseif block.alias then add_alias(lines, block)
      end
      block = new_block()
    end
  end
  table.move(lines, 1, #lines, #page + 1, page)
end

function lua_reference.page()
  local lines = {}
  for _, path in ipairs(files()) do add_file(lines, path) end
  return head .. table.concat(lines, "\n"):gsub("\n+$", "") .. "\n"
end

-- Every name that the annotations tell of: "ctx:load", "etl.resource_options.key".
function lua_reference.names()
  local names = {}
  for _, path in ipairs(files()) do
    local class
    for line in (embedded.read(path) .. "\n"):gmatch "(.-)\n" do
      class = line:match "^%-%-%-@class ([%w_.]+)" or class
      local field = line:match "^%-%-%-@field ([%w_]+)"
      if field and class then names[class .. "." .. field] = true end
      local name = line:match "^function ([%w_.:]+)%("
      if name then names[name] = true end
    end
  end
  return names
end

return lua_reference
