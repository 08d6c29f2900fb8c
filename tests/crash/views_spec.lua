-- The view over all clients' tables and the comments of a table, killed between a change of the
-- schema and what follows from it: run again, the very views, grants and comments of an undisturbed
-- run.
local clone = require "tests.crash.clone"
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

local PIPELINE = [[return require "etl.pipeline" { shop = { orders = { description = "%s",
  columns = { name = { description = "%s" }, late = { type = "date", description = "when" } } } } }
]]

local function configure(folder, to, more)
  files.write(folder .. "/config/etlhost.yaml", ("version: 1\nconnections: { db: %q }\n"
    .. "defaults: { destination: { connection: db, layout: schema_per_client%s } }\n")
    :format(to.url, more or ""))
end

local function project(to)
  local folder = files.temp()
  configure(folder, to)
  for _, id in ipairs { "a", "b" } do
    files.write(("%s/config/clients/%s.yaml"):format(folder, id), ([[
version: 1
id: "%s"
sources: { shop: { use: s3_exports, url: "file:exports/%s", prefixes: { orders: {} } } }
]]):format(id, id))
    files.write(("%s/exports/%s/orders/1.csv"):format(folder, id), "id,name,late\n1,x,\n2,y,\n")
  end
  files.write(folder .. "/pipelines/p.lua", PIPELINE:format("an order", "whose"))
  return folder
end

-- A type that must give way, a column that is new, other comments; or the view goes elsewhere, too.
local function change(folder, to, moves)
  files.write(folder .. "/exports/a/orders/2.csv", "id,name,late\n2.5,z,2026-01-01\n")
  files.write(folder .. "/pipelines/p.lua", PIPELINE:format("an order, paid", "who bought"))
  if moves then configure(folder, to, ", views: all_of_them") end
end

local function run(folder, fault)
  return host.etlhost({ "run", "pipelines/p.lua" }, { cwd = folder,
    program = fault and host.faulty_program or nil,
    env = fault and { ETLHOST_FAULT = fault, ETLHOST_FAULT_ROLE = "engine" } or nil })
end

local function must(folder)
  local result = run(folder)
  assert.equal(0, result.code, tostring(result))
end

local function outcome(to, views)
  return to:sql(([[
    select c.oid::regclass, c.relkind, c.relacl, a.attname, format_type(a.atttypid, a.atttypmod),
      col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class')
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      and not a.attisdropped
    where c.relname = 's3_exports_orders' order by c.oid::regclass::text, a.attname;
    select _client_id, id, name, late from %s.s3_exports_orders order by 1, 2;
    select table_schema, table_name, column_name, comment from _etl.comments order by 1, 2, 3]])
    :format(views))
end

local function recovers(folder, to, fault, expected, views)
  local result = run(folder, fault)
  process.wait_gone(result.session)
  assert.not_equal(0, result.code, "the point was never reached\n" .. tostring(result))
  must(folder)
  assert.equal(expected, outcome(to, views))
end

local function check(moves, points)
  local views = moves and "all_of_them" or "etl"
  local before, expected

  local function prepare()
    local to = clone(before)
    local folder = project(to)
    change(folder, to, moves)
    return folder, to
  end

  setup(function()
    before = target.postgres {}
    must(project(before))
    before:sql "grant select on etl.s3_exports_orders to pg_monitor with grant option"
    local folder, to = prepare()
    must(folder)
    expected = outcome(to, views)
    -- A view that moves has no grants yet, and says so.
    if not moves then assert.matches("pg_monitor=r*/", expected, 1, true) end
    assert.matches("an order, paid", expected, 1, true)
    assert.matches("a|2.5|z|2026-01-01", expected, 1, true)
  end)

  for _, point in ipairs(points) do
    it("at " .. point, function()
      local folder, to = prepare()
      recovers(folder, to, point, expected, views)
    end)
  end
end

describe("a view that follows its tables, killed", function()
  check(false, { "view.drop", "equip.start", "comments.write", "view.make" })
end)

describe("a view that moves, killed", function() check(true, { "view.make" }) end)
