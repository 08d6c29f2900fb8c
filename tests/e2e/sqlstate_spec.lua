-- What servers refuse, by SQLSTATE: raised inside a server by a trigger, or brought about, and
-- answered as the class of the code says: tried again, a dead row, or the end of the run.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

-- The row whose id is planted raises the state, so many times; nextval is not undone by a rollback.
local PLANT = [[
create schema if not exists etl;
create table etl.t (id bigint, note text, _client_id text, _source text, _file text, _row bigint,
  _load_id bigint, _loaded_at timestamptz);
create table public.planted (id bigint primary key, state text, times int);
create sequence public.tries;
create function public.plant() returns trigger language plpgsql as $$
declare p public.planted;
begin
  select * into p from public.planted where id = new.id;
  if not found or nextval('public.tries_' || new.id) > p.times then return new; end if;
  if p.state = 'terminate' then perform pg_terminate_backend(pg_backend_pid()); end if;
  if p.state = 'cancel' then perform pg_cancel_backend(pg_backend_pid()); end if;
  if p.state = 'read only' then perform set_config('transaction_read_only', 'on', true); end if;
  if length(p.state) = 5 then
    raise exception using errcode = p.state, message = 'planted ' || p.state;
  end if;
  return new;
end $$;
create trigger plant %s on etl.t %s for each row execute function public.plant();
]]

local BEFORE = PLANT:format("before insert", "")
local AT_COMMIT = PLANT:format("after insert", "deferrable initially deferred")
  :gsub("create trigger", "create constraint trigger")

-- Plants the states at every step-th row of a file of so many rows; gives target and file.
local function plant(states, options)
  local to = target.postgres { lanes = 1 }
  local lines, sql = { "id,note" }, { options.plan or BEFORE }
  for i = 1, options.rows do lines[#lines + 1] = i .. ",n" end
  for i, state in ipairs(states) do
    local id = i * options.step
    sql[#sql + 1] = ("insert into public.planted values (%d, '%s', %d); "
      .. "create sequence public.tries_%d;"):format(id, state, options.times, id)
  end
  to:sql(table.concat(sql, "\n"))
  return to, host.file("a.csv", table.concat(lines, "\n") .. "\n")
end

local function tries(to, id)
  return tonumber(to:sql(("select last_value from public.tries_%d where is_called"):format(id)))
end

local function whole(to) return to:sql "select count(*), count(distinct id), sum(id) from etl.t" end

-- The ways of writing that have statements of their own.
local ways = { append = {}, merge = { "--key", "id" } }

for way, words in pairs(ways) do
  -- Further arguments of `load` for this way.
  local function with(...)
    local more = { ... }
    return { more = table.move(words, 1, #words, #more + 1, more) }
  end

  describe(way .. ", a server's passing trouble:", function()
    it("each state is tried again, and every row is there once", function()
      local states = {
        "08000", "08001", "08003", "08006", "25006", "25P03", "26000", "40001", "40P01", "42P05",
        "53000", "53100", "53200", "53300", "55006", "55P03", "57014", "57P01", "57P02", "57P03",
        "57P05", "58000", "58030", "terminate", "cancel", "read only",
      }
      -- A unit of about 60 rows each, so that each has a try of its own.
      local to, file = plant(states, { rows = 60 * (#states + 1), step = 60, times = 1 })
      local result = host.load(file, "t", to, with("--unit-bytes", "2048"))
      assert.equal(0, result.code, tostring(result))
      local rows = 60 * (#states + 1)
      assert.equal(("%d|%d|%d"):format(rows, rows, rows * (rows + 1) // 2), whole(to))
      for i, state in ipairs(states) do
        assert.is_true(tries(to, i * 60) >= 2, state .. " was not tried again")
      end
    end)

    it("found at COMMIT only, where nobody knows what became of it", function()
      local states = { "40003", "08007", "40001", "57P01", "terminate" }
      local to, file = plant(states, { rows = 360, step = 60, times = 1, plan = AT_COMMIT })
      local result = host.load(file, "t", to, with("--unit-bytes", "2048"))
      assert.equal(0, result.code, tostring(result))
      assert.equal("360|360|64980", whole(to))
    end)

    it("that does not pass ends the run as that, with nothing of the unit", function()
      local to, file = plant({ "40P01" }, { rows = 3, step = 2, times = 1000 })
      local result = host.load(file, "t", to, with())
      assert.equal(host.exit.network, result.code, tostring(result))
      assert.matches("40P01", result.out .. result.err)
      assert.equal("0|0|\\N", whole(to))
      assert.is_true(tries(to, 2) <= 8)
      to:sql "delete from public.planted"
      assert.equal(0, host.load(file, "t", to, with()).code)
      assert.equal("3|3|6", whole(to))
    end)
  end)

  describe(way .. ", a row that the server refuses:", function()
    it("each state makes a dead row, and the others are loaded", function()
      local states = {
        "22001", "22003", "22007", "22008", "22021", "22023", "22P02", "22P05", "23502", "23503",
        "23505", "23514", "23P01", "44000", "54000", "P0001",
      }
      local to, file = plant(states, { rows = 4000, step = 200, times = 1000 })
      local result = host.load(file, "t", to, with())
      assert.equal(0, result.code, tostring(result))
      assert.equal(tostring(4000 - #states), to:sql "select count(*) from etl.t")
      assert.equal(table.concat(states, " "), to:sql [[
        select string_agg(substring(reason from 'planted (\w+)'), ' ' order by row_number)
        from _etl.dead_rows where code = 'refused']])
    end)

    it("by the table's own rules, at the row and at COMMIT", function()
      local to = target.postgres { lanes = 1 }
      to:sql [[create schema etl;
        create table etl.parents (id bigint primary key);
        insert into etl.parents values (1);
        create table etl.t (id bigint unique, amount bigint check (amount < 100), note text,
          parent bigint references etl.parents deferrable initially deferred,
          _client_id text, _source text, _file text, _row bigint, _load_id bigint,
          _loaded_at timestamptz);
        create index on etl.t (note)]]
      local lines = { "id,amount,note,parent" }
      for i = 1, 1000 do lines[#lines + 1] = i .. ",1,x,1" end
      lines[100] = "1,1,twice,1" -- 23505; for a merge the later of two rows
      lines[200] = "199,100,checked,1" -- 23514
      local long = {}
      for i = 1, 800 do long[i] = ("%x"):format(i * 2654435761 % 4294967296) end
      lines[300] = "299,1," .. table.concat(long) .. ",1" -- 54000: too long for the index
      lines[400] = "399,1,orphan,2" -- 23503, at COMMIT
      local result = host.load(host.file("a.csv", table.concat(lines, "\n") .. "\n"), "t", to,
        with())
      assert.equal(0, result.code, tostring(result))
      assert.equal("996", to:sql "select count(*) from etl.t")
      local reasons = files.lines(to:sql "select reason from _etl.dead_rows order by row_number")
      local why = { "unique constraint", "check constraint", "index row", "foreign key" }
      if way == "merge" then table.remove(why, 1) end
      assert.equal(#why, #reasons)
      for i, pattern in ipairs(why) do assert.matches(pattern, reasons[i]) end
    end)
  end)

  describe(way .. ", what trying again cannot mend ends the run at once:", function()
    local cases = {
      -- state, exit, how often it was tried: what may be out of date is looked at once more
      { "0A000", "destination", 2 }, { "22P04", "bug", 1 }, { "25P02", "bug", 1 },
      { "28000", "auth", 1 }, { "3D000", "config", 1 }, { "3F000", "config", 1 },
      { "42501", "auth", 1 }, { "42601", "bug", 1 }, { "42703", "destination", 2 },
      { "42804", "destination", 2 }, { "42P01", "destination", 2 }, { "53400", "config", 1 },
      { "54011", "config", 1 }, { "57P04", "config", 1 }, { "XX000", "destination", 1 },
      { "XX001", "destination", 1 }, { "XX002", "destination", 1 },
    }
    it("each state", function()
      local to, file = plant({ "none" }, { rows = 3, step = 2, times = 1000 })
      local tried = 0
      for _, case in ipairs(cases) do
        to:sql(("update public.planted set state = '%s'"):format(case[1]))
        local result = host.load(file, "t", to, with())
        assert.equal(host.exit[case[2]], result.code, tostring(result))
        assert.matches(case[1], result.out .. result.err, 1, true)
        local now = tries(to, 2)
        assert.equal(case[3], now - tried, case[1])
        tried = now
        assert.equal("0|0|\\N", whole(to))
      end
      to:sql "delete from public.planted"
      assert.equal(0, host.load(file, "t", to, with()).code)
      assert.equal("3|3|6", whole(to))
    end)
  end)
end

describe("a server that is really so:", function()
  local function look(to, url)
    return host.etlhost { "load", host.file("a.csv", "id\n1\n"), "--into", "t", "--destination",
      url or to.url }
  end

  it("no such database, no privilege, no connection left, read only", function()
    local to = target.postgres { lanes = 1 }
    local server = to.server
    local result = look(to, server:url "nowhere")
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("3D000", result.err .. result.out)

    server:sql("postgres", "drop role if exists poor", "create role poor login")
    local poor = to.url:gsub("etl@", "poor@")
    result = look(to, poor)
    assert.equal(host.exit.auth, result.code, tostring(result))
    assert.matches("42501", result.err .. result.out)

    to:sql(("grant create on database %s to poor; alter role poor connection limit 0"):format(
      to.database))
    result = look(to, poor)
    assert.equal(host.exit.network, result.code, tostring(result))
    assert.matches("53300", result.err .. result.out)
    to:sql "alter role poor connection limit -1"
    assert.equal(0, look(to, poor).code)

    to:sql(("alter database %s set default_transaction_read_only = on"):format(to.database))
    result = look(to)
    assert.equal(host.exit.network, result.code, tostring(result))
    to.server:sql("postgres", ("alter database %s reset all"):format(to.database))
    to:sql "drop owned by poor cascade"
  end)

  it("a full disk: nothing of the unit, and all of it once there is room", function()
    local folder = files.temp()
    process.must { "mkdir", folder .. "/small" }
    local mounted = process.run { "mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs",
      folder .. "/small" }
    if mounted.code ~= 0 then
      pending "a small file system cannot be mounted here"
      return
    end
    finally(function() process.must { "umount", "-l", folder .. "/small" } end)
    process.must { "mkdir", folder .. "/small/space" }
    process.must { "chown", "nobody:nogroup", folder .. "/small/space" }
    local to = target.postgres { lanes = 1 }
    to.server:sql("postgres", ("create tablespace small location '%s/small/space'"):format(folder))
    to:sql [[create schema etl;
      create table public.filler (t text) tablespace small;
      insert into public.filler select repeat(md5(i::text), 30) from generate_series(1, 9000) i;
      create table etl.t (id bigint, note text, _client_id text, _source text, _file text,
        _row bigint, _load_id bigint, _loaded_at timestamptz) tablespace small]]
    local lines = { "id,note" }
    for i = 1, 20000 do lines[#lines + 1] = i .. "," .. ("x"):rep(150) end
    local file = host.file("a.csv", table.concat(lines, "\n") .. "\n")
    local result = host.load(file, "t", to, { seconds = 120 })
    assert.equal(host.exit.network, result.code, tostring(result))
    assert.matches("53100", result.out .. result.err)
    assert.matches("disk is full", result.out .. result.err)
    to:sql "drop table public.filler"
    result = host.load(file, "t", to)
    assert.equal(0, result.code, tostring(result))
    assert.equal("20000|20000|200010000", whole(to))
    to:sql "drop table etl.t"
    to.server:sql("postgres", "drop tablespace small")
  end)
end)

