-- The demo, as a stranger sees it first: into SQLite, twice.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

describe("the demo", function()
  local folder, to
  setup(function()
    folder = files.temp()
    process.must { "cp", "-r", host.root .. "/config", host.root .. "/pipelines", folder }
    to = target.sqlite()
  end)

  local function run()
    local result = host.etlhost({ "run", "pipelines/demo.lua", "--destination", to.url },
      { cwd = folder })
    assert.equal(0, result.code, tostring(result))
    return result
  end

  local function tables()
    return files.lines(to:sql [[select name from sqlite_master where type = 'table'
      and name not like '\_%' escape '\' and name not like 'sqlite%' order by 1]])
  end

  local function rows()
    local sum = 0
    for _, name in ipairs(tables()) do sum = sum + to:count(name) end
    return sum
  end

  it("loads both clients' exports and names the broken rows", function()
    local result = run()
    assert.is_true(rows() > 4000, tostring(rows()))
    for _, client in ipairs { "713", "714" } do
      assert.matches(client, result.out, 1, true)
      for _, name in ipairs(tables()) do
        assert.is_true(tonumber(to:sql(("select count(*) from %s where _client_id = '%s'")
          :format(name, client))) > 0, name)
      end
    end
    assert.matches("dead", result.out)
    assert.is_true(tonumber(to:sql "select count(*) from _etl_dead_rows") >= 8)
  end)

  it("loads nothing the second time, and says why", function()
    local before = rows()
    local result = run()
    assert.equal(before, rows())
    assert.matches("already loaded", result.out .. result.err, 1, true)
  end)
end)
