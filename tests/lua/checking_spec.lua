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

  describe("of many clients", function()
    local function many(count, text)
      local content = { ["pipelines/a.lua"] = text or good }
      for i = 1, count do
        content[("config/clients/c%03d.yaml"):format(i)] = client:gsub('"1"', ('"c%03d"'):format(i))
      end
      return content
    end

    it("gives each its own mistakes, however many an engine takes at once", function()
      local content = many(520)
      content["config/clients/c007.yaml"] = client:gsub('"1"', '"c007"') .. "    ulr: x\n"
      content["config/clients/c520.yaml"] = client:gsub('"1"', '"c520"'):gsub("orders: {}",
        "orders: { table: t }, customers: { table: t, kee: id }, other: { row: 1 }")
      local result, at = check(content)
      assert.matches('"ulr"', at["config/clients/c007.yaml:8:5"].message, 1, true)
      assert.same({ "c007" }, at["config/clients/c007.yaml:8:5"].clients)
      local messages = {}
      for _, problem in ipairs(result.problems) do
        if problem.clients[1] == "c520" then messages[#messages + 1] = problem.message end
      end
      assert.equal(2, #messages, table.concat(messages, " / "))
      assert.matches("kee", messages[1], 1, true)
      assert.equal(3, #result.problems)
      assert.same({}, result.notes)
    end)

    it("goes on after a script that failed for one of them", function()
      local result, at = check(many(5, [[
local pipeline = require "etl.pipeline"
local none = nil
return pipeline { client = none.id }
]]))
      assert.equal(1, #result.problems)
      assert.matches("index a nil value", at["pipelines/a.lua:3"].message, 1, true)
      assert.equal(5, #at["pipelines/a.lua:3"].clients)
    end)

    it("finds tables that two resources of one of them would share", function()
      local content = many(3)
      content["config/clients/c002.yaml"] = client:gsub('"1"', '"c002"'):gsub("{ orders: {} }",
        "{ orders: {}, other: { table: s3_exports_orders } }")
      local result = check(content)
      assert.equal(1, #result.problems)
      assert.matches("would both load into table s3_exports_orders", result.problems[1].message, 1,
        true)
      assert.same({ "c002" }, result.problems[1].clients)
    end)

    it("blames the one whose turn a limit ended, and says that others were not looked at",
      function()
        local content = many(4, [[
local pipeline = require "etl.pipeline"
local p = pipeline {}
while true do end
return p
]])
        content["config/etlhost.yaml"] = "version: 1\nlimits: { deadline: 1s }\n"
        local result, at = check(content)
        assert.equal(1, #result.problems)
        assert.equal("limit", at["pipelines/a.lua:3"].class)
        assert.same({ "c001" }, at["pipelines/a.lua:3"].clients)
        assert.matches("not evaluated for 3 clients more", result.notes[1], 1, true)
      end)
  end)

  it("does not stop at an engine that crashes", function()
    local space = open { ["config/clients/1.yaml"] = client, ["pipelines/a.lua"] = good }
    local result = checking.run(space, { "pipelines/a.lua" },
      support.engine({}, "kill -SEGV $$"))
    assert.is_true(result.crashed)
  end)
end)
