-- tests/crash/data.lua: a project whose run passes every fault point: several files and units, a
-- column that comes late, one that the second file widens, dead rows, and a row function.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"

local data = {}

-- Small units, so that there are many of them and both lanes have work.
data.more = { "--unit-bytes", "2048" }
data.table = "orders"

local function plain_csv()
  local lines = { "id,code,amount,note" }
  for i = 1, 400 do
    lines[#lines + 1] = ("%d,%05d,%d,%s"):format(i, i, i, i % 7 == 0 and '"a ""b"", c"' or "")
    if i == 100 or i == 300 then lines[#lines + 1] = i .. ",broken,1,2,3,4" end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function wider_csv()
  local lines = { "id,code,amount,note,campaign" }
  for i = 401, 700 do
    lines[#lines + 1] = ("%d,%05d,%d.5,x,%s"):format(i, i, i, i > 500 and "spring" or "")
    if i == 600 then lines[#lines + 1] = '601,bad "quote",1,2,3' end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function json_lines()
  local lines = {}
  for i = 701, 900 do
    lines[#lines + 1] = ('{"id":%d,"code":"%05d","amount":%d.25,"tags":["a",%d]}')
      :format(i, i, i, i)
    if i == 800 then lines[#lines + 1] = '{"id":1,"id":2}' end
  end
  return table.concat(lines, "\n") .. "\n"
end

local PIPELINE = [[
return require "etl.pipeline" {
  s3_exports = {
    orders = {
      table = "orders",
      row = function(row)
        %s
        row.label = row.code and row.code .. "/" .. (row.note or "-")
      end,
    },
  },
}
]]

-- Writes the pipeline; one that hangs comes to the middle of the second file and goes no further.
function data.write_pipeline(folder, hangs)
  local text = PIPELINE:format(hangs and "while tostring(row.id) == '500' do end" or "")
  files.write(folder .. "/pipelines/p.lua", text)
end

function data.project(hangs)
  local folder = host.project {
    exports = { ["orders/1.csv"] = plain_csv(), ["orders/3.jsonl"] = json_lines() },
  }
  local plain = files.write(folder .. "/2.csv", wider_csv())
  data.write_pipeline(folder, hangs)
  process.must { "sh", "-c", ("gzip -nc %s >%s/exports/orders/2.csv.gz"):format(plain, folder) }
  return folder
end

-- What a run of the project leaves, as text: the table and the dead rows, cell by cell.
function data.result(to) return to:dump(data.table) .. to:dump_dead() end

function data.run(project, to, options)
  local with = { more = data.more }
  for name, value in pairs(options or {}) do with[name] = value end
  return host.run(project, to, with)
end

-- Starts a run with a fault armed; gives the handle.
function data.spawn(project, to, fault, role)
  local arguments = { "run", "pipelines/p.lua" }
  for _, list in ipairs { to:arguments(), data.more } do
    for _, word in ipairs(list) do arguments[#arguments + 1] = word end
  end
  return host.spawn(arguments, { cwd = project, program = host.faulty_program,
    env = { ETLHOST_FAULT = fault, ETLHOST_FAULT_ROLE = role or "engine" } })
end

-- What an undisturbed run leaves, once a kind of destination.
local undisturbed = {}
function data.expected(name, fresh)
  if not undisturbed[name] then
    local to = fresh()
    local result = data.run(data.project(), to)
    if result.code ~= 0 then error("the undisturbed run failed\n" .. tostring(result), 2) end
    undisturbed[name] = data.result(to)
  end
  return undisturbed[name]
end

return data
