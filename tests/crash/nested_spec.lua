-- Records with child tables, killed on the way: a run again ends with the records and the rows of
-- an undisturbed one, whether they are merged, on two lanes too, or replaced with their file.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

local TABLES = { "orders", "orders__items", "orders__items__tags" }
local MERGED = '{ key = "id", cursor = "at", table = "orders", nested = "tables" }'
local APPENDED = '{ table = "orders", nested = "tables" }'

-- Records whose lists have another length in each round, each with a cursor of its own.
local function file(first, last, round)
  local lines = {}
  for i = first, last do
    local id, items = i % 120, {}
    for k = 1, (i * 7 + round) % 4 do
      items[k] = ('{"n":"%d.%d.%d","tags":["%d-%d"]}'):format(round, i, k, round, i)
    end
    lines[#lines + 1] = ('{"id":%d,"at":%d,"items":[%s]}'):format(id,
      (id * 7919 + round * 104729) % 99991 * 1000 + i, table.concat(items, ","))
  end
  return table.concat(lines, "\n") .. "\n"
end

local function project_of(resource)
  return host.project {
    pipeline = ('return require "etl.pipeline" { s3_exports = { orders = %s } }\n')
      :format(resource),
    exports = { ["orders/1.jsonl"] = file(1, 120, 1), ["orders/2.jsonl"] = file(40, 200, 2) },
  }
end

local function run(project, to, options)
  local with = { more = { "--unit-bytes", "2048" } }
  for name, value in pairs(options or {}) do with[name] = value end
  return host.run(project, to, with)
end

local function all_of(to)
  local dumps = {}
  for i, name in ipairs(TABLES) do dumps[i] = to:dump(name) end
  return table.concat(dumps)
end

-- The second load of a project; what it ends with does not depend on where it was killed.
local function check(kind, resource, points)
  local expected
  local function prepare()
    local project, to = project_of(resource), kind.fresh()
    if resource == MERGED then return project, to end
    local result = run(project, to)
    assert.equal(0, result.code, tostring(result))
    files.write(project .. "/exports/orders/1.jsonl", file(1, 100, 3))
    return project, to
  end
  local function undisturbed()
    if expected then return expected end
    local project, to = prepare()
    local result = run(project, to)
    assert.equal(0, result.code, tostring(result))
    expected = all_of(to)
    return expected
  end
  for _, point in ipairs(points) do
    it("at " .. point, function()
      local project, to = prepare()
      local result = run(project, to, { program = host.faulty_program,
        env = { ETLHOST_FAULT = point, ETLHOST_FAULT_ROLE = "engine" } })
      process.wait_gone(result.session)
      assert.not_equal(0, result.code, "the point was never reached\n" .. tostring(result))
      local again = run(project, to)
      assert.equal(0, again.code, tostring(again))
      assert.equal(undisturbed(), all_of(to))
    end)
  end
end

describe("child tables of a merge on two lanes, killed", function()
  check(target.list[3], MERGED, { "nested.copied:3", "nested.part:17", "commit.sent:4" })
end)

describe("child tables of a merge into SQLite, killed", function()
  check(target.list[1], MERGED, { "nested.part:200" })
end)

describe("child tables of a file that changed, killed", function()
  check(target.list[2], APPENDED, { "nested.copied:3", "promote.child" })
end)

describe("child tables of a file that changed in SQLite, killed", function()
  check(target.list[1], APPENDED, { "stage.make:3", "promote.child:2" })
end)
