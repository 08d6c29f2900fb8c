-- A file into a database: all of it, once, whatever happens on the way.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

local ORDERS = [[
order_id,created_at,customer,quantity,amount,paid
0007,2026-03-01T10:00:00+01:00,Ada 🌻,1,12.10,true
0008,2026-03-01T11:30:00Z,"Grace, ""Amazing""",2,3.00,false
0009,2026-03-02T00:00:00-05:00,"two
lines",3,,true
]]

local function many_orders(count)
  local lines = { "id,code,amount,note" }
  for i = 1, count do
    lines[#lines + 1] = ("%d,%05d,%d.%02d,row %d"):format(i, i, i % 1000, i % 100, i)
  end
  return table.concat(lines, "\n") .. "\n"
end

target.each(function(name, fresh)
  describe("load into " .. name, function()
    it("keeps every value and adds what it must", function()
      local to = fresh()
      host.must_load(host.file("orders.csv", ORDERS), "orders", to)
      assert.equal(3, to:count "orders")
      assert.same({ "'0007'", "'0008'", "'0009'" }, to:values("orders", "order_id"))
      assert.same({ "'Ada 🌻'", [['Grace, "Amazing"']], "'two<LF>lines'" },
        to:values("orders", "customer"))
      for _, file in ipairs(to:values("orders", "_file")) do
        assert.matches("orders.csv'", file, 1, true)
      end
      local amounts = table.concat(to:values("orders", "amount"), " "):gsub("'", "")
      assert.equal("12.10 3.00 NULL", amounts)
      local columns = {}
      for _, column in ipairs(to:columns "orders") do columns[column.name] = true end
      assert.is_true(columns._load_id and columns._loaded_at and columns._row)
      assert.is_nil(columns._client_id, "there is no client")
    end)

    it("loads nothing the second time, and says why", function()
      local to = fresh()
      local file = host.file("orders.csv", ORDERS)
      host.must_load(file, "orders", to)
      local before = to:dump "orders"
      local again = host.must_load(file, "orders", to)
      assert.equal(before, to:dump "orders")
      assert.matches("already loaded", again.out .. again.err, 1, true)
    end)

    it("knows a file by its content, not by its name or time", function()
      local to = fresh()
      host.must_load(host.file("orders.csv", ORDERS), "orders", to)
      local touched = host.file("other name.csv", ORDERS)
      process.must { "touch", "-d", "2001-01-01", touched }
      host.must_load(touched, "orders", to)
      assert.equal(3, to:count "orders")
    end)

    it("refuses a known name with other content, or appends it, when told to", function()
      local to = fresh()
      local folder = files.temp()
      files.write(folder .. "/orders.csv", ORDERS)
      host.must_load(folder .. "/orders.csv", "orders", to)
      files.write(folder .. "/orders.csv", ORDERS .. "0010,2026-03-03T00:00:00Z,New,1,1.00,true\n")
      local refused = host.load(folder .. "/orders.csv", "orders", to,
        { more = { "--on-changed-file", "refuse" } })
      assert.not_equal(0, refused.code)
      assert.equal(3, to:count "orders")
      host.must_load(folder .. "/orders.csv", "orders", to,
        { more = { "--on-changed-file", "append" } })
      assert.equal(7, to:count "orders")
    end)

    it("gives one table whatever the size of a unit", function()
      local file = host.file("many.csv", many_orders(3000))
      local whole = fresh()
      host.must_load(file, "orders", whole)
      local expected = whole:dump "orders"
      local parts = fresh()
      host.must_load(file, "orders", parts, { more = { "--unit-bytes", "4096" } })
      assert.equal(expected, parts:dump "orders")
      local units = tonumber(parts:sql("select count(*) from " .. parts:book "units"))
      assert.is_true(units > 10, "more than one unit: " .. units)
    end)

    -- Starts a long load and calls stop(run) once the first rows are in.
    local function disturbed(to, file, stop)
      local more = { "--unit-bytes", "4096" }
      local run = host.spawn(host.load_arguments(file, "orders", to, { more = more }))
      wait.until_true("the first rows", 30, function()
        if run:ended() then return true end
        local ok, rows = pcall(function()
          return to:has_table "orders" and to:count "orders" or 0
        end)
        return ok and rows > 0
      end)
      stop(run)
      local stopped = run:wait(30)
      process.wait_gone(run.pid)
      return stopped
    end

    local function assert_all_there(to)
      assert.equal("100000|100000|5000050000",
        to:sql("select count(*), count(distinct id), sum(id) from " .. to:name "orders"))
    end

    it("interrupted, ends at the last commit and goes on from there", function()
      local to, file = fresh(), host.file("many.csv", many_orders(100000))
      local stopped = disturbed(to, file, function(run) run:signal "INT" end)
      assert.equal(host.exit.interrupted, stopped.code, tostring(stopped))
      host.must_load(file, "orders", to)
      assert_all_there(to)
    end)

    it("killed, goes on from there", function()
      local to, file = fresh(), host.file("many.csv", many_orders(100000))
      disturbed(to, file, function(run) process.kill_session(run.pid) end)
      host.must_load(file, "orders", to)
      assert_all_there(to)
    end)
  end)
end)

describe("load", function()
  it("says what is wrong with a file that is not there", function()
    local result = host.load("nothing.csv", "t", target.sqlite())
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("nothing.csv", result.err)
  end)

  it("says that a database cannot be reached", function()
    local nowhere = { arguments = function()
      return { "--destination", "postgres://etl@127.0.0.1:1/none" }
    end }
    local result = host.load(host.file("a.csv", "a\n1\n"), "t", nowhere)
    assert.equal(host.exit.network, result.code, tostring(result))
  end)

  it("tells the database's refusal to let us in from a database that is not there", function()
    local to = target.postgres {}
    to.url = to.url:gsub("etl@", "stranger@")
    local result = host.load(host.file("a.csv", "a\n1\n"), "t", to)
    assert.equal(host.exit.auth, result.code, tostring(result))
  end)

  it("reads standard input", function()
    local to = target.sqlite()
    host.must_load("-", "t", to, { input = "a,b\n1,x\n2,y\n" })
    assert.equal(2, to:count "t")
  end)
end)
