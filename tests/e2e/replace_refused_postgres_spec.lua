-- What only PostgreSQL refuses in a replacement: see replace_refused_spec.lua.
local files = require "tests.support.files"
local host = require "tests.support.host"
local refused = require "tests.support.refused"
local target = require "tests.support.target"

local REPLACE, project_of = refused.REPLACE, refused.project_of
local run, rows, dead, retry = refused.run, refused.rows, refused.dead, refused.retry

describe("rows that PostgreSQL refuses in a replacement", function()
  -- What the table has when `change` (SQL) was done to it; the second content of orders/1.csv.
  local function replaced(change, text, code, before)
    local to = target.list[3].fresh()
    local folder = project_of(REPLACE, { ["orders/1.csv"] = before or "id,v\n1,a\n2,b\n" })
    run(folder, to)
    to:sql(change)
    files.write(folder .. "/exports/orders/1.csv", text)
    return to, run(folder, to, code), folder
  end

  it("because of a foreign key, and those that refer to them in turn", function()
    local to, _, folder = replaced([[create table etl.shops (v text primary key);
      insert into etl.shops values ('a'), ('b');
      alter table etl.orders add foreign key (v) references etl.shops;
      alter table etl.orders add unique (id);
      alter table etl.orders add column parent bigint references etl.orders (id)]],
      "id,v,parent\n1,a,2\n2,b,\n3,none,1\n4,a,3\n5,b,4\n6,,1\n7,a,99\n")
    assert.equal("1|a\n2|b\n6|\\N", rows(to))
    assert.equal("3\n4\n5\n7", dead(to, "row_number"))
    assert.matches('^23503: .*"orders_v_fkey"', dead(to, "reason", "and row_number = 3"))
    to:sql "insert into etl.shops values ('none')"
    retry(folder, to)
    assert.equal("7", dead(to, "row_number"))
  end)

  it("because of an exclusion constraint, or one that is checked late", function()
    local to = replaced([[alter table etl.orders add constraint apart
      exclude using gist (int8range(id, id + 10) with &&)]], "id,v\n1,a\n5,b\n11,c\n30,d\n", 0,
      "id,v\n1,a\n20,b\n")
    assert.equal("1|a\n11|c\n30|d", rows(to))
    assert.equal("2", dead(to, "row_number"))
    assert.matches('^23P01: .*"apart"', dead(to, "reason"))
    to = replaced("alter table etl.orders add constraint late unique (v) "
      .. "deferrable initially deferred", "id,v\n1,a\n2,b\n3,b\n")
    assert.equal("1|a\n2|b", rows(to))
    assert.equal("3", dead(to, "row_number"))
  end)

  it("because of what the table makes of them", function()
    local to = replaced([[alter table etl.orders
      add column half bigint generated always as (id / 2) stored unique]],
      "id,v\n2,a\n3,b\n4,c\n")
    assert.equal("2|a\n4|c", rows(to))
    to = replaced("alter table etl.orders add column part numeric "
      .. "generated always as (1.0 / id) stored", "id,v\n1,a\n0,b\n")
    assert.equal("1|a", rows(to))
    assert.matches("^22012: ", dead(to, "reason"))
    to = replaced([[create unique index partly on etl.orders (lower(v), (id % 10)) where id > 3]],
      "id,v\n1,a\n11,A\n21,a\n5,a\n")
    assert.equal("1|a\n5|a\n11|A", rows(to))
  end)

  it("are left where other tables refer to rows that go: nothing is replaced", function()
    local to, result = replaced([[alter table etl.orders add unique (id);
      create table parts (id bigint references etl.orders (id)); insert into parts values (2)]],
      "id,v\n1,a\n3,c\n", host.exit.data)
    assert.matches("parts_id_fkey", result.out .. result.err)
    assert.matches("no row was found that could be left out", result.out .. result.err)
    assert.equal("1|a\n2|b", rows(to))
    assert.equal("", dead(to))
    -- A refused row is found all the same, as long as no key is missed.
    to = replaced([[alter table etl.orders add unique (id);
      create table parts (id bigint references etl.orders (id)); insert into parts values (2)]],
      "id,v\n1,a\n2,b\n2,c\n")
    assert.equal("1|a\n2|b", rows(to))
    assert.equal("3", dead(to, "row_number"))
  end)

  it("are found by a column that they do not bring", function()
    local to = replaced("alter table etl.orders add column must text not null default 'x'; "
      .. "create unique index one on etl.orders (must, v)", "id,v\n1,a\n2,a\n3,c\n")
    assert.equal("1|a\n3|c", rows(to))
  end)
end)
