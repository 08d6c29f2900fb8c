-- The crash matrix: killed at every fault point, run again, the very table of an undisturbed run.
local data = require "tests.crash.data"
local host = require "tests.support.host"
local points = require "tests.crash.points"
local process = require "tests.support.process"
local target = require "tests.support.target"
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

target.each(function(name, fresh)
  describe("killed, into " .. name .. ",", function()
    for _, point in ipairs(points) do
      for _, time in ipairs(point.times) do
        local fault = time == 1 and point[1] or point[1] .. ":" .. time
        it("at " .. fault, function() killed_at(fault, name, fresh) end)
      end
    end

    it("at engine.stop, when told to end", function()
      local project, to = data.project(), fresh()
      local run = data.spawn(project, to, "engine.stop")
      wait.until_true("the engine", 10, function()
        return run:ended() or process.member(run.pid, "--jail")
      end)
      run:signal "INT"
      local result = run:wait()
      process.wait_gone(run.pid)
      assert.not_equal(0, result.code)
      assert_recovers(name, fresh, project, to)
    end)

    it("its supervisor, in the middle of a unit", function()
      local project, to = data.project(), fresh()
      local result = data.run(project, to, { program = host.faulty_program,
        env = { ETLHOST_FAULT = "copy.middle:2=kill-parent" } })
      assert.is_true(result.killed, tostring(result))
      process.wait_gone(result.session)
      assert_recovers(name, fresh, project, to)
    end)

    it("at supervisor.died, with the supervisor gone before", function()
      local project, to = data.project(), fresh()
      local run = data.spawn(project, to, "supervisor.died")
      wait.until_true("the engine", 10, function()
        return run:ended() or process.member(run.pid, "--engine")
      end)
      run:signal "KILL"
      run:wait()
      process.wait_gone(run.pid)
      assert_recovers(name, fresh, project, to)
    end)

    it("its jail, before the first row", function()
      local project, to = data.project(), fresh()
      local result = data.run(project, to, { program = host.faulty_program,
        env = { ETLHOST_FAULT = "jail.ready", ETLHOST_FAULT_ROLE = "jail" } })
      process.wait_gone(result.session)
      assert.not_equal(0, result.code, tostring(result))
      assert_recovers(name, fresh, project, to)
    end)

    it("at jail.died, with the jail gone before", function()
      local project, to = data.project(), fresh()
      local run = data.spawn(project, to, "jail.died")
      local jail = wait.until_true("the jail", 10, function()
        return run:ended() or process.member(run.pid, "--jail")
      end)
      if jail ~= true then os.execute("kill -9 " .. jail.pid .. " 2>/dev/null") end
      run:wait()
      process.wait_gone(run.pid)
      assert_recovers(name, fresh, project, to)
    end)
  end)
end)
