-- Files that change under our hands. A test build stops at a point, the test changes the file, and
-- the run goes on.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

local function csv(from, to)
  local lines = {}
  for i = from, to do lines[#lines + 1] = ("%d,name %d"):format(i, i) end
  return table.concat(lines, "\n") .. "\n"
end

-- Loads path; once the engine has stopped itself at `point`, change() is called, then it goes on.
local function load_while(point, path, to, change)
  local run = host.spawn(host.load_arguments(path, "t", to, { more = { "--unit-bytes", "4096" } }),
    { program = host.faulty_program, env = { ETLHOST_FAULT = point .. "=stop" } })
  local engine = wait.until_true("the engine to stop at " .. point, 20, function()
    if run:ended() then error("it ended instead\n" .. run:output()) end
    local member = process.member(run.pid, "--engine")
    return member and member.state == "T" and member
  end)
  change()
  os.execute("kill -CONT " .. engine.pid)
  return run:wait()
end

local function append(path, text)
  local file = assert(io.open(path, "a"))
  file:write(text)
  file:close()
end

for _, make in ipairs { target.list[1], target.list[3] } do
  describe("a file loaded into " .. make.name, function()
    it("that somebody still writes to is left for the next run, and named", function()
      local to, path = make.fresh(), host.file("log.csv", "id,name\n" .. csv(1, 50))
      local result = load_while("file.opened", path, to, function() append(path, csv(51, 60)) end)
      assert.equal(0, result.code, tostring(result))
      assert.matches("still writing", result.out .. result.err)
      assert.equal(0, to:has_table "t" and to:count "t" or 0)
      host.must_load(path, "t", to)
      assert.equal(60, to:count "t")
    end)

    it("that grows while it is read loads as identified, its rest never twice", function()
      local to, path = make.fresh(), host.file("log.csv", "id,name\n" .. csv(1, 3000))
      local result = load_while("batch.parsed", path, to, function()
        append(path, csv(3001, 3010))
      end)
      local more = { "--on-changed-file", "append" }
      if result.code == 0 then
        assert.equal(3000, to:count "t")
      else -- it may also refuse to go on with a file that changed
        assert.equal(host.exit.data, result.code, tostring(result))
      end
      host.load(path, "t", to, { more = more })
      assert.equal("3010", to:sql("select count(distinct id) from " .. to:name "t"))
    end)

    it("that is gone when it is to be read is an error with its name", function()
      local to, path = make.fresh(), host.file("log.csv", "id,name\n" .. csv(1, 10))
      files.remove(path)
      local result = host.load(path, "t", to)
      assert.equal(host.exit.config, result.code, tostring(result))
      assert.matches("log.csv", result.out .. result.err, 1, true)
    end)

    it("that is empty, or has only its header, loads no row and is no failure", function()
      local to = make.fresh()
      host.must_load(host.file("empty.csv", ""), "t", to)
      host.must_load(host.file("header.csv", "id,name\n"), "t", to)
      host.must_load(host.file("rows.csv", "id,name\n1,x\n"), "t", to)
      assert.equal(1, to:count "t")
    end)

    it("and a second one with the same bytes in the same run load once", function()
      local to, folder = make.fresh(), files.temp()
      files.write(folder .. "/a.csv", "id,name\n" .. csv(1, 20))
      files.write(folder .. "/b.csv", "id,name\n" .. csv(1, 20))
      host.must_load({ folder .. "/a.csv", folder .. "/b.csv" }, "t", to)
      assert.equal(20, to:count "t")
    end)
  end)
end
