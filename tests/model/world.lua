-- tests/model/world.lua: many streams of random files in one project, run step by step, now and
-- then killed on the way, and held against the model after each step.
local assert = require "luassert"
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local streams = require "tests.model.streams"

local world = {}

local POINTS = { "file.opened", "batch.parsed", "begin", "schema.create", "schema.add", "key.index",
  "put.staged", "put.row", "put.step", "copy.start", "copy.middle", "copy.end", "dead.insert",
  "nested.part", "nested.copied", "unit.insert", "commit.sent", "commit.answered", "finish",
  "finish.done" }

local function project_of(list)
  local declared, prefixes = {}, {}
  for i, s in ipairs(list) do
    -- A cursor of which the first file has no value would become text, and 9 come after 10.
    local cursor = s.kind.cursor == "date" and ', columns = { at = "date" }'
      or s.kind.cursor and ', columns = { at = "bigint" }' or ""
    declared[i] = ("    %s = { table = %q, max_dead = { rows = 1000, ratio = 1 }, %s%s },")
      :format(s.name, s.table, s.kind.declaration, cursor)
    prefixes[i] = s.name
  end
  local folder = host.project {
    settings = "    prefixes: [" .. table.concat(prefixes, ", ") .. "]\n",
    pipeline = ('return require "etl.pipeline" {\n  s3_exports = {\n%s\n  },\n}\n')
      :format(table.concat(declared, "\n")),
  }
  for _, s in ipairs(list) do files.make_folder(folder .. "/exports/" .. s.name) end
  return folder
end

-- A run that may be killed; what it did not reach, the next one does.
local function run(folder, to, unit_bytes)
  local more = { "--allow-shrink", "--unit-bytes", unit_bytes }
  if files.exists(host.faulty_program) and math.random(2) == 1 then
    local fault = ("%s:%d"):format(POINTS[math.random(#POINTS)], math.random(40))
    local killed = host.run(folder, to, { more = more, program = host.faulty_program,
      env = { ETLHOST_FAULT = fault, ETLHOST_FAULT_ROLE = "engine" } })
    process.wait_gone(killed.session)
  end
  local result = host.run(folder, to, { more = more })
  assert.equal(0, result.code, tostring(result))
end

local function actual(list, to)
  local queries, by_table = {}, {}
  for _, s in ipairs(list) do
    queries[#queries + 1] = s:query(to)
    if s.has_lists then queries[#queries + 1] = s:child_query(to) end
  end
  for line in (to:sql(table.concat(queries, "\n")) .. "\n"):gmatch "([^\n]+)\n" do
    local name = line:match "^(t%d+)|"
    by_table[name] = by_table[name] or {}
    table.insert(by_table[name], line)
  end
  return function(s)
    local lines = by_table[s.table] or {}
    table.sort(lines)
    return table.concat(lines, "\n")
  end
end

-- How a stream that went wrong came to be so.
local function story(s, seed, folder)
  local parts = { ("seed %d, stream %s: %s"):format(seed, s.name, s.kind.name), folder }
  for _, name in ipairs(s.order) do
    parts[#parts + 1] = ("-- %s\n%s"):format(name, s.files[name].text)
  end
  return table.concat(parts, "\n")
end

-- count streams through so many steps. unit_bytes: how finely files are cut.
function world.check(seed, to, count, steps)
  math.randomseed(seed)
  local unit_bytes = ({ 100, 400, 100000 })[math.random(3)]
  local list = {}
  for i = 1, count do
    list[i] = streams.new(i, streams.kinds[(i - 1) % #streams.kinds + 1])
  end
  local folder = project_of(list)
  for _ = 1, steps do
    for _, s in ipairs(list) do
      for _ = 1, #s.order == 0 and 1 or math.random(0, 2) do
        local name, text = s:step()
        files.write(("%s/exports/%s/%s"):format(folder, s.name, name), text)
      end
    end
    run(folder, to, unit_bytes)
    for _, s in ipairs(list) do s:run() end
    local table_of = actual(list, to)
    for _, s in ipairs(list) do
      local expected, found = s:expected(), table_of(s)
      if expected ~= found then
        error(("%s\n---- expected\n%s\n---- found\n%s"):format(story(s, seed, folder), expected,
          found), 2)
      end
    end
  end
end

return world
