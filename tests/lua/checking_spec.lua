-- What `check` finds: every mistake at once, each at its place. The engine is the real one.

local checking = require "host.checking"
local support = require "tests.lua.support"
local workspace = require "host.workspace"

local remove

local function open(content)
  content["config/etlhost.yaml"] = content["config/etlhost.yaml"] or "version: 1\n"
  local folder
  folder, remove = support.folder(content)
  return assert(workspace.open { folder = folder })
end

local client = [[
version: 1
id: "1"
sources:
  shop:
    use: s3_exports
    url: file:data
    prefixes: { orders: {} }
]]

local good = 'return require "etl.pipeline" {}\n'

local function check(content)
  content["data/orders/a.csv"] = "a\n1\n"
  local space = open(content)
  local result = checking.run(space, space.project:list("pipelines", ".lua"))
  local by_place = {}
  for _, problem in ipairs(result.problems) do by_place[problem.place or "?"] = problem end
  return result, by_place
end

describe("check", function()
  after_each(function()
    remove()
  end)

  it("has nothing to say about a project that is well", function()
    local result = check { ["config/clients/1.yaml"] = client, ["pipelines/a.lua"] = good }
    assert.same({}, result.problems)
    assert.same({}, result.notes)
    assert.is_false(result.crashed)
  end)

  it("finds the mistakes of the YAML and of every script in one go", function()
    local result, at = check {
      ["config/clients/1.yaml"] = client .. "timezoen: UTC\n",
      ["pipelines/a.lua"] = 'local pipeline = require "etl.pipeline"\n\nreturn pipeline {\n'
        .. "  shop = { orders = { colums = {} } },\n}\n",
      ["pipelines/b.lua"] = "local x = nil\nreturn x.y.z\n",
      ["pipelines/c.lua"] = "return {\n",
    }
    assert.equal(4, #result.problems)
    assert.equal('did you mean "timezone"?', at["config/clients/1.yaml:8:1"].hint)
    assert.matches("colums", at["pipelines/a.lua:4:23"].message, 1, true)
    assert.matches("index a nil value", at["pipelines/b.lua:2"].message, 1, true)
    assert.equal("script", at["pipelines/b.lua:2"].class)
  end)

  it("puts what a source says of a setting at that setting", function()
    local _, at = check {
      ["config/clients/1.yaml"] = client .. "    ulr: x\n",
      ["pipelines/a.lua"] = good,
    }
    assert.matches('"ulr"', at["config/clients/1.yaml:8:5"].message, 1, true)
  end)

  it("names the nearest source", function()
    local _, at = check {
      ["config/clients/1.yaml"] = client:gsub("s3_exports", "s3_export"),
      ["pipelines/a.lua"] = good,
    }
    assert.equal('did you mean "s3_exports"?', at["config/clients/1.yaml:5:5"].hint)
  end)

  it("tells a mistake of several clients once, and whose it is", function()
    local result = check {
      ["config/clients/1.yaml"] = client,
      ["config/clients/2.yaml"] = client:gsub('"1"', '"2"'),
      ["pipelines/a.lua"] = 'error "no"\n',
    }
    assert.equal(1, #result.problems)
    assert.same({ "1", "2" }, result.problems[1].clients)
  end)

  it("leaves a client alone that a pipeline is not for", function()
    local result = check {
      ["config/clients/1.yaml"] = client,
      ["config/clients/2.yaml"] = client:gsub('"1"', '"2"'),
      ["pipelines/a.lua"] = 'return require "etl.pipeline" { client = "2" }\n',
    }
    assert.same({}, result.problems)
  end)

  it("evaluates the project's own sources, and says which one hides a shipped one", function()
    local result, at = check {
      ["config/clients/1.yaml"] = client:gsub("s3_exports", "mine"),
      ["pipelines/a.lua"] = good,
      ["sources/s3_exports.lua"] = "return require \"etl.source\" { name = \"s3_exports\",\n"
        .. "  resources = {} }\n",
      ["sources/mine/init.lua"] = "\nlocal t = nil\nreturn t.x\n",
    }
    assert.is_truthy(at["sources/mine/init.lua:3"])
    assert.matches("sources/s3_exports.lua is used instead", result.notes[1], 1, true)
  end)

  it("notes a folder that is not there, which only stops a run", function()
    local space = open { ["config/clients/1.yaml"] = client, ["pipelines/a.lua"] = good }
    local result = checking.run(space, { "pipelines/a.lua" })
    assert.same({}, result.problems)
    assert.matches("config/clients/1.yaml:6:10: this folder does not exist: data", result.notes[1],
      1, true)
    assert.equal("config/clients/1.yaml:6:10",
      workspace.client_problem(space.config.clients[1]).place)
  end)

  it("does not stop at an engine that crashes", function()
    local space = open { ["config/clients/1.yaml"] = client, ["pipelines/a.lua"] = good }
    local result = checking.run(space, { "pipelines/a.lua" },
      support.engine({}, "kill -SEGV $$"))
    assert.is_true(result.crashed)
  end)
end)
