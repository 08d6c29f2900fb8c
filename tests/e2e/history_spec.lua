-- write = "history": a row with a known key and other values is a new version, valid from its
-- cursor or from when it was loaded; the one before ends there.
local host = require "tests.support.host"
local target = require "tests.support.target"

local BY_TIME = '{ key = "id", cursor = "at", write = "history", table = "orders" }'

-- The versions with their month and day, from and to.
local function versions(to, columns, where)
  local text = to.kind == "postgres" and "set timezone = 'UTC'; select %s, to_char(_valid_from, "
    .. "'MM-DD'), to_char(_valid_to, 'MM-DD') from %s where %s order by id, _valid_from"
    or "select %s, substr(_valid_from, 6, 5), substr(_valid_to, 6, 5) from %s where %s "
    .. "order by id, _valid_from"
  return to:sql(text:format(columns, to:name "orders", where or "id is not null"))
end

-- Makes the table refuse values of v that are longer than 2 characters.
local function refuse_long(to)
  if to.kind == "postgres" then
    to:sql "alter table etl.orders add constraint short check (length(v) < 3)"
  else
    to:sql "create trigger short before insert on orders when length(new.v) > 2 begin select \
      raise(abort, 'too long'); end"
  end
end

local function describe_history(one, other)
  it("keeps each version with its time; no change is no version", function()
    local to = other.fresh()
    local step = host.stepper(to, BY_TIME)
    step("1.csv", "id,at,v\n1,2026-01-01,a\n2,2026-01-01,b\n")
    local result = step("2.csv", "id,at,v\n1,2026-01-05,a\n2,2026-01-05,B\n3,2026-01-05,c\n")
    assert.matches("2 new, 1 as they were", result.out, 1, true)
    assert.equal("1|a|01-01|\\N\n2|b|01-01|01-05\n2|B|01-05|\\N\n3|c|01-05|\\N",
      versions(to, "id, v"))
    -- Older than what was seen last, though no version began then.
    result = step("3.csv", "id,at,v\n1,2026-01-03,late\n2,2026-01-04,late\n")
    assert.matches("2 stale", result.out, 1, true)
    assert.equal(4, to:count "orders")
  end)

  it("makes a chain of the versions of one file, whatever their order", function()
    local to = one.fresh()
    local step = host.stepper(to, BY_TIME)
    step("1.csv", "id,at,v\n1,2026-01-01,a\n")
    local result = step("2.csv", "id,at,v\n1,2026-01-04,c\n1,2026-01-02,b\n1,2026-01-03,b\n"
      .. "1,2026-01-05,x\n1,2026-01-05,d\n1,2026-01-06,d\n2,2026-01-02,z\n")
    assert.equal("1|a|01-01|01-02\n1|b|01-02|01-04\n1|c|01-04|01-05\n1|d|01-05|\\N\n2|z|01-02|\\N",
      versions(to, "id, v"))
    assert.matches("4 new, 2 as they were, 1 repeated by a newer one", result.out, 1, true)
    -- The same instant with other values: the later row is the version.
    step("3.csv", "id,at,v\n2,2026-01-02,Z\n")
    assert.equal("Z|01-02|\\N", versions(to, "v", "id = 2"))
  end)

  it("ends a version when its row is deleted, and begins anew", function()
    local to = one.fresh()
    local step = host.stepper(to, '{ key = "id", cursor = "at", write = "history", '
      .. 'hard_delete = "gone", table = "orders" }')
    step("1.csv", "id,at,v,gone\n1,2026-01-01,a,false\n2,2026-01-01,b,false\n")
    local result = step("2.csv", "id,at,v,gone\n1,2026-01-03,a,true\n2,2026-01-03,b,true\n"
      .. "2,2026-01-05,b,false\n3,2026-01-03,,true\n")
    assert.matches("1 new, 1 as they were, 2 deleted", result.out, 1, true)
    step("3.csv", "id,at,v,gone\n1,2026-01-02,late,false\n")
    assert.equal("1|a|01-01|01-03\n2|b|01-01|01-03\n2|b|01-05|\\N", versions(to, "id, v"))
    step("4.csv", "id,at,v,gone\n1,2026-01-07,again,false\n")
    assert.equal("1|again|01-07|\\N", versions(to, "id, v", "id = 1 and _valid_to is null"))
  end)

  it("takes the time of the load without a cursor, and sets rows aside that lack theirs", function()
    local to = one.fresh()
    local step = host.stepper(to, '{ key = "id", write = "history", table = "orders" }')
    step("1.csv", "id,v\n1,a\n1,b\n2,c\n")
    step("2.csv", "id,v\n1,b\n2,C\n")
    assert.equal("1|b|0|1\n2|c|0|0\n2|C|0|1", to:sql("select id, v, case when _valid_from > "
      .. "_loaded_at then 1 else 0 end, case when _valid_to is null then 1 else 0 end from "
      .. to:name "orders" .. " order by id, _valid_from"))
    assert.equal("1", to:sql(("select count(*) from %s a join %s b on a._valid_to = b._valid_from "
      .. "where a.id = 2 and b.id = 2 and a.v = 'c' and b.v = 'C'"):format(to:name "orders",
        to:name "orders")))
    to = one.fresh()
    step = host.stepper(to, BY_TIME)
    local result = step("1.csv", "id,at,v\n1,2026-01-01,a\n1,,b\n")
    assert.matches("1 dead row", result.out .. result.err, 1, true)
  end)

  it("takes over what a file or a record has no field for", function()
    local to = other.fresh()
    local step = host.stepper(to, BY_TIME)
    step("1.csv", "id,at,v,w\n1,2026-01-01,a,x\n2,2026-01-01,b,y\n")
    step("2.csv", "id,at,v\n1,2026-01-02,A\n1,2026-01-03,AA\n2,2026-01-02,b\n3,2026-01-02,c\n")
    assert.equal("1|a|x|01-01|01-02\n1|A|x|01-02|01-03\n1|AA|x|01-03|\\N\n2|b|y|01-01|\\N\n"
      .. "3|c|\\N|01-02|\\N", versions(to, "id, v, w"))
    -- Of two records of one instant the second takes over from the first.
    step("3.jsonl", '{"id":1,"at":"2026-01-04","w":"X"}\n{"id":1,"at":"2026-01-05","v":"B"}\n'
      .. '{"id":2,"at":"2026-01-04","v":null}\n{"id":3,"at":"2026-01-04","v":"C"}\n'
      .. '{"id":3,"at":"2026-01-04","w":"Z"}\n')
    assert.equal("1|AA|X|01-04|01-05\n1|B|X|01-05|\\N\n2|\\N|y|01-04|\\N\n3|C|Z|01-04|\\N",
      versions(to, "id, v, w", "_valid_from >= '2026-01-04'"))
  end)

  it("begins anew after a deletion, and keeps when an ended version was seen last", function()
    local to = one.fresh()
    local step = host.stepper(to, '{ key = "id", cursor = "at", write = "history", '
      .. 'hard_delete = "gone", table = "orders" }')
    step("1.csv", "id,at,gone,v,w\n1,2026-01-01,false,a,x\n2,2026-01-01,false,b,y\n")
    step("2.csv", "id,at,gone,v\n1,2026-01-02,true,a\n1,2026-01-03,false,a\n2,2026-01-02,false,b\n"
      .. "2,2026-01-03,false,b\n2,2026-01-04,false,c\n2,2026-01-05,false,c\n2,2026-01-06,true,c\n")
    local at = to.kind == "postgres" and "to_char(at, 'MM-DD')" or "substr(at, 6, 5)"
    assert.equal("1|a|x|01-01|01-01|01-02\n1|a|\\N|01-03|01-03|\\N\n2|b|y|01-03|01-01|01-04\n"
      .. "2|c|y|01-05|01-04|01-06", versions(to, "id, v, w, " .. at))
  end)

  it("leaves columns that the database fills to it", function()
    local to = one.fresh()
    to:sql(to.kind == "postgres" and "create schema etl; create table etl.orders (n serial primary "
      .. "key, id bigint, at date, v text, w text, made text default 'new')"
      or "create table orders (n integer primary key, id integer, at text, v text, w text, "
      .. "made text default 'new')")
    local step = host.stepper(to, BY_TIME)
    step("1.csv", "id,at,v,w,made\n1,2026-01-01,a,x,old\n")
    step("2.csv", "id,at,v\n1,2026-01-02,b\n")
    assert.equal("1|old|a|x\n2|new|b|x", to:sql("select n, made, v, w from " .. to:name "orders"
      .. " order by n"))
  end)

  it("finds rows that the server refuses, piece by piece", function()
    local to = other.fresh()
    local step = host.stepper(to, BY_TIME)
    step("1.csv", "id,at,v\n1,2026-01-01,a\n")
    refuse_long(to)
    local lines = { "id,at,v" }
    for id = 1, 2000 do
      lines[#lines + 1] = ("%d,2026-01-02,%s"):format(id, id % 700 == 0 and "long" or "b")
    end
    local result = step("2.csv", table.concat(lines, "\n") .. "\n")
    assert.matches("2 dead rows", result.out .. result.err, 1, true)
    assert.equal("1999|1998", to:sql("select count(*), count(*) - count(_valid_to) from "
      .. to:name "orders"))
  end)
end

-- Numbers as keys, whatever the way of writing: both destinations have to agree.
local function describe_numbers(make)
  it("takes numbers that are equal for one key, however they are written", function()
    local to = make.fresh()
    local step = host.stepper(to, '{ key = "id", columns = { id = "numeric" }, table = "orders" }')
    step("1.csv", "id,v\n1.10,a\n2,b\n2.50,c\n100,d\n0.0,e\n")
    local result = step("2.csv", "id,v\n1.1,A\n2.00,B\n2.5,C\n2.500,CC\n100.0,D\n10,f\n0,E\n")
    assert.matches("1 new, 5 changed, 1 repeated", result.out, 1, true)
    assert.equal("0.0|E\n1.10|A\n10|f\n100|D\n2|B\n2.50|CC", to:sql(("select id, v from %s order "
      .. "by cast(id as text) %s"):format(to:name "orders", to.kind == "postgres"
        and 'collate "C"' or "")))
    to = make.fresh()
    step = host.stepper(to, '{ key = "id", cursor = "at", write = "history", table = "orders", '
      .. 'columns = { id = "numeric" } }')
    step("1.csv", "id,at,v\n1.10,2026-01-01,a\n")
    step("2.csv", "id,at,v\n1.1,2026-01-02,b\n1.100,2026-01-03,c\n")
    assert.equal("a|b\nb|c", to:sql(("select a.v, b.v from %s a join %s b on b._valid_from = "
      .. "a._valid_to order by 1"):format(to:name "orders", to:name "orders")))
  end)

  it("names numbers that are there twice", function()
    local to = make.fresh()
    host.stepper(to, '{ columns = { id = "numeric" }, table = "orders" }')("1.csv",
      "id,v\n1.10,a\n1.1,b\n2,c\n")
    local step = host.stepper(to, '{ key = "id", columns = { id = "numeric" }, table = "orders" }')
    local result = step("2.csv", "id,v\n3,d\n", host.exit.data)
    assert.matches('"id": ?"?1%.1', result.out .. result.err)
    assert.matches("(2 times)", result.out .. result.err, 1, true)
  end)
end

describe("history in sqlite", function() describe_history(target.list[1], target.list[1]) end)
describe("history in postgres", function() describe_history(target.list[3], target.list[4]) end)
describe("numeric keys in sqlite", function() describe_numbers(target.list[1]) end)
describe("numeric keys in postgres", function() describe_numbers(target.list[3]) end)
