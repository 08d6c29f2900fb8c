-- Rows that are put by their key, killed on the way: what a run again ends with is what it would
-- have been. Without a cursor on one lane, where the order of the units decides; with one on two
-- lanes through the pooler, where the cursor does; and the versions of a history.
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

local MORE = { "--unit-bytes", "2048" }

-- Three files with the same keys, some of them twice in a file, each row with a cursor of its own.
local function file(first, last, step, round)
  local lines = { "id,at,v" }
  for i = first, last, step do
    local id = i % 300
    lines[#lines + 1] = ("%d,%d,%s"):format(id, (id * 7919 + i * 31 + round * 101) % 100000 + i,
      "round " .. round)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function project_of(resource)
  return host.project {
    pipeline = ('return require "etl.pipeline" { s3_exports = { orders = %s } }\n')
      :format(resource),
    exports = { ["orders/1.csv"] = file(1, 300, 1, 1), ["orders/2.csv"] = file(100, 500, 1, 2),
      ["orders/3.csv"] = file(450, 1, -2, 3) },
  }
end

local function run(project, to, options)
  local with = { more = MORE }
  for name, value in pairs(options or {}) do with[name] = value end
  return host.run(project, to, with)
end

-- points: where it is killed, and the how many-th time it comes by.
local function check(kind, resource, points)
  local expected
  local function undisturbed()
    if expected then return expected end
    local to = kind.fresh()
    local result = run(project_of(resource), to)
    assert.equal(0, result.code, tostring(result))
    expected = to:dump "orders"
    return expected
  end
  for _, point in ipairs(points) do
    it("at " .. point, function()
      local project, to = project_of(resource), kind.fresh()
      local result = run(project, to, { program = host.faulty_program,
        env = { ETLHOST_FAULT = point, ETLHOST_FAULT_ROLE = "engine" } })
      process.wait_gone(result.session)
      assert.not_equal(0, result.code, "the point was never reached\n" .. tostring(result))
      local again = run(project, to)
      assert.equal(0, again.code, tostring(again))
      assert.equal(undisturbed(), to:dump "orders")
    end)
  end
end

describe("merge without a cursor, killed", function()
  check(target.list[2], '{ key = "id", table = "orders" }',
    { "key.index", "put.staged:4", "put.step:17", "commit.answered:3" })
end)

describe("merge into SQLite, killed", function()
  check(target.list[1], '{ key = "id", cursor = "at", table = "orders" }',
    { "key.index", "begin:3", "put.staged:2", "put.row:150", "put.row:900", "copy.end:5",
      "unit.insert:4", "commit.sent:6", "commit.answered:3", "finish" })
end)

describe("merge with a cursor on two lanes through a pooler, killed", function()
  check(target.list[4], '{ key = "id", cursor = "at", table = "orders" }',
    { "put.step:2", "put.step:17", "unit.insert:5", "commit.sent:6" })
end)

describe("history in SQLite, killed", function()
  check(target.list[1], '{ key = "id", write = "history", cursor = "at", '
    .. 'columns = { at = { type = "timestamp", epoch = "s" } }, table = "orders" }',
    { "put.staged:2", "put.row:700", "commit.sent:4" })
end)

describe("history, killed", function()
  check(target.list[3], '{ key = "id", write = "history", cursor = "at", '
    .. 'columns = { at = { type = "timestamp", epoch = "s" } }, table = "orders" }',
    { "put.staged:2", "put.step:13", "commit.sent:4" })
end)
