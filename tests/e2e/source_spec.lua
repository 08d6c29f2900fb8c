-- A project's own source: what its script is told, and where its mistakes are shown.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local HEAD = 'local source = require "etl.source"\nreturn source {\n  name = "mailbox",\n'

local function project(source, exports)
  local folder = host.project { exports = exports }
  files.write(folder .. "/config/clients/acme.yaml", [[
version: 1
id: "acme"
sources:
  partner:
    use: mailbox
    url: file:exports
]])
  files.write(folder .. "/sources/mailbox.lua", HEAD .. source)
  return folder
end

local function check(source)
  local result = host.etlhost({ "check" }, { cwd = project(source) })
  assert.equal(host.exit.config, result.code, tostring(result))
  return result.out
end

describe("a source of the project's own", function()
  it("hears how many rows of each file were read, before the last of them commit", function()
    local folder = project([[
  config = { url = "url" },
  resources = { sales = { table = "t", max_dead = { ratio = 1, rows = 9 }, extract = function(ctx)
    for file in ctx:files { location = ctx.settings.url } do
      local r = ctx:load(file)
      ctx:warn("%s: %s, %d rows, %d dead", file.name, r.status, r.rows, r.dead)
    end
  end } } }
]], { ["a.csv"] = "id\n1\n2\n", ["b.csv"] = "id\n3\n4,5\n6\n7\n", ["c.csv"] = "id\n" })
    local to = target.sqlite()
    local result = host.run(folder, to)
    assert.equal(0, result.code, tostring(result))
    assert.matches("a.csv: loaded, 2 rows, 0 dead", result.out, 1, true)
    assert.matches("b.csv: loaded, 3 rows, 1 dead", result.out, 1, true)
    assert.matches("c.csv: loaded, 0 rows, 0 dead", result.out, 1, true)
    assert.equal(5, to:count "t")
    local again = host.run(folder, to)
    assert.matches("b.csv: known, 0 rows, 0 dead", again.out, 1, true)
  end)

  it("has its mistakes shown where they are, not at the client", function()
    local out = check [[
  config = { url = "url" },
  resources = { sales = {
    colums = { a = "text" },
    key = 5,
    extract = function() end } } }
]]
    assert.matches("at sources/mailbox.lua:6:5", out, 1, true)
    assert.matches("at sources/mailbox.lua:7:5", out, 1, true)
    assert.not_matches("acme.yaml", out, 1, true)
    out = check '  config = { url = "urk" },\n  hots = {},\n  resources = {} }\n'
    assert.matches("at sources/mailbox.lua:4:21", out, 1, true)
    assert.matches("at sources/mailbox.lua:5:3", out, 1, true)
    out = check "  config = {},\n  resources = function(s)\n    return s.no.such end }\n"
    assert.matches("at config/clients/acme.yaml:6:5", out, 1, true) -- url is no setting of it
    out = check('  config = { url = "url" },\n  resources = function(s)\n'
      .. "    return s.no.such end }\n")
    assert.matches("at sources/mailbox.lua:6\n", out, 1, true)
    out = check '  config = { url = "url" }\n  resources = {} }\n'
    assert.matches("at sources/mailbox.lua:5\n", out, 1, true)
    assert.matches("1 problem in 1 file", out, 1, true)
  end)

  it("shows a mistake of the client's file there, also inside of a resource", function()
    local folder = host.project {
      settings = "    prefixes:\n      orders: { colums: { a: text } }\n" }
    local result = host.etlhost({ "check" }, { cwd = folder })
    assert.matches("at config/clients/acme.yaml:8:17", result.out, 1, true)
  end)
end)
