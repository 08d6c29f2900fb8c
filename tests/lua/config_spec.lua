-- The configuration: what is read, and that every mistake is found at its place.

local config = require "host.config"
local destination = require "host.destination"
local project = require "host.project"
local secrets = require "host.secrets"
local spec = require "host.spec"
local support = require "tests.lua.support"

local remove

local function load_project(content)
  local folder
  content["config/etlhost.yaml"] = content["config/etlhost.yaml"] or "version: 1\n"
  folder, remove = support.folder(content)
  return config.load(assert(project.find { folder = folder })), folder
end

local function client(text)
  return load_project { ["config/clients/713.yaml"] = text, ["data/x.csv"] = "a\n1\n" }
end

local function only_problem(loaded)
  local list = loaded:all_problems()
  assert.equal(1, #list, #list > 1 and tostring(list[1]) .. " / " .. tostring(list[2]) or nil)
  return list[1]
end

describe("the configuration", function()
  after_each(function()
    remove()
  end)

  it("gives a client its own settings and the defaults", function()
    local loaded, folder = load_project {
      ["config/etlhost.yaml"] = "version: 1\ndefaults: { timezone: Europe/Berlin }\nlanes: 4\n",
      ["config/clients/713.yaml"] = 'version: 1\nid: "0713"\nname: NO\nsources:\n  orders:\n'
        .. "    use: s3_exports\n    url: file:data\n    resources: [a, b]\n    zip: 0755\n",
      ["data/x.csv"] = "a\n1\n",
    }
    assert.same({}, loaded:all_problems())
    local c = assert(loaded:select { "0713" })[1]
    assert.equal("NO", c.name)
    assert.equal("Europe/Berlin", c.timezone)
    assert.equal(4, loaded.lanes)
    local source = c.sources[1]
    assert.equal("s3_exports", source.use)
    assert.equal("orders", source.instance)
    assert.same({ "a", "b" }, { table.unpack(source.resources) })
    assert.equal("0755", source.settings.zip)
    assert.same({ folder .. "/data" }, source.roots)
  end)

  it("opens to requests what the operator says, and nothing that is half said", function()
    local loaded, folder = load_project {
      ["config/etlhost.yaml"] = "version: 1\nnetwork: { allow_private: "
        .. "['127.0.0.1:80', '[::1]:81'], proxy: http://proxy:3128, ca_file: ca.pem }\n",
    }
    assert.same({}, loaded.problems)
    local network = spec.network(loaded)
    assert.same({ "127.0.0.1:80", "[::1]:81" }, { table.unpack(network.allow_private) })
    assert.same({ "http://proxy:3128", folder .. "/ca.pem" }, { network.proxy, network.ca_file })
    for _, wrong in ipairs { "allow_private: ['127.0.0.1']", "allow_private: ['localhost:80']",
      "proxy: 'http://me:word@proxy:1'", "verify: 'false'" } do
      local other = load_project {
        ["config/etlhost.yaml"] = "version: 1\nnetwork: { " .. wrong .. " }\n",
      }
      assert.equal(1, #other.problems, wrong)
    end
    assert.is_nil(spec.network(load_project { ["config/etlhost.yaml"] = "version: 1\n" }))
  end)

  it("finds a misspelt word and names the nearest", function()
    local problem = only_problem(client 'version: 1\nid: "1"\ntimezon: UTC\nsources: {}\n')
    assert.equal("config/clients/713.yaml:3:1", problem.place)
    assert.equal('did you mean "timezone"?', problem.hint)
  end)

  it("answers other tools' words with ours", function()
    local problem = only_problem(client 'version: 1\nid: "1"\ntenant: x\nsources: {}\n')
    assert.equal("the word here is `id`", problem.hint)
  end)

  it("finds every mistake at once", function()
    local loaded = client('version: 1\nid: "a b"\nenabled: yes\ntimezone: Europe/Berln\nsources:\n'
      .. "  x: { url: file:nowhere }\ndestination: { connection: lokal }\n")
    local found = {}
    for _, problem in ipairs(loaded:all_problems()) do
      found[problem.place:match ":(%d+):"] = problem
    end
    assert.matches("does not fit", found["2"].message, 1, true)
    assert.equal("true or false", found["3"].expected)
    assert.equal("did you mean Europe/Berlin?", found["4"].hint)
    local missing = loaded.clients[1].sources[1].missing[1]
    assert.matches("does not exist: nowhere", missing.message, 1, true)
    assert.equal('did you mean "local"?', found["7"].hint)
  end)

  it("says what is missing", function()
    local loaded = client "version: 1\n"
    assert.equal(2, #loaded:all_problems())
    assert.matches('"id" is missing', loaded:all_problems()[1].message, 1, true)
  end)

  it("refuses an id that two clients have", function()
    local loaded = load_project {
      ["config/clients/a.yaml"] = 'version: 1\nid: "1"\nsources: {}\n',
      ["config/clients/b.yaml"] = 'version: 1\nid: "1"\nsources: {}\n',
    }
    local problem = only_problem(loaded)
    assert.equal("config/clients/b.yaml:2:5", problem.place)
  end)

  it("keeps one client's mistakes from the others", function()
    local loaded = load_project {
      ["config/clients/a.yaml"] = "version: 1\nid: [\n",
      ["config/clients/b.yaml"] = 'version: 1\nid: "2"\nsources: {}\n',
    }
    local chosen = assert(loaded:select())
    assert.equal(2, #chosen)
    assert.equal(1, #chosen[1].problems)
    assert.equal(0, #chosen[2].problems)
  end)

  it("leaves a client that is not enabled alone, unless it is named", function()
    local loaded = client 'version: 1\nid: "1"\nenabled: false\nsources: {}\n'
    assert.is_nil((loaded:select()))
    assert.equal("1", loaded:select({ "1" })[1].id)
  end)

  it("names the nearest client", function()
    local loaded = client 'version: 1\nid: acme\nsources: {}\n'
    local _, problem = loaded:select { "acne" }
    assert.equal('did you mean "acme"?', problem.hint)
  end)

  it("hands a source's secret on as a handle", function()
    local loaded = client('version: 1\nid: "1"\nsources:\n  x:\n'
      .. "    key: { env: NO_SUCH }\n    deep: { token: { file: s } }\n")
    assert.same({}, loaded:all_problems())
    local source = loaded.clients[1].sources[1]
    local settings, nonce = source.settings, loaded.clients[1].nonce
    assert.matches("^%x+$", nonce)
    assert.equal("{{secret:" .. nonce .. ":x.key}}", settings.key)
    assert.equal("{{secret:" .. nonce .. ":x.deep.token}}", settings.deep.token)
    assert.same({ env = "NO_SUCH" }, source.secrets[1].reference)
    assert.equal("config/clients/713.yaml:6:20", source.secrets[2].place)
  end)
end)

describe("the destination", function()
  after_each(function()
    remove()
  end)

  local function where(loaded, folder, env)
    return destination.of(loaded, loaded.clients[1],
      secrets.new(folder, function(name) return env and env[name] end))
  end

  it("is the project's own database unless something is said", function()
    local loaded, folder = client 'version: 1\nid: "1"\nsources: {}\n'
    assert.equal("sqlite:" .. folder .. "/etlhost.db", where(loaded, folder).url)
  end)

  it("takes its address from the environment, from .env, and from a file", function()
    local loaded, folder = load_project {
      ["config/etlhost.yaml"] = "version: 1\nconnections:\n  a: { env: URL_A }\n"
        .. "  b: { url: { file: s/b } }\n",
      ["config/clients/1.yaml"] = 'version: 1\nid: "1"\nsources: {}\n'
        .. "destination: { connection: a, schema: s1 }\n",
      [".env"] = "# a comment\nexport URL_A='postgres://env@h/d'\n",
      ["s/b"] = "postgres://file@h/d\n",
    }
    local found = where(loaded, folder)
    assert.equal("postgres://env@h/d", found.url)
    assert.equal("s1", found.schema)
    local real = { URL_A = "postgres://real@h/d" }
    assert.equal("postgres://real@h/d", where(loaded, folder, real).url)
    loaded.clients[1].destination.connection = "b"
    assert.equal("postgres://file@h/d", where(loaded, folder).url)
  end)

  it("names a variable that is not set, and never shows an address", function()
    local loaded, folder = load_project {
      ["config/etlhost.yaml"] = "version: 1\nconnections: { a: { env: URL_A } }\n"
        .. "defaults: { destination: { connection: a } }\n",
      ["config/clients/1.yaml"] = 'version: 1\nid: "1"\nsources: {}\n',
    }
    local _, problem = where(loaded, folder)
    assert.matches("URL_A is not set", problem.message, 1, true)
    _, problem = where(loaded, folder, { URL_A = "mysql://me:secret@h/d" })
    assert.matches("mysql:", problem.message, 1, true)
    assert.is_nil(tostring(problem):find("secret", 1, true))
  end)
end)
