-- tests/crash/matrix.lua: the crash matrix for one destination: killed at every fault point, run
-- again, the very table of an undisturbed run. A spec a destination, so that they run side by side.
local assert = require "luassert"
local data = require "tests.crash.data"
local host = require "tests.support.host"
local points = require "tests.crash.points"
local process = require "tests.support.process"
local wait = require "tests.support.wait"

-- Runs again without a fault, and compares cell by cell.
local function assert_recovers(name, fresh, project, to)
  local again = data.run(project, to)
  assert.equal(0, again.code, tostring(again))
  assert.equal(data.expected(name, fresh), data.result(to))
  -- And once more: nothing is loaded that was.
  local third = data.run(project, to)
  assert.equal(0, third.code, tostring(third))
  assert.equal(data.expected(name, fresh), data.result(to))
end

local function killed_at(fault, name, fresh)
  local project, to = data.project(), fresh()
  local result = data.run(project, to, { program = host.faulty_program,
    env = { ETLHOST_FAULT = fault, ETLHOST_FAULT_ROLE = "engine" } })
  process.wait_gone(result.session)
  assert.not_equal(0, result.code, "the point was never reached\n" .. tostring(result))
  assert_recovers(name, fresh, project, to)
end

-- kind: one of target.list. describe, it: busted's, which only a spec sees.
return function(kind, describe, it)
  local name, fresh = kind.name, kind.fresh
  describe("killed, into " .. name .. ",", function()
    for _, point in ipairs(points) do
      for _, time in ipairs(point.times) do
        local fault = time == 1 and point[1] or point[1] .. ":" .. time
        it("at " .. fault, function() killed_at(fault, name, fresh) end)
      end
    end

    -- Something ends while the script hangs in the middle of the second file, its first rows
    -- committed; then the program meets the point.
    local function ended_in_the_middle(point, what)
      local project, to = data.project(true), fresh()
      local run = data.spawn(project, to, point)
      wait.until_true("the first file to be committed", 20, function()
        if run:ended() then error("it ended instead\n" .. run:output()) end
        local ok, rows = pcall(function()
          return to:has_table(data.table) and to:count(data.table) or 0
        end)
        return ok and rows >= 400
      end)
      what(run)
      local result = run:wait()
      process.wait_gone(run.pid)
      assert.not_equal(0, result.code, tostring(result))
      data.write_pipeline(project)
      assert_recovers(name, fresh, project, to)
    end
    local function kill(member) os.execute("kill -9 " .. member.pid) end

    it("at engine.stop, when told to end", function()
      ended_in_the_middle("engine.stop", function(run) run:signal "INT" end)
    end)

    it("at jail.died, with the jail gone before", function()
      ended_in_the_middle("jail.died", function(run) kill(process.member(run.pid, "--jail")) end)
    end)

    it("its jail, and nothing else", function()
      ended_in_the_middle("", function(run) kill(process.member(run.pid, "--jail")) end)
    end)

    it("its engine, and nothing else", function()
      ended_in_the_middle("", function(run) kill(process.member(run.pid, "--engine")) end)
    end)

    it("its supervisor, and nothing else", function()
      ended_in_the_middle("", function(run) run:signal "KILL" end)
    end)

    for _, fault in ipairs { "copy.middle:2", "supervisor.died:3" } do
      it("its supervisor, at " .. fault, function()
        local project, to = data.project(), fresh()
        local result = data.run(project, to, { program = host.faulty_program,
          env = { ETLHOST_FAULT = fault .. "=kill-parent" } })
        assert.is_true(result.killed, tostring(result))
        process.wait_gone(result.session)
        assert_recovers(name, fresh, project, to)
      end)
    end
  end)
end
