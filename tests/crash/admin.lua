-- tests/crash/admin.lua: verbs that delete, killed at steps of each of their transactions and
-- behind the commit: the same words again end with what an undisturbed run leaves.
local assert = require "luassert"
local clone = require "tests.crash.clone"
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"

local ORDERS = "id,email\n7,jo@a.com\n70,jo@a.com\n8,mo@a.com\njo@a.com\n5,mo@a.com,1\n"
local NOTES = '{"id":1,"email":"jo@a.com"}\n{"id":2,"email":"mo@a.com"}\n{"id":3,"jo@a.com"\n'

local function project()
  local folder = host.project {
    exports = { ["orders/1.csv"] = ORDERS, ["notes/1.jsonl"] = NOTES },
    pipeline = 'return require "etl.pipeline" { s3_exports = { orders = { table = "t" }, '
      .. 'notes = { table = "u", format = "jsonl" } } }\n',
    settings = "    prefixes: { orders: {}, notes: { format: jsonl } }\n",
  }
  local acme = files.read(folder .. "/config/clients/acme.yaml")
  files.write(folder .. "/config/clients/beta.yaml", (acme:gsub("acme", "beta")))
  return folder
end

local function run(verb, folder, to, export, fault)
  local words = { table.unpack(verb.words) }
  for _, word in ipairs(to:arguments()) do
    if word == "--lanes" then break end
    words[#words + 1] = word
  end
  if verb.exports then
    words[#words + 1], words[#words + 2] = "--export", export
  end
  return host.etlhost(words, { cwd = folder, program = fault and host.faulty_program or nil,
    env = fault and { ETLHOST_FAULT = fault, ETLHOST_FAULT_ROLE = "engine" } or nil })
end

-- How many records each table of the bookkeeping has, and what is noted of what went.
local function books(to)
  local names = to.kind == "postgres"
    and "select tablename from pg_tables where schemaname = '_etl' order by 1"
    or "select name from sqlite_master where type = 'table' and name like '\\_etl\\_%' escape '\\' "
      .. "order by 1"
  local counts = {}
  for i, name in ipairs(files.lines(to:sql(names))) do
    local full = to.kind == "postgres" and "_etl." .. name or name
    counts[i] = ("select '%s', count(*) from %s"):format(name, full)
  end
  return to:sql(table.concat(counts, " union all ") .. " order by 1")
    .. to:sql("select client_id, what, tables, columns, rows, dead_rows from "
      .. to:book "erasures")
end

-- What the project still knows: its files, and how often the catalog of runs says the value.
local function project_state(folder)
  local dump = process.must { "sqlite3", folder .. "/.etlhost/catalog.db", ".dump" }
  local _, said = dump:gsub("jo@a%.com", "")
  local _, runs = dump:gsub("acme", "")
  return process.must { "sh", "-c", ("cd '%s' && find config -type f | sort"):format(folder) }
    .. ("%d %d\n"):format(said, runs)
end

local function outcome(folder, to)
  return to:dump "t" .. to:dump "u" .. to:dump_dead() .. books(to) .. project_state(folder)
end

local function exported(folder)
  return process.must { "sh", "-c", ("cd '%s' && tail -n +1 *"):format(folder) }
end

-- verb: words, exports (it takes --export), and steps: how many its largest transaction has, the
-- one that deletes. kind: one of target.list. every: at every how many-th step it is killed. who:
-- "kill" or "kill-parent", behind the commit. describe, it, setup: busted's.
return function(verb, kind, every, who, describe, it, setup)
  describe(("%s %s with %s, killed"):format(verb.words[1], verb.words[2], kind.name), function()
    local base, before, expected, copy

    local function prepare()
      local folder = files.temp()
      process.must { "cp", "-a", base .. "/.", folder }
      return folder, clone(before)
    end

    local function kill_at(fault, folder, to)
      local export = files.temp() .. "/out"
      local result = run(verb, folder, to, export, fault)
      process.wait_gone(result.session)
      assert.not_equal(0, result.code, fault .. " was never reached\n" .. tostring(result))
      return export
    end

    local function run_again(folder, to)
      local export = files.temp() .. "/out"
      local again = run(verb, folder, to, export)
      assert.equal(0, again.code, tostring(again))
      assert.equal(expected, outcome(folder, to))
      return export
    end

    setup(function()
      base, before = project(), kind.fresh()
      local loaded = host.run(base, before)
      assert.equal(0, loaded.code, tostring(loaded))
      local folder, to = prepare()
      local out = files.temp() .. "/out"
      local result = run(verb, folder, to, out)
      assert.equal(0, result.code, tostring(result))
      expected, copy = outcome(folder, to), verb.exports and exported(out)
    end)

    it("at one step after the other, and run again", function()
      local folder, to = prepare()
      for n = verb.steps, 1, -every do kill_at("admin.step:" .. n, folder, to) end
      local export = run_again(folder, to)
      if verb.exports then assert.equal(copy, exported(export)) end
    end)

    it(("behind its commit (%s), and run again"):format(who), function()
      local folder, to = prepare()
      -- Each of the steps is told once it is over: so many has only the transaction that deletes.
      local export = kill_at(("admin.done:%d=%s"):format(verb.steps, who), folder, to)
      run_again(folder, to)
      if verb.exports then assert.equal(copy, exported(export)) end
    end)
  end)
end
