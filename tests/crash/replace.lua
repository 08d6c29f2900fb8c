-- tests/crash/replace.lua: a stream that is replaced, and a file that changed, killed on the way:
-- readers find the old rows or the new ones, other clients' rows stay, and the next run ends with
-- what an undisturbed one leaves. A spec a destination, so that they run side by side.
local assert = require "luassert"
local clone = require "tests.crash.clone"
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

local TABLE = "orders"
local SMALL = { "--unit-bytes", "2048" }

local function csv(first, last, word, header)
  local lines = { header or "id,v" }
  for i = first, last do lines[#lines + 1] = i .. "," .. word end
  return table.concat(lines, "\n") .. "\n"
end

local function project_of(write)
  return host.project {
    pipeline = ('return require "etl.pipeline" { s3_exports = { orders = { table = "orders", '
      .. "write = %q, max_dead = 60 } } }\n"):format(write == "refused" and "replace" or write),
    exports = { ["orders/1.csv"] = csv(1, 300, "7"), ["orders/2.csv"] = csv(301, 400, "7"),
      ["orders/3.csv"] = csv(401, 450, "7") .. "x\n" },
  }
end

-- The table has come to refuse numbers that are there, of this client and of another.
local function refuse(to)
  to:sql(("insert into %s (_client_id, _source, _load_id, id, v) values ('b', 'x', 901, 900, 5)")
    :format(to:name(TABLE)))
  to:sql(("create unique index once on %s (id) where id > 1"):format(to:name(TABLE)))
end

-- One file changes, in many units; for a replacement one goes, too, and one comes. A value that
-- does not fit the type and a column that is new come late, so that the stage changes, too.
local function change(folder, write)
  if write == "refused" then
    files.write(folder .. "/exports/orders/1.csv", csv(1, 250, "8") .. csv(240, 280, "9"):sub(6))
    files.write(folder .. "/exports/orders/4.csv", csv(895, 905, "8"))
    return
  end
  files.write(folder .. "/exports/orders/1.csv",
    csv(1, 250, "8") .. csv(251, 280, "8.5"):gsub("id,v\n", ""))
  if write == "append" then return end
  os.remove(folder .. "/exports/orders/2.csv")
  files.write(folder .. "/exports/orders/4.csv", csv(500, 700, "8,n", "id,v,note"))
end

-- The pooler is for the copies only.
local pooled = target.list[4]

local function run(folder, to, options)
  options = options or {}
  options.more = SMALL
  return host.run(folder, to, options)
end

local function must(folder, to)
  local result = run(folder, to)
  assert.equal(0, result.code, tostring(result))
end

-- What a reader sees of the stream.
local function seen(to)
  return to:sql(([[select count(*), min(id), max(id), min(cast(v as text)), max(cast(v as text))
    from %s where _client_id = 'acme']]):format(to:name(TABLE)))
end

local function result(to)
  return to:dump(TABLE) .. to:sql(([[select u.input, u.generation - s.generation, sum(u.rows)
    from %s u join %s s on s.stream_id = u.stream_id group by 1, 2 order by 1]])
    :format(to:book "units", to:book "streams"))
    .. to:sql("select file, status, count(*) from " .. to:book "dead_rows" .. " group by 1, 2")
end

-- points: of the replacement. kind: one of target.list. describe, it, setup: busted's.
-- refused: those of one whose rows the table refuses in part.
return function(kind, points, refused, describe, it, setup)
  local names = { replace = "a replacement", append = "a changed file",
    refused = "a replacement that is refused in part" }
  for _, write in ipairs { "replace", "append", "refused" } do
    local what = names[write]
    describe(("killed in %s, into %s,"):format(what, kind.name), function()
      local before, old, new, expected
      setup(function()
        local folder = project_of(write)
        before = (kind == pooled and target.list[3] or kind).fresh()
        must(folder, before)
        before:sql(([[insert into %s (_client_id, _source, _load_id, _file, id, v)
          values ('b', 's3_exports', 900, 'orders/1.csv', 1, 5)]]):format(before:name(TABLE)))
        if write == "refused" then refuse(before) end
        old = seen(before)
        local to = clone(before, kind == pooled)
        change(folder, write)
        must(folder, to)
        new, expected = seen(to), result(to)
        if write == "refused" then
          assert.equal("12", to:sql("select count(*) from " .. to:book "dead_rows"
            .. " where code = 'refused_in_stage'"))
        end
      end)

      for _, point in ipairs(write == "refused" and refused or points) do
        it("at " .. point, function()
          local folder, to = project_of(write), clone(before, kind == pooled)
          change(folder, write)
          local killed = run(folder, to, { program = host.faulty_program,
            env = { ETLHOST_FAULT = point, ETLHOST_FAULT_ROLE = "engine" } })
          process.wait_gone(killed.session)
          assert.not_equal(0, killed.code, "the point was never reached\n" .. tostring(killed))
          local now = seen(to)
          assert.is_true(now == old or now == new, now)
          must(folder, to)
          assert.equal(expected, result(to))
        end)
      end
    end)
  end
end
