-- Tables of somebody else: what stands between them and the rows is said before the first row.
local host = require "tests.support.host"
local target = require "tests.support.target"

local OURS = "_file text, _row bigint, _load_id bigint, _loaded_at timestamptz"
local FILE = "id,amount,code,total\n1,1.25,abc,2\n2,2.50,abcdef,3\n"

local function said(result, ...)
  local text = (result.out .. result.err):gsub("%s+", " ")
  for _, words in ipairs { ... } do assert.matches(words, text, 1, true) end
end

local function refused(result, ...)
  assert.equal(host.exit.config, result.code, tostring(result))
  said(result, ...)
end

describe("a table of somebody else", function()
  local to, file
  local function load(more) return host.load(file, "orders", to, { more = more }) end

  before_each(function()
    to = target.postgres {}
    to:sql "create schema etl"
    file = host.file("orders.csv", FILE)
  end)

  it("has all that is in the way named at once, before the first row", function()
    to:sql("create table etl.orders (id bigint, amount numeric(10,2), code varchar(3), "
      .. "total bigint generated always as (id * 2) stored, region text not null, "
      .. "at date not null default now(), shop bigint not null," .. OURS .. ")")
    refused(load(), "no row can be loaded into etl.orders", "total itself (generated or identity)",
      "without a default: region, shop (NOT NULL)")
    refused(load { "--dry-run" }, "region, shop")
    assert.equal("0", to:sql "select count(*) from etl.orders")
  end)

  it("has narrower types and triggers named in the first run, and in no later one", function()
    to:sql("create table etl.orders (id integer, amount numeric(10,1), code varchar(3), "
      .. "total bigint, region text not null, audit bigint generated always as identity,"
      .. OURS .. [[);
      create function stamp() returns trigger language plpgsql as
        'begin new.region := ''EU''; return new; end';
      create trigger stamp before insert on etl.orders for each row execute function stamp()]])
    local result = load()
    assert.equal(0, result.code, tostring(result))
    said(result, "about the table etl.orders", "id integer, amount numeric(10,1), code character "
      .. "varying(3)", "the database fills audit", "without a default: region (NOT NULL)",
      "triggers see each row: stamp")
    -- What does not fit is not cut: it has columns of its own.
    assert.equal("1|\\N|1.25|abc|\\N|EU|1\n2|\\N|2.50|\\N|abcdef|EU|2", to:sql [[select id, amount,
      amount__text, code, code__text, region, audit from etl.orders order by id]])
    local again = host.load(host.file("more.csv", FILE:gsub("2.50", "3.50")), "orders", to)
    assert.equal(0, again.code, tostring(again))
    assert.is_nil((again.out .. again.err):find("about the table", 1, true))
  end)

  it("is not changed by who does not own it: it says which columns are to be added", function()
    to:sql(([[create role guest login; grant create on database %s to guest;
      create table etl.orders (id bigint, amount numeric, code text);
      grant usage on schema etl to guest; grant select, insert on etl.orders to guest]])
      :format(to.database))
    to.url = to.url:gsub("etl@", "guest@")
    refused(load(), "it lacks total bigint, _file text, _row bigint, _load_id bigint, _loaded_at "
      .. "timestamp, and only its owner may change its columns")
    to:sql("alter table etl.orders add total bigint, add _file text, add _row bigint, "
      .. "add _load_id bigint, add _loaded_at timestamptz; revoke insert on etl.orders from guest")
    local result = load()
    assert.equal(host.exit.auth, result.code, tostring(result))
    said(result, "the loader may not insert into it", "grant USAGE on the schema etl, and SELECT, "
      .. "INSERT, UPDATE and DELETE on etl.orders, to the role that etlhost signs in as")
    to:sql "grant insert on etl.orders to guest"
    assert.equal(0, load().code)
    to:sql "drop owned by guest; drop role guest"
  end)
end)

describe("a table with row-level security that holds the loader", function()
  it("takes rows through a stage, says so, and tells of a row that a policy refuses", function()
    local to = target.postgres {}
    to:sql(([[create role tenant login; grant create on database %s to tenant;
      create schema etl; grant usage on schema etl to tenant;
      create table etl.orders (id bigint check (id <> 13), name text, %s);
      alter table etl.orders enable row level security;
      grant select, insert on etl.orders to tenant]]):format(to.database, OURS))
    to.url = to.url:gsub("etl@", "tenant@")
    local function load(rows)
      return host.load(host.file("o.csv", rows), "orders", to, { more = { "--on-changed-file",
        "append" } })
    end
    refused(load "id,name\n1,x\n", "no policy lets the loader insert")
    to:sql "create policy few on etl.orders for insert to tenant with check (id < 100)"
    local rows = { "id,name" }
    for i = 1, 30 do rows[#rows + 1] = i .. ",n" .. i end
    local result = load(table.concat(rows, "\n") .. "\n")
    assert.equal(0, result.code, tostring(result))
    said(result, "rows go through a stage")
    -- A row that the server refuses is found all the same.
    assert.equal("29|452", to:sql "select count(*), sum(id) from etl.orders")
    assert.equal("13", to:sql "select row_number from _etl.dead_rows")
    local over = load "id,name\n50,x\n100,y\n"
    assert.equal(host.exit.auth, over.code, tostring(over))
    said(over, 'new row violates row-level security policy for table "orders"', "CREATE POLICY")
    assert.equal("29", to:sql "select count(*) from etl.orders")
    to:sql "drop owned by tenant; drop role tenant"
  end)
end)
