-- `etlhost state move` and `state set`: a stream goes on under another name, nothing twice, nothing
-- missing; a cursor by hand.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local function client(instance, resource)
  return ('version: 1\nid: "acme"\nname: Acme\nsources:\n  %s:\n    use: s3_exports\n'
    .. '    url: "file:exports"\n    prefixes: { %s: { prefix: orders/ }, more: {} }\n'):format(
      instance, resource)
end

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("state move with " .. make.name, function()
    local project, to
    local etlhost, ok = host.inside(function() return project end)
    local function configure(instance, resource, table_)
      files.write(project .. "/config/clients/acme.yaml", client(instance, resource))
      files.write(project .. "/pipelines/p.lua", ('return require "etl.pipeline" { %s = { '
        .. '["%s"] = { table = "%s" }, more = { table = "t" } } }\n'):format(instance, resource,
          table_ or "t"))
    end
    local function rows()
      return to:sql(("select _source, id from %s order by id"):format(to:name "t"))
    end

    before_each(function()
      to = make.fresh()
      project = host.project {
        config = host.connected(to),
        exports = { ["orders/1.csv"] = "id,v\n1,a\n2,b\n3\n", ["more/1.csv"] = "id,v\n9,z\n" },
      }
      -- Two streams of one instance in one table are told apart by their loads.
      configure("shop", "orders")
      ok("run", "pipelines/p.lua")
    end)

    it("takes a stream to another instance, with its rows and no others", function()
      assert.equal("shop|1\nshop|2\nshop|9", rows())
      local asked = etlhost("state", "move", "orders", "store.orders")
      assert.equal(host.exit.config, asked.code, tostring(asked))
      assert.matches("- shop.orders into", asked.out, 1, true)
      assert.matches("+ store.orders into", asked.out, 1, true)
      assert.equal("shop|1\nshop|2\nshop|9", rows())
      ok("state", "move", "orders", "store.orders", "--yes")
      assert.equal("store|1\nstore|2\nshop|9", rows())
      configure("store", "orders")
      files.write(project .. "/pipelines/p.lua",
        'return require "etl.pipeline" { store = { orders = { table = "t" }, more = false } }\n')
      files.write(project .. "/exports/orders/2.csv", "id,v\n4,d\n")
      ok("run", "pipelines/p.lua")
      assert.equal("store|1\nstore|2\nstore|4\nshop|9", rows())
      assert.equal("1", to:sql(("select count(*) from %s d join %s s on s.stream_id = d.stream_id "
        .. "where s.instance = 'store'"):format(to:book "dead_rows", to:book "streams")))
    end)

    it("takes it to another resource, and to a table that was renamed", function()
      ok("state", "move", "shop.orders", "sales", "--yes")
      to:sql(("alter table %s rename to t2"):format(to:name "t"))
      ok("state", "move", "sales", "--table", "t2", "--yes")
      files.write(project .. "/config/clients/acme.yaml", client("shop", "sales"))
      files.write(project .. "/pipelines/p.lua",
        'return require "etl.pipeline" { shop = { sales = { table = "t2" }, more = false } }\n')
      local before = to:count "t2"
      ok("run", "pipelines/p.lua")
      assert.equal(before, to:count "t2")
    end)

    it("refuses what would mix two streams up, and what is not there", function()
      local cases = {
        { { "orders", "more" }, "has loaded something itself" },
        { { "orders", "shop.orders" }, "called already" },
        { { "orders", "--table", "nowhere" }, "there is no table" },
        { { "order", "sales" }, 'there is no stream "order"' },
        { { "t", "sales" }, "means 2 streams" },
      }
      local before = rows()
      for _, case in ipairs(cases) do
        local result = etlhost("state", "move", "--yes", table.unpack(case[1]))
        assert.equal(host.exit.config, result.code, tostring(result))
        assert.matches(case[2], result.err, 1, true)
      end
      to:sql(("update %s set status = 'running'"):format(to:book "loads"))
      local now = to.kind == "postgres" and "now()" or "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
      to:sql(("update %s set host = 'elsewhere', heartbeat_at = %s"):format(to:book "runs", now))
      for _, words in ipairs { { "move", "orders", "sales" }, { "set", "orders", "cursor=1" } } do
        local result = etlhost("state", words[1], words[2], words[3], "--yes")
        assert.equal(host.exit.config, result.code, tostring(result))
        assert.matches("is loading shop.orders", result.err, 1, true)
      end
      assert.equal(before, rows())
    end)

    it("sets a cursor that was shown before", function()
      local function cursor()
        return to:sql(("select cursor from %s where resource = 'orders'"):format(
          to:book "streams"))
      end
      local asked = etlhost("state", "set", "orders", "cursor=2026-03-01")
      assert.equal(host.exit.config, asked.code)
      assert.matches('- cursor: none\n+ cursor: "2026-03-01"', asked.out, 1, true)
      assert.equal("\\N", cursor())
      ok("state", "set", "orders", "cursor=2026-03-01", "--yes")
      assert.equal('"2026-03-01"', cursor())
      assert.matches('- cursor: "2026-03-01"\n+ cursor: {"at": 1}',
        ok("state", "set", "orders", 'cursor={"at": 1}', "--yes"), 1, true)
      assert.equal('{"at": 1}', cursor())
      for _, word in ipairs { "cursor=7", 'cursor={"at"', "until=7" } do
        assert.equal(host.exit.config, etlhost("state", "set", "orders", word, "--yes").code)
      end
      ok("state", "set", "orders", "cursor=null", "--yes")
      assert.equal("\\N", cursor())
    end)
  end)
end
