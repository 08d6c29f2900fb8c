-- `etlhost client remove`: all that is of one client goes, in one transaction that proves itself,
-- and nothing of the others.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local PIPELINE = [[return require "etl.pipeline" {
  s3_exports = { orders = { table = "t" }, notes = { table = "u" } },
}]]

local function client(id)
  return ('version: 1\nid: "%s"\nname: "The %s"\nsources:\n  s3_exports:\n    url: "file:exports"\n'
    .. "    prefixes: { orders: {}, notes: {} }\n"):format(id, id)
end

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("client remove with " .. make.name, function()
    local project, to
    local etlhost, ok = host.inside(function() return project end)

    before_each(function()
      to = make.fresh()
      project = host.project {
        config = host.connected(to),
        exports = {
          ["orders/1.csv"] = 'id,v,f\n1,a,0.1\n2\n3,"x ""y"", z",1.50\n4,"",\n',
          ["notes/1.csv"] = 'id,at,note\n007,2026-03-01T12:30:00Z,"two\nlines"\n',
        },
        pipeline = PIPELINE,
        settings = "    prefixes: { orders: {}, notes: {} }\n",
      }
      files.write(project .. "/config/clients/beta.yaml", client "beta")
      ok("run", "pipelines/p.lua")
    end)

    -- All that the database has of a client, in any table of the bookkeeping that names one.
    local function records(id)
      local names = to.kind == "postgres"
        and "select table_name from information_schema.columns where table_schema = '_etl' "
          .. "and column_name = 'client_id' order by 1"
        or "select m.name from sqlite_master m join pragma_table_info(m.name) c on "
          .. "c.name = 'client_id' where m.type = 'table' order by 1"
      local list = {}
      for _, name in ipairs(files.lines(to:sql(names))) do
        if not name:match "erasures$" then
          local full = to.kind == "postgres" and "_etl." .. name or name
          list[#list + 1] = name .. " " .. to:sql(
            ("select count(*) from %s where client_id = '%s'"):format(full, id))
        end
      end
      return table.concat(list, "\n")
    end
    local function rows(name, id)
      return to:sql(("select count(*) from %s where _client_id = '%s'"):format(to:name(name), id))
    end

    it("shows what is there, and does nothing without a yes", function()
      local before = records "acme"
      local result = etlhost("client", "remove", "acme")
      assert.equal(host.exit.config, result.code, tostring(result))
      assert.matches("t +3 +3\n", result.out)
      assert.matches("2 streams.*1 dead row", result.out)
      assert.matches("config/removed/acme.yaml", result.out, 1, true)
      assert.equal(before, records "acme")
      assert.equal("3", rows("t", "acme"))
    end)

    it("deletes all of one client, and nothing of the others", function()
      local theirs = records "beta"
      if to.kind == "postgres" then
        to:sql [[insert into _etl.adoptions (stream_id, client_id, load_id, table_schema,
          table_name, made_stream, relaxed)
          select stream_id, client_id, 1, table_schema, table_name, true, '{}'
          from _etl.streams where client_id = 'acme']]
      end
      local out = ok("client", "remove", "acme", "--yes")
      assert.matches("t +3 +3 +0 +3 +3\n", out)
      assert.is_nil((records "acme"):match " [1-9]", records "acme")
      assert.equal(theirs, records "beta")
      assert.equal("0 3 0 1", ("%s %s %s %s"):format(rows("t", "acme"), rows("t", "beta"),
        rows("u", "acme"), rows("u", "beta")))
      assert.is_true(files.exists(project .. "/config/removed/acme.yaml"))
      assert.is_false(files.exists(project .. "/config/clients/acme.yaml"))
      assert.is_nil(ok("runs", "list"):match "acme")
      assert.equal("acme|client|4|1", to:sql("select client_id, what, rows, dead_rows from "
        .. to:book "erasures"))
      -- The other one goes on where it was; a client that is gone is not known any more.
      ok("run", "pipelines/p.lua")
      assert.equal("3", rows("t", "beta"))
      assert.equal(host.exit.config, etlhost("client", "remove", "acme", "--yes").code)
      -- One that comes back begins anew.
      files.write(project .. "/config/clients/acme.yaml", client "acme")
      ok("run", "pipelines/p.lua")
      assert.equal("3", rows("t", "acme"))
    end)

    it("exports what can be loaded again as it was", function()
      local folder = files.temp() .. "/out"
      local prefix = to.kind == "postgres" and "etl." or ""
      ok("client", "remove", "acme", "--yes", "--export", folder)
      assert.matches("ragged_row", files.read(folder .. "/dead_rows.csv"))
      -- Types of its own: the copy is compared with what the other client still has.
      local again = make.fresh()
      host.must_load(folder .. "/" .. prefix .. "t.csv", "t", again)
      host.must_load(folder .. "/" .. prefix .. "u.csv", "u", again)
      for _, case in ipairs { { "t", "v" }, { "t", "f" }, { "u", "id" }, { "u", "note" } } do
        assert.same(to:values(case[1], case[2], "id"), again:values(case[1], case[2], "id"))
      end
    end)

    it("changes nothing when a file of the export is there already", function()
      local folder = files.temp()
      files.write(folder .. "/dead_rows.csv", "mine\n")
      local result = etlhost("client", "remove", "acme", "--yes", "--export", folder)
      assert.equal(host.exit.config, result.code, tostring(result))
      assert.matches("is there already", result.err, 1, true)
      assert.equal("mine\n", files.read(folder .. "/dead_rows.csv"))
      assert.equal("3", rows("t", "acme"))
      assert.is_true(files.exists(project .. "/config/clients/acme.yaml"))
    end)

    it("refuses while a run loads the client", function()
      to:sql(("update %s set status = 'running' where client_id = 'acme'")
        :format(to:book "loads"))
      local now = to.kind == "postgres" and "now()" or "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
      to:sql(("update %s set host = 'elsewhere', heartbeat_at = %s"):format(to:book "runs", now))
      local result = etlhost("client", "remove", "acme", "--yes")
      assert.equal(host.exit.config, result.code, tostring(result))
      assert.matches("is loading s3_exports.notes", result.err, 1, true)
      assert.equal("3", rows("t", "acme"))
    end)

    it("takes everything back when rows of others went too", function()
      if to.kind == "postgres" then
        to:sql [[create function public.greedy() returns trigger language plpgsql as
          $$ begin delete from etl.t where _client_id = 'beta'; return null; end $$;
          create trigger greedy after delete on etl.u
          for each row execute function public.greedy()]]
      else
        to:sql "create trigger greedy after delete on u begin delete from t; end"
      end
      local before = records "acme"
      local result = etlhost("client", "remove", "acme", "--yes")
      assert.equal(host.exit.data, result.code, tostring(result))
      assert.matches("rows of others of", result.err, 1, true)
      assert.equal("3 3", rows("t", "acme") .. " " .. rows("t", "beta"))
      assert.equal(before, records "acme")
      assert.is_true(files.exists(project .. "/config/clients/acme.yaml"))
    end)

    it("drops tables that nobody else loads when asked, and names secrets", function()
      files.write(project .. "/secrets/acme/key", "k")
      files.write(project .. "/config/clients/acme.yaml",
        client "acme" .. "    api_key: { file: secrets/acme/key }\n    token: { env: ACME_T }\n")
      ok("client", "remove", "beta", "--yes", "--drop-tables")
      assert.is_true(to:has_table "t")
      local asked = etlhost("client", "remove", "acme").out
      assert.matches("secret secrets/acme/key stays", asked, 1, true)
      assert.matches("ACME_T", asked, 1, true)
      ok("client", "remove", "acme", "--yes", "--drop-tables", "--delete-file", "--delete-secrets")
      assert.is_false(to:has_table "t")
      assert.equal("0", to:sql("select count(*) from " .. to:book "columns"))
      assert.is_false(files.exists(project .. "/secrets/acme/key"))
      assert.is_false(files.exists(project .. "/config/removed/acme.yaml"))
    end)

    it("refuses words that contradict each other, and a client that nobody knows", function()
      assert.equal(host.exit.config,
        etlhost("client", "remove", "acme", "--keep-file", "--delete-file").code)
      local result = etlhost("client", "remove", "acmee", "--yes")
      assert.equal(host.exit.config, result.code)
      assert.matches('did you mean "acme"', result.err, 1, true)
    end)
  end)
end
