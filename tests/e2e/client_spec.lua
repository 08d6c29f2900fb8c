-- The clients of a project: listed, shown, added by flags and by questions, paused and taken up.
local cjson = require "cjson.safe"
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"

local folder

local function write(name, text) return files.write(folder .. "/" .. name, text) end
local function read(name) return files.read(folder .. "/" .. name) end
local function etlhost(...) return host.etlhost({ ... }, { cwd = folder }) end

local function must(...)
  local result = etlhost(...)
  assert.equal(0, result.code, tostring(result))
  return result.out
end

-- etlhost at a terminal, with these answers.
local function answer(answers, ...)
  local argv = { "python3", host.root .. "/tests/support/terminal.py", host.program, ... }
  return process.run(argv, {
    cwd = folder, input = table.concat(answers, "\n") .. "\n", seconds = 20,
    env = { NO_COLOR = "1" },
  })
end

local acme = [[
# Whose rows.
version: 1
id: acme          # never changes
name: Acme        # for people

timezone: Europe/Berlin
sources:
  shop:
    use: s3_exports
    url: file:exports
    prefixes: { orders: { key: id, table: all, write: append } }
]]

local crm = [[
return require "etl.source" {
  name = "crm", help = "Contacts",
  config = {
    base_url = { type = "url", help = "where it answers" }, api_key = "secret",
    page = { type = "integer", optional = true }, lists = { type = "list", optional = true },
  },
  resources = {},
}
]]

describe("etlhost client", function()
  before_each(function()
    folder = files.temp()
    write("config/etlhost.yaml", "version: 1\nconnections: { store: { env: STORE_URL } }\n")
    write("config/templates/shop.yaml", "version: 1\nsources:\n  shop: { use: s3_exports, "
      .. "prefixes: [orders] }\n")
    write("config/clients/acme.yaml", acme)
    write("exports/orders/1.csv", "id\n1\n")
    write("sources/crm.lua", crm)
    write("pipelines/sync.lua", 'return require "etl.pipeline" {}\n')
  end)

  it("list says who is enabled, by which pipeline, from which sources", function()
    write("pipelines/own.lua", 'return require "etl.pipeline" { client = "b" }\n')
    write("config/clients/b.yaml", "version: 1\nid: b\nextends: shop\nenabled: false\nsources:\n"
      .. "  shop: { url: file:exports }\n  crm: { enabled: false }\n")
    write("config/clients/c.yaml", "version: 1\nid: c\nsource: {}\n")
    local by_client = {}
    for line in must("client", "list", "--json"):gmatch "[^\n]+" do
      local one = assert(cjson.decode(line))
      by_client[one.client] = one
    end
    assert.same({ "pipelines/sync.lua" }, by_client.acme.pipelines)
    assert.equal("enabled", by_client.acme.state)
    assert.same({ "pipelines/own.lua" }, by_client.b.pipelines)
    assert.equal("disabled", by_client.b.state)
    assert.same({ "config/templates/shop.yaml" }, by_client.b.templates)
    assert.equal("mistake", by_client.c.state)
    local text = must("client", "list")
    assert.matches("b +disabled +shop +pipelines/own.lua +shop %(s3_exports%), %[crm%]", text)
  end)

  it("show puts a client on one page", function()
    local text = must("client", "show", "acme")
    assert.matches("pipeline +pipelines/sync.lua", text)
    assert.matches("destination +local: sqlite:etlhost.db", text)
    assert.matches("shop %(s3_exports%) +orders +append +id +all", text)
    write("config/clients/acme.yaml", (acme:gsub("prefixes", "prefixs")))
    local result = etlhost("client", "show", "acme")
    assert.equal(2, result.code)
    assert.matches('did you mean "prefixes"?', result.err, 1, true)
  end)

  describe("disable and enable", function()
    it("change one word, and nothing else", function()
      assert.matches("is disabled", must("client", "disable", "acme"), 1, true)
      assert.equal((acme:gsub("# for people\n", "# for people\nenabled: false\n")),
        read "config/clients/acme.yaml")
      assert.matches("already", must("client", "disable", "acme"), 1, true)
      assert.matches("acme +Acme +disabled", must("client", "list"))
      assert.equal(2, etlhost("run", "pipelines/sync.lua").code)
      must("client", "enable", "acme")
      assert.equal((acme:gsub("# for people\n", "# for people\nenabled: true\n")),
        read "config/clients/acme.yaml")
      must("run", "pipelines/sync.lua")
    end)

    it("find the word where it stands, however it is written", function()
      for before, after in pairs {
        ["enabled:   'true'   # a pause\n"] = "enabled:   false   # a pause\n",
        ["enabled:\n"] = "enabled: false\n",
        ['"enabled": true\r\n'] = '"enabled": false\r\n',
      } do
        write("config/clients/acme.yaml", acme .. before)
        must("client", "disable", "acme")
        assert.equal(acme .. after, read "config/clients/acme.yaml")
      end
      local flow = "{ version: 1, id: acme, sources: {} }"
      write("config/clients/acme.yaml", flow)
      must("client", "disable", "acme")
      assert.equal("{ enabled: false, version: 1, id: acme, sources: {} }",
        read "config/clients/acme.yaml")
    end)

    it("overrule a template", function()
      write("config/templates/shop.yaml", "version: 1\nenabled: false\n")
      write("config/clients/acme.yaml", "version: 1\nextends: shop\nsources: {}\nid: acme")
      must("client", "enable", "acme")
      assert.equal("version: 1\nextends: shop\nsources: {}\nid: acme\nenabled: true\n",
        read "config/clients/acme.yaml")
    end)
  end)

  describe("add", function()
    local function lines_of(name)
      local _, count = read(name):gsub("\n", "")
      return count
    end

    it("writes a file that passes check, by flags", function()
      must("client", "add", "--id", "713", "--name", "Birch, & Co: 'x'", "--timezone", "Asia/Tokyo",
        "--source", "orders=s3_exports", "--set", "orders.url=file:exports", "--set",
        "orders.prefixes=[orders]", "--destination", "store")
      assert.matches("all is well: 2 clients", must("check"), 1, true)
      assert.is_true(lines_of "config/clients/713.yaml" <= 16)
      local shown = must("config", "show", "--client", "713")
      assert.matches([[name: "Birch, & Co: 'x'"]], shown, 1, true)
      assert.matches("connection: store", shown, 1, true)
      assert.matches("timezone: Asia/Tokyo", shown, 1, true)
    end)

    it("builds on a template, and writes only what the template lacks", function()
      must("client", "add", "--id", "713", "--template", "shop", "--set", "shop.url=file:exports")
      assert.matches("extends: shop", read "config/clients/713.yaml", 1, true)
      assert.is_nil(read("config/clients/713.yaml"):find("prefixes", 1, true))
      must("run", "pipelines/sync.lua", "--client", "713")
    end)

    it("never writes a secret, and says where it is to go", function()
      local words = { "client", "add", "--id", "7-b", "--source", "crm", "--set",
        "crm.base_url=https://crm.example", "--set", "crm.page=50", "--set", "crm.lists=a, b" }
      local text = must(table.unpack(words))
      assert.matches("C_7_B_CRM_API_KEY=...", text, 1, true)
      assert.matches("api_key: { env: C_7_B_CRM_API_KEY }", read "config/clients/7-b.yaml", 1, true)
      words[4] = "8"
      words[#words + 1], words[#words + 2] = "--set", "crm.api_key=hunter2"
      local result = etlhost(table.unpack(words))
      assert.equal(2, result.code)
      assert.matches("crm.api_key is a secret", result.err, 1, true)
      assert.is_nil(tostring(result.err):find("hunter2", 1, true))
      assert.is_nil(read "config/clients/8.yaml")
    end)

    it("writes nothing that check would refuse", function()
      for _, case in ipairs {
        { { "--id", "acme" }, "is there already" },
        { { "--id", "a b" }, "is no id" },
        { { "--id", "9", "--template", "shp" }, 'did you mean "shop"?' },
        { { "--id", "9", "--source", "crn" }, 'did you mean "crm"?' },
        { { "--id", "9", "--source", "crm" }, "--set 'crm.base_url=VALUE'" },
        { { "--id", "9", "--source", "crm", "--set", "crn.page=1" }, "did you mean crm.page?" },
        { { "--id", "9", "--source", "crm", "--set", "crm.base_url=https://x", "--set",
          "crm.pag=1" }, 'did you mean "page"?' },
        { { "--id", "9", "--timezone", "Europe/Berln" }, "did you mean Europe/Berlin?" },
        { { "--id", "9", "--destination", "stor" }, 'did you mean "store"?' },
        { {}, "--id is missing" },
      } do
        local result = etlhost("client", "add", table.unpack(case[1]))
        assert.equal(2, result.code, tostring(result))
        assert.matches(case[2], result.err, 1, true)
        assert.is_nil(read "config/clients/9.yaml")
      end
      assert.equal(acme, read "config/clients/acme.yaml")
    end)

    it("asks at a terminal, and asks again after a wrong answer", function()
      local result = answer({ "acme", "714", "Zwei", "none", "", "Europe/Berln", "Europe/Berlin",
        "store", "s3_exprts", "s3_exports", "orders", "", "orders", "", "", "file:exports" },
        "client", "add")
      assert.equal(0, result.code, tostring(result))
      assert.matches("it is taken by config/clients/acme.yaml", result.out, 1, true)
      assert.matches('there is no template "none"', result.out, 1, true)
      assert.matches("did you mean Europe/Berlin?", result.out, 1, true)
      assert.matches('did you mean "s3_exports"?', result.out, 1, true)
      local text = read "config/clients/714.yaml"
      assert.matches("prefixes: [orders]", text, 1, true)
      assert.matches("url: file:exports", text, 1, true)
      assert.matches("connection: store", text, 1, true)
      must("check")
    end)

    it("asks for what a template lacks, and writes nothing when nobody answers", function()
      local result = answer({ "715", "", "shop", "", "", "file:exports" }, "client", "add")
      assert.equal(0, result.code, tostring(result))
      assert.matches("shop.url", result.out, 1, true)
      assert.is_nil(result.out:find("shop.prefixes", 1, true))
      must("check")
      result = answer({ "716" }, "client", "add")
      assert.equal(130, result.code, tostring(result))
      assert.matches("nothing was written", result.out, 1, true)
      assert.is_nil(read "config/clients/716.yaml")
    end)
  end)
end)
