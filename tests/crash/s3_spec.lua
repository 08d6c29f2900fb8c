-- Objects of a bucket, killed at every point between its listing and the last commit: run again,
-- the very table of an undisturbed run, and what had committed of a plain object is not fetched
-- again.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local s3 = require "tests.support.s3"
local target = require "tests.support.target"

-- 20,000 rows of text that does not compress, 0.8 MB: some ten units, several reads.
local function csv(first)
  local lines, x = { "id,name" }, 88172645463325252 + first
  for i = first, first + 19999 do
    x = x ~ (x << 13)
    x = x ~ (x >> 7)
    x = x ~ (x << 17)
    lines[#lines + 1] = ("%d,%016x%016x"):format(i, x, x ~ i)
    if i % 5000 == 0 then lines[#lines + 1] = i .. ",broken,1,2" end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function gzip(text)
  local path = files.write(files.temp() .. "/x", text)
  assert(os.execute("gzip -1 -n " .. path))
  return files.read(path .. ".gz")
end

local plain, packed = csv(1), gzip(csv(100001))
local store, expected

-- Two objects, of which the first is cut once on the way.
local function fresh_store()
  if store then store:stop() end
  store = s3.start { faults = { { target = "1%.csv", act = "cut", after = 500000 } } }
  store:put("orders/1.csv", plain)
  store:put("orders/2.csv.gz", packed)
end

local function project()
  local folder = host.project {
    config = ("network: { allow_private: [\"%s\"] }\n"):format(store.address),
  }
  files.write(folder .. "/config/clients/acme.yaml",
    "version: 1\nid: acme\nsources:\n  s3_exports:\n"
    .. store:settings "    prefixes: { orders: { table: t } }\n")
  return folder
end

local function run(folder, to, fault)
  local env = { ETLHOST_FAULT = fault, ETLHOST_FAULT_ROLE = fault and "engine" or nil }
  for name, value in pairs(s3.environment) do env[name] = value end
  return host.run(folder, to, { env = env, more = { "--unit-bytes", "65536" },
    program = fault and host.faulty_program or nil })
end

local function dump(to) return to:dump "t" .. to:dump_dead() end

local function undisturbed()
  if expected then return expected end
  fresh_store()
  local to = target.sqlite()
  local result = run(project(), to)
  assert.equal(0, result.code, tostring(result))
  assert.equal(40000, to:count "t")
  expected = dump(to)
  return expected
end

local cases = {
  "object.listed", "object.begun", "object.read:3", "object.cut", "object.begun:2",
  "commit.answered:40",
}

describe("a bucket, killed", function()
  teardown(function() store:stop() end)

  for _, fault in ipairs(cases) do
    it("at " .. fault, function()
      local wanted, to = undisturbed(), target.sqlite()
      fresh_store()
      local folder = project()
      local result = run(folder, to, fault)
      process.wait_gone(result.session)
      assert.not_equal(0, result.code, "the point was never reached\n" .. tostring(result))
      local again = run(folder, to)
      assert.equal(0, again.code, tostring(again))
      assert.equal(wanted, dump(to))
    end)
  end

  it("in the middle of a plain object: its rest alone is fetched, behind the header", function()
    local to = target.sqlite()
    fresh_store()
    store:set("faults", {})
    local folder = project()
    local result = run(folder, to, "commit.answered:18")
    assert.not_equal(0, result.code, tostring(result))
    local before = #store.server:requests "1%.csv"
    local again = run(folder, to)
    assert.equal(0, again.code, tostring(again))
    assert.equal(40000, to:count "t")
    local ranges = {}
    for i, request in ipairs(store.server:requests "1%.csv") do
      if i > before then ranges[#ranges + 1] = request.headers.range end
    end
    assert.equal("bytes=0-262143", ranges[1])
    assert.is_true(tonumber(ranges[2]:match "^bytes=(%d+)%-$") > 262143, ranges[2])
  end)
end)
