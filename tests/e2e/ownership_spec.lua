-- A client with a pipeline of its own is loaded by that one only: what it hashes must not come into
-- the table by way of another.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local OWN = [[return require "etl.pipeline" {
  client = "acme", s3_exports = { orders = { table = "orders", hash = { "email" } } } }
]]
local GENERIC = 'return require "etl.pipeline" { s3_exports = { orders = { table = "orders" } } }\n'

describe("a client with a pipeline of its own", function()
  local project, to
  before_each(function()
    to = target.sqlite()
    project = host.project {
      exports = { ["orders/1.csv"] = "id,email\n1,a@example.com\n2,b@example.com\n" },
      pipeline = GENERIC,
    }
    local yaml = files.read(project .. "/config/clients/acme.yaml")
    files.write(project .. "/config/clients/zeta.yaml", (yaml:gsub("acme", "zeta")))
    files.write(project .. "/pipelines/own.lua", OWN)
  end)

  local function etlhost(...)
    local arguments = { ... }
    if arguments[1] ~= "check" then
      table.insert(arguments, "--destination")
      table.insert(arguments, to.url)
    end
    return host.etlhost(arguments, { cwd = project })
  end

  local function clients()
    return (to:sql "select _client_id, count(*) from orders group by 1 order by 1"
      :gsub("\n", " "))
  end

  it("is left out of another pipeline's run, which says so", function()
    local result = etlhost("run", "pipelines/p.lua")
    assert.equal(0, result.code, tostring(result))
    assert.equal("zeta|2", clients())
    assert.matches("acme was left out: it has a pipeline of its own, pipelines/own.lua",
      result.out, 1, true)
  end)

  it("is refused by name, and the answer names its pipeline", function()
    local result = etlhost("run", "pipelines/p.lua", "--client", "zeta", "--client", "acme")
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("etlhost run pipelines/own.lua", result.err, 1, true)
    assert.is_false(files.exists(to.path))
    -- Also by a pipeline that lies elsewhere.
    files.write(project .. "/other/p.lua", GENERIC)
    result = etlhost("run", "other/p.lua", "--client", "acme")
    assert.equal(host.exit.config, result.code, tostring(result))
  end)

  it("moves to its own pipeline and back with nothing loaded twice", function()
    files.remove(project .. "/pipelines/own.lua")
    assert.equal(0, etlhost("run", "pipelines/p.lua").code)
    assert.equal("acme|2 zeta|2", clients())
    files.write(project .. "/pipelines/own.lua", OWN)
    files.write(project .. "/exports/orders/2.csv", "id,email\n3,c@example.com\n")
    local own = etlhost("run", "pipelines/own.lua")
    assert.equal(0, own.code, tostring(own))
    assert.matches("zeta was left out", own.out, 1, true)
    assert.equal("acme|3 zeta|2", clients())
    assert.equal("0", to:sql "select count(*) from orders where id = 3 and email like '%@%'")
    files.remove(project .. "/pipelines/own.lua")
    assert.equal(0, etlhost("run", "pipelines/p.lua").code)
    assert.equal("acme|3 zeta|3", clients())
  end)

  it("is named by check, and has one pipeline, not two", function()
    local well = etlhost "check"
    assert.equal(0, well.code, tostring(well))
    assert.matches("client acme has a pipeline of its own: pipelines/own.lua", well.out, 1, true)
    files.write(project .. "/pipelines/second.lua", OWN)
    local check = etlhost "check"
    assert.equal(host.exit.config, check.code, tostring(check))
    assert.matches("client acme has 2 pipelines of its own", check.out, 1, true)
    assert.matches("pipelines/second.lua:2:3", check.out, 1, true)
    for _, path in ipairs { "pipelines/second.lua", "pipelines/p.lua" } do
      local result = etlhost("run", path)
      assert.equal(host.exit.config, result.code, tostring(result))
      assert.matches("2 pipelines of its own", result.out .. result.err, 1, true)
    end
    assert.equal("zeta|2", clients())
  end)

  it("is not loaded while its pipeline cannot be evaluated", function()
    files.write(project .. "/pipelines/own.lua", OWN:gsub("hash = {", "hash = "))
    local result = etlhost("run", "pipelines/p.lua")
    assert.equal(host.exit.script, result.code, tostring(result))
    assert.matches("which may be the own pipeline of client acme", result.out, 1, true)
    assert.equal("zeta|2", clients())
  end)

  it("has its dead rows sent through its own pipeline again", function()
    files.write(project .. "/exports/orders/1.csv", "id,email\n1,a@example.com\n2\n")
    files.remove(project .. "/pipelines/own.lua")
    assert.equal(0, etlhost("run", "pipelines/p.lua", "--client", "acme").code)
    files.write(project .. "/pipelines/own.lua", OWN)
    local other = etlhost("dead", "retry", "--pipeline", "pipelines/p.lua")
    assert.equal(host.exit.config, other.code, tostring(other))
    local own = etlhost("dead", "retry")
    assert.equal(0, own.code, tostring(own))
    assert.equal("pipelines/own.lua",
      to:sql "select pipeline from _etl_loads order by load_id desc limit 1")
  end)
end)
