-- `etlhost erase`: one person's rows go from tables, dead rows and messages; nobody else's do.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local ORDERS = 'id,email,amount\n7,jo@a.com,12.10\n70,"jo@a.com",3\n8,mo@a.com,1\n9,bojo@a.com,2\n'
  .. "jo@a.com\n5,mo@a.com\n"
local NOTES = '{"id":1,"email":"jo@a.com","note":"x"}\n{"id":2,"email":"mo@a.com"}\n'
  .. '{"id":3,"jo@a.com"\n'

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("erase with " .. make.name, function()
    local project, to
    local etlhost, ok = host.inside(function() return project end)
    local function ids(name, client)
      return (to:sql(("select id from %s where _client_id = '%s' order by id"):format(
        to:name(name), client)):gsub("\n", " "))
    end

    before_each(function()
      to = make.fresh()
      project = host.project {
        config = host.connected(to),
        exports = { ["orders/1.csv"] = ORDERS, ["notes/1.jsonl"] = NOTES },
        pipeline = 'return require "etl.pipeline" { s3_exports = { orders = { table = "t" }, '
          .. 'notes = { table = "u", format = "jsonl" } } }\n',
        settings = "    prefixes: { orders: {}, notes: { format: jsonl } }\n",
      }
      local acme = files.read(project .. "/config/clients/acme.yaml")
      files.write(project .. "/config/clients/beta.yaml", (acme:gsub("acme", "beta")))
      ok("run", "pipelines/p.lua")
    end)

    it("takes a person out of every table, the dead rows and what was said", function()
      local asked = etlhost("erase", "--client", "acme", "--key", "email=jo@a.com")
      assert.equal(host.exit.config, asked.code, tostring(asked))
      assert.equal("7 8 9 70", ids("t", "acme"))
      local out = ok("erase", "--client", "acme", "--key", "email=jo@a.com", "--yes")
      assert.matches("t +2 +2 +0 +6 +6\n", out)
      assert.equal("8 9, 2", ids("t", "acme") .. ", " .. ids("u", "acme"))
      assert.equal("7 8 9 70, 1 2", ids("t", "beta") .. ", " .. ids("u", "beta"))
      local dead = ok("dead", "export", "--client", "acme", "--raw")
      assert.equal("5,mo@a.com\n", dead)
      assert.matches("jo@a.com", ok("dead", "export", "--client", "beta", "--raw"), 1, true)
      -- Nothing loads it again, and the note does not hold the value.
      ok("run", "pipelines/p.lua")
      assert.equal("8 9", ids("t", "acme"))
      local note = to:sql("select client_id, what, columns, rows, dead_rows, value_hash from "
        .. to:book "erasures")
      assert.matches("^acme|rows|email|3|2|sha256:%x+:%x+$", note)
      assert.is_nil(note:find("jo@", 1, true))
      assert.matches("nothing matches", ok("erase", "--client", "acme", "--key", "email=jo@a.com"))
    end)

    it("takes it out of errors, reasons and the catalog", function()
      for _, change in ipairs {
        { "loads", "error", "'data: jo@a.com is bad'" }, { "schema_changes", "why", "'jo@a.com'" },
      } do
        to:sql(("update %s set %s = %s"):format(to:book(change[1]), change[2], change[3]))
      end
      ok("erase", "--client", "acme", "--key", "email=jo@a.com", "--yes")
      assert.equal("0", to:sql(("select count(*) from %s where client_id = 'acme' and error like "
        .. "'%%jo@%%'"):format(to:book "loads")))
      assert.equal("0", to:sql(("select count(*) from %s c join %s s on s.stream_id = c.stream_id "
        .. "where s.client_id = 'acme' and c.why like '%%jo@%%'"):format(to:book "schema_changes",
          to:book "streams")))
      assert.not_equal("0", to:sql(("select count(*) from %s where error like '%%jo@%%'")
        :format(to:book "loads")))
    end)

    it("meets whole values only, in one table when asked, by several keys", function()
      ok("erase", "--client", "acme", "--key", "id=7", "--table", "t", "--yes")
      assert.equal("8 9 70", ids("t", "acme"))
      ok("erase", "--client", "acme", "--key", "email=jo@a.com", "--key", "id=8", "--yes")
      assert.equal("8 9 70", ids("t", "acme"))
      ok("erase", "--client", "acme", "--key", "email=jo@a.com", "--key", "id=70", "--yes")
      assert.equal("8 9, 1 2", ids("t", "acme") .. ", " .. ids("u", "acme"))
    end)

    it("refuses what is not meant", function()
      local cases = {
        { { "erase" }, "--client" },
        { { "erase", "--client", "acme" }, "--key" },
        { { "erase", "--client", "acme", "--key", "email" }, "COLUMN=VALUE" },
        { { "erase", "--client", "acme", "--key", "_client_id=acme" }, "client remove" },
        { { "erase", "--client", "acmee", "--key", "email=x" }, 'did you mean "acme"' },
        { { "erase", "--client", "acme", "--key", "mail=x", "--yes" }, "no table has the column" },
        { { "erase", "--client", "acme", "--key", "id=7", "--table", "v" }, "there is no table v" },
      }
      for _, case in ipairs(cases) do
        local result = etlhost(table.unpack(case[1]))
        assert.equal(host.exit.config, result.code, tostring(result))
        assert.matches(case[2], result.err, 1, true)
      end
      assert.equal("7 8 9 70", ids("t", "acme"))
    end)
  end)
end
