-- `etlhost status`: what is failing or late comes first, and the exit status tells a monitor.
local cjson = require "cjson"
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local PIPELINE = 'return require "etl.pipeline" { s3_exports = { orders = { table = "t" } } }\n'

local function client(id, more)
  return ('version: 1\nid: "%s"\n%ssources:\n  s3_exports:\n    url: "file:exports"\n'
    .. "    prefixes: { orders: {} }\n"):format(id, more or "")
end

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("status with " .. make.name, function()
    local project, to
    before_each(function()
      to = make.fresh()
      project = host.project {
        config = ("connections:\n  here: { url: %q }\ndefaults:\n"
          .. "  destination: { connection: here }\n  fresh_within: 26h\n"):format(to.url),
        exports = { ["orders/1.csv"] = "id,v\n1,a\n2,b\n" },
        pipeline = PIPELINE,
      }
    end)

    local etlhost, ok = host.inside(function() return project end)
    local function status(code)
      local result = etlhost("status", "--json")
      assert.equal(code, result.code, tostring(result))
      local rows = {}
      for i, line in ipairs(files.lines(result.out)) do rows[i] = cjson.decode(line) end
      return rows
    end
    local function age(hours)
      local sql = to.kind == "postgres" and "last_success_at - interval '%d hours'"
        or "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', last_success_at, '-%d hours')"
      to:sql(("update %s set last_success_at = %s"):format(to:book "streams", sql:format(hours)))
    end

    it("is 0 while all is fresh, and 10 when a stream is too old", function()
      ok("run", "pipelines/p.lua")
      local row = status(0)[1]
      assert.equal("ok", row.state)
      assert.equal("orders", row.resource)
      assert.equal(26 * 3600, row.fresh_within_seconds)
      age(27)
      row = status(10)[1]
      assert.equal("late", row.state)
      assert.is_true(row.age_seconds >= 27 * 3600)
      assert.equal("etlhost run pipelines/p.lua --client acme --resource s3_exports.orders",
        row.next)
      -- The nearest word counts: resource, source, client, defaults.
      local path = project .. "/config/clients/acme.yaml"
      files.write(path, files.read(path) .. '    fresh_within: { orders: 30h, "*": 1h }\n')
      assert.equal(30 * 3600, status(0)[1].fresh_within_seconds)
      files.write(path, client("acme", "fresh_within: 90m\n"))
      assert.equal(5400, status(10)[1].fresh_within_seconds)
    end)

    it("shows the failing first, with the error and what to type", function()
      files.write(project .. "/config/clients/zeta.yaml", client "zeta")
      ok("run", "pipelines/p.lua")
      assert.equal(2, #status(0))
      files.write(project .. "/pipelines/bad.lua",
        (PIPELINE:gsub('table = "t"', 'table = "t", contract = "freeze"')))
      files.write(project .. "/exports/orders/2.csv", "id,v,w\n3,c,x\n")
      assert.not_equal(0, etlhost("run", "pipelines/bad.lua", "--client", "zeta").code)
      local rows = status(10)
      assert.equal("zeta failing, acme ok",
        ("%s %s, %s %s"):format(rows[1].client, rows[1].state, rows[2].client, rows[2].state))
      assert.matches("w", rows[1].error)
      assert.equal("etlhost runs show " .. rows[1].run, rows[1].next)
      local shown = etlhost("status")
      assert.matches("zeta +s3_exports.orders +failing", shown.out)
      assert.matches("1 failing, 1 ok", shown.out, 1, true)
      ok("run", "pipelines/p.lua", "--client", "zeta")
      status(0)
    end)

    it("tells of a run that failed before it had a stream", function()
      ok("run", "pipelines/p.lua")
      files.write(project .. "/pipelines/p.lua", "error 'no such luck'\n")
      assert.not_equal(0, etlhost("run", "pipelines/p.lua").code)
      local row = status(10)[1]
      assert.equal("failing", row.state)
      assert.matches("no such luck", row.error, 1, true)
    end)

    it("knows what never ran, what is disabled, and a file with a mistake", function()
      files.write(project .. "/config/clients/off.yaml", client("off", "enabled: false\n"))
      files.write(project .. "/config/clients/typo.yaml", client("typo", "tz: UTC\n"))
      local states = {}
      for _, row in ipairs(status(10)) do states[row.client] = row end
      assert.equal("late", states.acme.state)
      assert.is_nil(states.acme.last_success_at)
      assert.equal("disabled", states.off.state)
      assert.equal("failing", states.typo.state)
      assert.equal("etlhost check", states.typo.next)
      -- Whom nobody expects fresh is new, not late.
      files.write(project .. "/config/etlhost.yaml", ("version: 1\ndefaults:\n"
        .. "  destination: { url: %q }\n"):format(to.url))
      assert(os.remove(project .. "/config/clients/typo.yaml"))
      assert.equal("never", status(0)[1].state)
    end)

    it("says of whom it does not know, when a destination cannot be asked", function()
      local broken = to.kind == "postgres" and "postgres://etl@127.0.0.1:1/x"
        or "sqlite:" .. host.file("broken.db", ("no database "):rep(200))
      files.write(project .. "/config/clients/far.yaml",
        client("far", ("destination: { url: %q }\n"):format(broken)))
      ok("run", "pipelines/p.lua", "--client", "acme")
      local rows = status(10)
      assert.equal("far unknown, acme ok",
        ("%s %s, %s %s"):format(rows[1].client, rows[1].state, rows[2].client, rows[2].state))
      assert.is_true(#rows[1].error > 0)
    end)

    it("asks once for a thousand clients", function()
      ok("run", "pipelines/p.lua")
      for i = 1, 1000 do
        files.write(("%s/config/clients/c%d.yaml"):format(project, i), client("c" .. i))
      end
      local number = to.kind == "postgres" and "generate_series(1, 1000) as n"
        or "(with recursive c(n) as (select 1 union all select n + 1 from c where n < 1000) "
          .. "select n from c)"
      to:sql(("insert into %s (client_id, instance, resource, table_schema, table_name, "
        .. "created_at, last_success_at) select 'c' || n, instance, resource, table_schema, "
        .. "table_name, created_at, last_success_at from %s cross join %s")
        :format(to:book "streams", to:book "streams", number))
      local rows = status(0)
      assert.equal(1001, #rows)
      for _, row in ipairs(rows) do assert.equal("ok", row.state) end
    end)

    it("refuses a client that is not there", function()
      local result = etlhost("status", "--client", "acmee")
      assert.equal(host.exit.config, result.code)
      assert.matches('did you mean "acme"', result.err, 1, true)
    end)
  end)
end
