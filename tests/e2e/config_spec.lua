-- Templates, what they come to for a client, and what is left out: the program on a project of two
-- clients.
local cjson = require "cjson.safe"
local files = require "tests.support.files"
local host = require "tests.support.host"

local folder

local function write(name, text) return files.write(folder .. "/" .. name, text) end
local function etlhost(...) return host.etlhost({ ... }, { cwd = folder }) end

local base = "version: 1\ntimezone: Europe/Berlin\nlanes: 3\n"
local shop = [[
version: 1
extends: base
destination: { connection: local, schema: shops }
max_dead: { rows: 5 }
sources:
  shop:
    use: s3_exports
    prefixes:
      orders: { columns: { amount: numeric, zip: text }, hash: [email, phone] }
      customers: {}
]]
local acme = [[
version: 1
id: acme
extends: shop
timezone: Asia/Tokyo
sources:
  shop:
    url: file:exports
    prefixes: { orders: { columns: { amount: text }, hash: [email] } }
]]

describe("templates", function()
  before_each(function()
    folder = files.temp()
    write("config/etlhost.yaml", "version: 1\nmax_dead: { ratio: 0.5 }\n"
      .. "connections: { store: { env: STORE_URL } }\n")
    write("config/templates/base.yaml", base)
    write("config/templates/shop.yaml", shop)
    write("config/clients/acme.yaml", acme)
    write("exports/orders/1.csv", "order_id,amount,zip,email\n1,2.50,0123,a@b\n")
    write("exports/customers/1.csv", "id\n1\n")
    write("pipelines/sync.lua", 'return require "etl.pipeline" {}\n')
  end)

  -- path joined by dots -> { value, origin }
  local function shown()
    local result = etlhost("config", "show", "--origin", "--json")
    assert.equal(0, result.code, tostring(result))
    local by_path = {}
    for line in result.out:gmatch "[^\n]+" do
      local one = assert(cjson.decode(line))
      by_path[table.concat(one.path, ".")] = { one.value, one.origin }
    end
    return by_path
  end

  it("lie under a client's file, and each value says where it is from", function()
    local at = shown()
    local client, template = "config/clients/acme.yaml:", "config/templates/"
    assert.same({ "Asia/Tokyo", client .. "4" }, at.timezone)
    assert.same({ 3, template .. "base.yaml:3" }, at.lanes)
    assert.same({ 5, template .. "shop.yaml:4" }, at["max_dead.rows"])
    assert.same({ 0.5, "config/etlhost.yaml:2" }, at["max_dead.ratio"])
    assert.same({ "shops", template .. "shop.yaml:3" }, at["destination.schema"])
    assert.same({ true, "default" }, at.enabled)
    assert.same({ "file:exports", client .. "7" }, at["sources.shop.url"])
    local orders = "sources.shop.prefixes.orders."
    assert.same({ "text", client .. "8" }, at[orders .. "columns.amount"])
    assert.same({ "text", template .. "shop.yaml:9" }, at[orders .. "columns.zip"])
    assert.same({ { "email" }, client .. "8" }, at[orders .. "hash"]) -- a list replaces
    assert.same({ {}, template .. "shop.yaml:10" }, at["sources.shop.prefixes.customers"])
  end)

  it("count in a run, and what was shown is a client's file again", function()
    local result = etlhost("run", "pipelines/sync.lua")
    assert.equal(0, result.code, tostring(result))
    assert.matches("customers", result.out, 1, true)
    local before = shown()
    local text = etlhost("config", "show").out
    write("config/clients/acme.yaml", (text:gsub("extends: shop\n", "")))
    local after = shown()
    assert.is_nil(after.extends)
    for path, one in pairs(before) do
      if path ~= "extends" then assert.same(one[1], after[path] and after[path][1], path) end
    end
    assert.equal(0, etlhost("check").code)
  end)

  it("give way where an address stands for a connection", function()
    write("config/clients/acme.yaml", acme .. 'destination: { url: "sqlite:own.db" }\n')
    local at = shown()
    assert.is_nil(at["destination.connection"])
    assert.same({ "sqlite:own.db", "config/clients/acme.yaml:9" }, at["destination.url"])
    assert.equal(0, etlhost("run", "pipelines/sync.lua").code)
    assert.is_truthy(files.read(folder .. "/own.db"))
  end)

  it("keep a client's secret from being merged with another's, or shown", function()
    write("config/templates/base.yaml", base
      .. "sources:\n  crm: { use: crm, api_key: { env: A } }\n")
    write("sources/crm.lua", [[
return require "etl.source" { name = "crm", config = { api_key = "secret", pin = "secret?",
  page = { type = "integer", default = 50 } }, resources = {} }
]])
    write("config/clients/acme.yaml", acme .. "  crm: { api_key: { file: k }, pin: '4711' }\n"
      .. 'destination: { url: "postgres://me:hidden@h/d" }\n')
    local at = shown()
    assert.same({ { file = "k" }, "config/clients/acme.yaml:9" }, at["sources.crm.api_key"])
    assert.same({ "***", "config/clients/acme.yaml:9" }, at["sources.crm.pin"])
    assert.same({ 50, "default of the source crm" }, at["sources.crm.page"])
    assert.equal("postgres://me:***@h/d", at["destination.url"][1])
    local text = tostring(etlhost("config", "show", "--origin"))
    assert.is_nil(text:find("4711", 1, true))
    assert.is_nil(text:find("hidden", 1, true))
  end)

  it("are checked by themselves, and a name that is none is answered", function()
    write("config/templates/lost.yaml", "version: 1\nid: x\ntimezon: UTC\n")
    write("config/clients/acme.yaml", (acme:gsub("extends: shop", "extends: shp")))
    local result = etlhost("check")
    assert.equal(2, result.code)
    assert.matches("config/templates/lost.yaml:2:1", result.out, 1, true)
    assert.matches("that is a client's own", result.out, 1, true)
    assert.matches('did you mean "timezone"?', result.out, 1, true)
    assert.matches('there is no template "shp"', result.out, 1, true)
    assert.matches('did you mean "shop"?', result.out, 1, true)
    assert.matches("3 problems in 2 files", result.out, 1, true)
  end)

  it("name the circle that they go round in", function()
    write("config/templates/base.yaml", base .. "extends: shop\n")
    local result = etlhost("check")
    assert.equal(2, result.code)
    assert.matches("circle: shop -> base -> shop", result.out, 1, true)
    result = etlhost("run", "pipelines/sync.lua")
    assert.equal(2, result.code)
    assert.matches("circle", result.out, 1, true)
  end)

  it("pass their mistakes on to who builds on them, told once", function()
    write("config/templates/shop.yaml", shop .. "lanez: 2\n")
    write("config/clients/b.yaml", (acme:gsub("id: acme", "id: b")))
    local result = etlhost("check")
    assert.equal(2, result.code)
    assert.matches("1 problem in 1 file", result.out, 1, true)
    result = etlhost("run", "pipelines/sync.lua")
    assert.matches("config/templates/shop.yaml:11:1", result.out, 1, true)
  end)
end)

describe("what is left out", function()
  before_each(function()
    folder = host.project {
      settings = "    prefixes: { orders: {} }\n"
        .. "  off: { use: s3_exports, enabled: false, url: file:nowhere, prefixes: { x: {} } }\n",
      exports = { ["orders/old.csv"] = "id\n1\n", ["orders/new.csv"] = "id\n2\n" },
      client = "timezone: Europe/Berlin\nstart: 2026-01-01\n",
      pipeline = 'return require "etl.pipeline" { off = { x = { hash = { "a" } } } }\n',
    }
  end)

  it("are sources that are switched off, and files from before the start", function()
    -- The last second of the year in Berlin, and the first of the next.
    assert(os.execute(("touch -d 2025-12-31T22:59:59Z %s/exports/orders/old.csv"):format(folder)))
    assert(os.execute(("touch -d 2025-12-31T23:00:00Z %s/exports/orders/new.csv"):format(folder)))
    local result = etlhost("run", "pipelines/p.lua", "--json")
    assert.equal(0, result.code, tostring(result))
    assert.matches('"file":"orders/new.csv","status":"loaded"', result.out, 1, true)
    assert.is_nil(result.out:find("orders/old.csv", 1, true))
    assert.matches("1 file left out: last written before start (2026-01-01)", result.out, 1, true)
    assert.is_nil(result.out:find('"instance":"off"', 1, true))
    result = etlhost("status", "--json")
    assert.matches('"source":"off"[^\n]*"state":"disabled"', result.out)
  end)

  it("is refused where it is no day", function()
    local client = files.read(folder .. "/config/clients/acme.yaml")
    for _, day in ipairs { "2026-02-29", "2026-13-01", "1.1.2026" } do
      write("config/clients/acme.yaml", (client:gsub("2026%-01%-01", day)))
      local result = etlhost("check")
      assert.equal(2, result.code)
      assert.matches("acme.yaml:5:8", result.out, 1, true)
      assert.matches("a day such as 2024-01-31", result.out, 1, true)
    end
  end)
end)
