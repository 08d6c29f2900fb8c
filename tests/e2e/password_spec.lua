-- The password of the database, wherever the connection has it from: servers, poolers and libpq
-- itself quote it, and nobody may see that. All that a run leaves behind is searched for it.
local files = require "tests.support.files"
local host = require "tests.support.host"
local leaks = require "tests.support.leaks"
local postgres = require "tests.support.postgres"
local process = require "tests.support.process"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

local PASSWORD = "p@ss/w0rd:%#-0007 x"
local SHORT = { env = "{ env: DB_URL }", file = "{ file: secrets/url }",
  cmd = "{ cmd: [cat, secrets/url] }" }

-- A project whose connection is written as `reference`.
local function project(reference, rows)
  local folder = host.project {
    config = ("connections: { warehouse: { url: %s } }\n"):format(reference),
    client = "destination: { connection: warehouse }\n",
    settings = '    prefixes: { orders: { table: t, max_dead: { ratio: 1, rows: 100 } } }\n',
  }
  files.make_folder(folder .. "/exports/orders")
  files.write(folder .. "/exports/orders/1.csv", rows or "id,name\n1,Ada\n")
  return folder
end

local function run(folder, url, env)
  local all = { DB_URL = url, HOME = folder, PGPASSWORD = false, PGPASSFILE = false }
  for name, value in pairs(env or {}) do all[name] = value end
  if url then files.write(folder .. "/secrets/url", url .. "\n") end
  return host.etlhost({ "run", "pipelines/p.lua", "--json" }, { cwd = folder, env = all })
end

local function expect_unseen(folder, result, values)
  local list = leaks.forms(values or { password = PASSWORD })
  leaks.search("standard output", result.out, list)
  leaks.search("standard error", result.err, list)
  leaks.search_folder(folder, list)
  local shown = host.etlhost({ "runs", "show" }, { cwd = folder })
  leaks.search("etlhost runs show", shown.out .. shown.err, list)
end

describe("a database's password", function()
  local port, refuser
  local encoded, base64 = leaks.urlencoded(PASSWORD), leaks.base64("x" .. PASSWORD)

  setup(function()
    port = postgres.free_port()
    local answers = ("told|28P01|no entry for %s (%s, %s)\n"):format(PASSWORD, encoded, base64)
    local path = files.write(files.temp() .. "/answers", answers)
    refuser = process.spawn { "python3", host.root .. "/tests/support/refuser.py", port, path }
    wait.until_true("the refuser", 10, function() return refuser:output():find "ready" end)
  end)
  teardown(function()
    refuser:signal "KILL"
    refuser:wait()
  end)

  local function address(user, query)
    return ("postgres://%s@127.0.0.1:%d/told%s"):format(user, port, query or "")
  end

  local function with_user(url, user)
    return (url:gsub("//etl@", function() return "//" .. user .. "@" end))
  end

  for kind, reference in pairs(SHORT) do
    it("from " .. kind .. " is masked in what a server says", function()
      local folder = project(reference)
      local result = run(folder, address("etl:" .. encoded))
      assert.equal(host.exit.auth, result.code, tostring(result))
      assert.matches("no entry for *** (***, ", result.out, 1, true)
      expect_unseen(folder, result)
    end)
  end

  it("from the query, a variable or the password file is masked, too", function()
    local pgpass = files.write(files.temp() .. "/pgpass",
      "127.0.0.1:*:*:etl:" .. PASSWORD:gsub("[\\:]", "\\%0") .. "\n")
    process.must { "chmod", "600", pgpass }
    local folder = project(SHORT.env)
    for _, case in ipairs {
      { address("etl", "?password=" .. encoded) },
      { address("etl"), { PGPASSWORD = PASSWORD } },
      { address("etl"), { PGPASSFILE = pgpass } },
    } do
      local result = run(folder, case[1], case[2])
      assert.equal(host.exit.auth, result.code, tostring(result))
      assert.matches("no entry for *** (***, ", result.out, 1, true)
      expect_unseen(folder, result)
    end
  end)

  -- What libpq cannot read it quotes.
  it("that is written wrong is masked in what libpq says of it", function()
    for _, case in ipairs {
      { "etl:br0ken/w0rd-0008", "br0ken", "w0rd-0008" }, { "etl:br0ken%zzw0rd", "br0ken" },
      { "etl:br0ken%", "br0ken" }, { "etl:br0ken#[w0rd-0009", "br0ken", "w0rd-0009" },
      { "etl:br0ken]:x@w0rd-0010", "br0ken", "w0rd-0010" },
    } do
      local folder = project(SHORT.env)
      local result = run(folder, address(case[1]))
      assert.not_equal(0, result.code, tostring(result))
      expect_unseen(folder, result, { first = case[2], second = case[3] })
    end
  end)

  it("in the place of an address is not shown", function()
    local folder = project(SHORT.env)
    local result = run(folder, "S3same-0011")
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("is no address", result.out .. result.err, 1, true)
    expect_unseen(folder, result, { password = "S3same-0011" })
  end)

  it("is masked in dead rows and in what triggers say", function()
    local to = target.postgres { lanes = 1 }
    local url = with_user(to.url, "etl:" .. encoded)
    local folder = project(SHORT.env)
    local result = run(folder, url)
    assert.equal(0, result.code, tostring(result))
    to:sql(([[create function no() returns trigger language plpgsql as $$ begin
      if new.name = 'Eve' then raise exception 'not %% (%%)', '%s', '%s'; end if;
      raise warning 'warned of %%', '%s'; return new; end $$;
      create trigger no before insert on etl.t for each row execute function no()]])
      :format(PASSWORD, base64, PASSWORD))
    files.write(folder .. "/exports/orders/2.csv",
      "id,name\n2,Eve\n3,Bob\n4," .. PASSWORD .. ",x\n")
    result = run(folder, url)
    assert.equal("2", to:sql "select count(*) from etl.t")
    local dead = to:sql
      "select string_agg(reason || convert_from(raw, 'UTF8'), ' ') from _etl.dead_rows"
    assert.matches("not *** (", dead, 1, true)
    assert.matches("4,***,x", dead, 1, true)
    leaks.search("the dead rows", dead, leaks.forms { password = PASSWORD })
    files.remove(folder .. "/exports")
    expect_unseen(folder, result)
  end)

  it("is left out of the commands that are suggested", function()
    local to = target.postgres { lanes = 1 }
    for _, user in ipairs { "etl:" .. encoded, "etl" } do
      local url = with_user(to.url, user) .. "?password=" .. encoded
      local result = host.load(host.file("a.csv", "id\n1\n"), "t", { arguments = function()
        return { "--destination", url }
      end })
      assert.equal(0, result.code, tostring(result))
      leaks.search("what load prints", result.out .. result.err, leaks.forms { p = PASSWORD })
    end
  end)
end)
