-- The JSON Schemas of the YAML files: those that are shipped, and a validator from a package that
-- takes the examples and refuses what `check` refuses.
local cjson = require "cjson.safe"
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"

-- name -> what the validator says of it, "" for nothing. arguments: schemas and files.
local function validate(folder, arguments)
  local argv = { "python3", host.root .. "/tests/support/validate.py" }
  local found = {}
  for line in process.must(table.move(arguments, 1, #arguments, 3, argv), { cwd = folder })
    :gmatch "[^\n]+" do
    local name, message = line:match "^(.-)\t(.*)$"
    found[name] = message
  end
  return found
end

local CRM = [[
return require "etl.source" {
  name = "crm",
  config = {
    base_url = "url", api_key = "secret", page = { type = "integer", default = 50 },
    lists = { type = "string or list", optional = true }, wide = "boolean?",
    kind = { type = "string", one_of = { "a", "b" }, optional = true }, more = "map?",
  },
  resources = {},
}
]]

local HEAD = "version: 1\nid: %s\n"
local SHOP = "sources:\n  shop:\n    use: s3_exports\n    url: file:exports\n"
local CRM_ENTRY = "sources: { crm: { base_url: 'https://x', api_key: { env: K } } }\n"

-- What is well, however it is written.
local good = {
  plain = SHOP .. "    prefixes: { orders: {}, customers: }\n",
  listed = SHOP .. "    prefixes: [orders, { name: b, prefix: c/, hash: [x] }]\n",
  full = "name: NO\ntimezone: Europe/Berlin\nenabled: false\nstart: 2026-01-31\nlanes: 4\n"
    .. "fresh_within: 26h\nmax_dead: { ratio: 0.5, rows: 3 }\n"
    .. "destination: { url: { env: X }, schema: s1 }\n" .. SHOP .. "    enabled: true\n"
    .. "    resources: [orders]\n    fresh_within: { orders: 2h, \"*\": 26h }\n"
    .. "    prefixes: { orders: { key: [a, b], cursor: u, columns: { a: text, "
    .. "b: { type: datetime, zone: UTC } }, contract: { types: freeze }, max_dead: 10 } }\n",
  own = CRM_ENTRY,
  own_full = "sources:\n  crm_eu: { use: crm, base_url: { env: U }, api_key: { file: k }, "
    .. "page: 10, lists: [a], wide: true, kind: b, more: { x: 1 } }\n",
  template = "extends: base\nsources: { shop: { url: file:exports } }\n",
  nothing = "sources: {}\n",
}

-- What `check` refuses.
local bad = {
  typo = SHOP .. "    prefixes: {}\ntimezon: UTC\n",
  no_sources = "name: x\n",
  no_boolean = "enabled: maybe\nsources: {}\n",
  lanes_zero = "lanes: 0\nsources: {}\n",
  lanes_word = "lanes: many\nsources: {}\n",
  no_day = "start: 1.1.2026\nsources: {}\n",
  no_duration = "fresh_within: soon\nsources: {}\n",
  ratio = "max_dead: { ratio: 2 }\nsources: {}\n",
  destination = "destination: { conection: local }\nsources: {}\n",
  tenant = "tenant: x\nsources: {}\n",
  sources_list = "sources: [a]\n",
  source_unknown = "sources: { a: { use: s3_exprts, url: file:exports, prefixes: {} } }\n",
  source_none = "sources: { shop: { url: file:exports, prefixes: {} } }\n",
  setting = SHOP .. "    prefixes: {}\n    ulr: x\n",
  setting_missing = SHOP,
  no_url = "sources: { s3_exports: { url: exports, prefixes: {} } }\n",
  option = SHOP .. "    prefixes: { orders: { colums: {} } }\n",
  option_word = SHOP .. "    prefixes: { orders: { on_row_error: ignore } }\n",
  foreign = SHOP .. "    prefixes: { orders: { primary_key: id } }\n",
  column = SHOP .. "    prefixes: { orders: { columns: { a: integer } } }\n",
  contract = SHOP .. "    prefixes: { orders: { contract: freez } }\n",
  key = SHOP .. "    prefixes: { orders: { key: { a: b } } }\n",
  own_missing = "sources: { crm: { api_key: { env: K } } }\n",
  own_integer = CRM_ENTRY:gsub("base_url", "page: many, base_url"),
  own_choice = CRM_ENTRY:gsub("base_url", "kind: c, base_url"),
  own_unknown = CRM_ENTRY:gsub("base_url", "pag: 1, base_url"),
  in_template = "extends: base\nsources: { shop: { use: s3_exports, ulr: x } }\n",
}

local config_bad = {
  "lanes: x\n", "lane: 2\n", "connections: { 'a b': { url: 'sqlite:x' } }\n",
  "connections: { a: { urls: x } }\n", "log: { level: loud }\n", "limits: { memory: much }\n",
}

local projects_good = 'rules:\n  - { field: a, pattern: "B*", project: b }\n'
  .. '  - { client: x, project: c }\n  - { field: a, lookup: { "5": five } }\n'
local projects_bad = {
  "rules: [{ feild: a, project: x }]\n", "rules: [{ field: a, project: x }]\n",
  "rules: [{ pattern: b, project: x }]\n", "rules: [{ field: a }]\n", "rule: []\n",
  "rules: [{ field: a, lookup: { a: b }, project: x }]\n",
}

describe("the JSON Schemas", function()
  it("that are shipped are those that `etlhost schema` writes", function()
    for _, kind in ipairs { "config", "client", "template", "projects" } do
      local result = host.etlhost { "schema", kind }
      assert.equal(0, result.code, tostring(result))
      assert.equal(files.read(("%s/config/schema/%s.json"):format(host.root, kind)), result.out,
        "build/etlhost schema --write writes them anew")
    end
    local result = host.etlhost { "schema", "cleint" }
    assert.equal(2, result.code)
    assert.matches("did you mean client?", result.err, 1, true)
  end)

  it("take the examples", function()
    local folder = files.temp()
    assert.equal(0, host.etlhost({ "init", "new" }, { cwd = folder }).code)
    local found = validate(host.root, {
      "config/schema/config.json", "config/etlhost.yaml",
      "config/schema/client.json", "config/clients/713.yaml", "config/clients/714.yaml",
    })
    for name, message in pairs(found) do assert.equal("", message, name) end
    found = validate(folder .. "/new/config", {
      "schema/config.json", "etlhost.yaml", "schema/client.json", "clients/example.yaml",
    })
    assert.same({ ["etlhost.yaml"] = "", ["clients/example.yaml"] = "" }, found)
    -- Each file names the schema that it is for.
    for name, schema in pairs { ["etlhost.yaml"] = "schema/config.json",
      ["clients/example.yaml"] = "../schema/client.json" } do
      assert.equal("# yaml-language-server: $schema=" .. schema,
        files.read(folder .. "/new/config/" .. name):match "^[^\n]*")
    end
  end)

  it("refuse what `check` refuses, and nothing else", function()
    local folder = files.temp()
    local function write(name, text) files.write(folder .. "/" .. name, text) end
    write("config/etlhost.yaml", "version: 1\n")
    write("config/templates/base.yaml", "version: 1\nextends: lower\nsources:\n"
      .. "  shop: { use: s3_exports, prefixes: [orders] }\n")
    write("config/templates/lower.yaml", "version: 1\nlanes: 2\n")
    write("config/templates/wrong.yaml", "version: 1\nid: x\n")
    write("config/templates/wrong2.yaml", "version: 1\nsources: { crm: { pag: 1 } }\n")
    write("exports/orders/1.csv", "id\n1\n")
    write("sources/crm.lua", CRM)
    write("pipelines/sync.lua", 'return require "etl.pipeline" {}\n')
    local arguments, expected = { "config/schema/client.json" }, {}
    for is_bad, list in pairs { [false] = good, [true] = bad } do
      for name, text in pairs(list) do
        local file = ("config/clients/%s.yaml"):format(name)
        write(file, HEAD:format(name) .. text)
        arguments[#arguments + 1], expected[file] = file, is_bad
      end
    end
    write("config/clients/no_id.yaml", "version: 1\nsources: {}\n")
    write("config/clients/version.yaml", "version: 2\nid: v\nsources: {}\n")
    for _, name in ipairs { "no_id", "version" } do
      local file = ("config/clients/%s.yaml"):format(name)
      arguments[#arguments + 1], expected[file] = file, true
    end
    arguments[#arguments + 1] = "config/schema/template.json"
    for name, is_bad in pairs { base = false, lower = false, wrong = true, wrong2 = true } do
      local file = ("config/templates/%s.yaml"):format(name)
      arguments[#arguments + 1], expected[file] = file, is_bad
    end
    write("sources/broken.lua", "return nil + 1\n")
    local written = host.etlhost({ "schema", "--write" }, { cwd = folder })
    assert.equal(0, written.code, tostring(written))
    assert.matches("the source broken cannot be evaluated", written.err, 1, true)
    assert.equal(0, host.etlhost({ "schema", "client" }, { cwd = folder }).code)
    local checked, refused = host.etlhost({ "check", "--json" }, { cwd = folder }), {}
    assert.equal(2, checked.code, tostring(checked))
    for line in checked.out:gmatch "[^\n]+" do
      local problem = assert(cjson.decode(line))
      refused[problem.file or ""] = problem.message
    end
    local found = validate(folder, arguments)
    for file, is_bad in pairs(expected) do
      assert.equal(is_bad, found[file] ~= "", file .. ": the schema says: " .. found[file])
      -- What a template's sources lack or have too much is seen with a client that extends it.
      if file ~= "config/templates/wrong2.yaml" then
        assert.equal(is_bad, refused[file] ~= nil, file .. ": check says: "
          .. (refused[file] or "nothing"))
      end
    end
  end)

  it("refuse settings of the project and rules of projects that `check` refuses", function()
    local folder = files.temp()
    local arguments = {}
    local function refuse(schema, checked, list)
      arguments[#arguments + 1] = ("%s/config/schema/%s.json"):format(host.root, schema)
      for i, text in ipairs(list) do
        files.write(folder .. "/config/etlhost.yaml", "version: 1\n")
        files.write(folder .. "/config/" .. checked, "version: 1\n" .. text)
        assert.equal(2, host.etlhost({ "check" }, { cwd = folder }).code, text)
        arguments[#arguments + 1] = files.write(("%s/%s%d.yaml"):format(folder, schema, i),
          "version: 1\n" .. text)
      end
    end
    refuse("config", "etlhost.yaml", config_bad)
    refuse("projects", "projects.yaml", projects_bad)
    for name, message in pairs(validate(folder, arguments)) do
      assert.is_true(message ~= "", name)
    end
    files.write(folder .. "/config/projects.yaml", "version: 1\n" .. projects_good)
    assert.equal(0, host.etlhost({ "check" }, { cwd = folder }).code)
    local found = validate(folder, { host.root .. "/config/schema/projects.json",
      "config/projects.yaml" })
    assert.same({ ["config/projects.yaml"] = "" }, found)
  end)
end)
