-- Rows of clients never go where somebody who has not logged in could read them.
local host = require "tests.support.host"
local target = require "tests.support.target"

local ROWS = "id,name\n1,Ada\n2,Grace\n"

local function refused(result, ...)
  assert.equal(host.exit.config, result.code, tostring(result))
  for _, word in ipairs { ... } do assert.matches(word, result.out .. result.err, 1, true) end
end

-- A table that is there before etlhost: its text columns take the file's.
local TABLE = "create table %s.people (id bigint, name text, _file text, _row bigint, "
  .. "_load_id bigint, _loaded_at timestamptz);"

describe("a table that the world could read", function()
  local to, file
  setup(function()
    to = target.postgres {}
    file = host.file("people.csv", ROWS)
    to:sql [[do $$ begin create role anon nologin;
      exception when duplicate_object then null; end $$]]
  end)

  it("is refused before the first row, and the message says what to do", function()
    to:sql("create schema open; grant usage on schema open to anon;" .. TABLE:format "open"
      .. "grant select on open.people to anon")
    local more = { "--schema", "open" }
    local result = host.load(file, "people", to, { more = more })
    refused(result, "anon", "open.people", "REVOKE SELECT ON", "row-level security")
    refused(host.load(file, "people", to, { more = { "--schema", "open", "--dry-run" } }), "anon")
    assert.equal("0", to:sql "select count(*) from open.people")
    -- Either way out of it works.
    to:sql "alter table open.people enable row level security"
    host.must_load(file, "people", to, { more = more })
    to:sql [[alter table open.people disable row level security;
      revoke select on open.people from anon]]
    host.must_load(host.file("more.csv", "id,name\n3,Emmy\n"), "people", to, { more = more })
    assert.equal("3", to:sql "select count(*) from open.people")
  end)

  it("is refused for a grant on one column, and for PUBLIC", function()
    to:sql("create schema half; grant usage on schema half to public;" .. TABLE:format "half"
      .. "grant select (name) on half.people to public")
    refused(host.load(file, "people", to, { more = { "--schema", "half" } }), "PUBLIC",
      "half.people")
  end)

  it("is not refused when the schema is closed to them", function()
    to:sql("create schema shut;" .. TABLE:format "shut" .. "grant select on shut.people to anon")
    host.must_load(file, "people", to, { more = { "--schema", "shut" } })
  end)

  it("is not made by etlhost either, where default privileges would open it", function()
    to:sql [[create schema api; grant usage on schema api to anon;
      alter default privileges in schema api grant select on tables to anon]]
    refused(host.load(file, "people", to, { more = { "--schema", "api" } }), "anon", "api.people")
    assert.equal("t", to:sql "select to_regclass('api.people') is null")
  end)
end)
