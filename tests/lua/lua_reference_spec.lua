-- docs/reference/lua.md is about the Lua that scripts really have.

local embedded = require "host.embedded"
local files = require "host.files"
local lua_reference = require "host.lua_reference"

local root = os.getenv "ETLHOST_TEST_ROOT" or "."

-- Modules that only other modules of lua/etl require, and functions that only the host calls.
local internal = {
  ["lua/etl/plan.lua"] = true, ["lua/etl/problems.lua"] = true, ["lua/etl/resource.lua"] = true,
  ["lua/etl/conditions.lua"] = true, ["lua/etl/contract.lua"] = true,
  ["lua/etl/changes.lua"] = true, ["lua/etl/writing.lua"] = true,
  ["lua/etl/words.lua"] = true, ["lua/etl/window.lua"] = true,
  ["context.new"] = true, ["ctx:retry"] = true, ["source.open"] = true, ["source.check"] = true,
  ["source.describe"] = true, ["source.hosts_of"] = true, ["response.of_rows"] = true,
  ["response.pending"] = true, ["fields.describe"] = true,
  ["pipeline.check"] = true, ["pipeline.changes_for"] = true,
}

-- The keys of the table that begins behind `start` in Lua text.
local function keys_of(content, start)
  local _, at = content:find(start, 1, true)
  local keys, depth, rest = {}, 1, content:sub(assert(at, start) + 1)
  rest = rest:gsub("%-%-[^\n]*", ""):gsub('"[^"\n]*"', '""')
  for word, mark in rest:gmatch "([%w_]*)%s*([={}])" do
    if mark == "{" then depth = depth + 1
    elseif mark == "}" then depth = depth - 1
    elseif depth == 1 then keys[#keys + 1] = word
    end
    if depth == 0 then return keys end
  end
end

local function missing_of(class, path, start)
  local known, list = lua_reference.names(), {}
  for _, key in ipairs(keys_of(embedded.read(path), start)) do
    if not known[class .. "." .. key] then list[#list + 1] = class .. "." .. key end
  end
  return list
end

describe("docs/reference/lua.md", function()
  it("is what `etlhost help --lua` writes", function()
    assert.equal(lua_reference.page(), assert(files.read(root .. "/docs/reference/lua.md")))
  end)

  it("has every function that a script may call", function()
    local known, missing = lua_reference.names(), {}
    for _, path in ipairs(embedded.list "lua/etl/") do
      for module, mark, name in embedded.read(path):gmatch "\nfunction ([%w_]+)([.:])([%w_]+)%(" do
        local full = (module == "context" and mark == ":" and "ctx" or module) .. mark .. name
        if not internal[path] and not internal[full] and not known[full] then
          missing[#missing + 1] = full
        end
      end
    end
    assert.same({}, missing)
  end)

  it("has every option of a resource and of a source", function()
    assert.same({}, missing_of("etl.resource_options", "lua/etl/resource.lua",
      "resource.options = {"))
    assert.same({}, missing_of("etl.source_options", "lua/etl/source.lua", "local options = {"))
  end)

  it("tells fields from their types and words", function()
    local page = lua_reference.page()
    assert.matches("| `cursor?` | `string\\|etl.cursor` | how far it is read", page, 1, true)
    assert.matches("| `on_row_error?` | `\"dead\"\\|\"stop\"` | what an error of `row` does",
      page, 1, true)
    assert.matches("| `row?` | `fun(row: etl.row): boolean?` | called for each row", page, 1, true)
    assert.matches("### `ctx:load(file)`", page, 1, true)
    assert.matches("- `\"denied\"`: known, but not allowed", page, 1, true)
  end)
end)
