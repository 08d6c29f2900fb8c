-- Pipelines and clients: what run does with them, and what its end looks like.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

local EXPORTS = {
  ["orders/1.csv"] = "id,email,amount,state\n"
    .. "007,a@example.com,1.50,paid\n008,b@example.com,2,open\n",
  ["orders/2.jsonl"] = '{"id":"009","email":"c@example.com","amount":3.25,"state":"paid",'
    .. '"x":{"y":1}}\n',
}

local function pipeline(resource)
  return 'return require "etl.pipeline" { s3_exports = { orders = ' .. resource .. " } }\n"
end

target.each(function(name, fresh)
  describe("run into " .. name, function()
    it("loads each prefix into its table, rows tagged with the client", function()
      local to = fresh()
      local project = host.project { exports = EXPORTS, pipeline = pipeline '{ table = "orders" }' }
      local result = host.run(project, to)
      assert.equal(0, result.code, tostring(result))
      assert.same({ "'007'", "'008'", "'009'" }, to:values("orders", "id", "id"))
      assert.same({ "'acme'", "'acme'", "'acme'" }, to:values("orders", "_client_id", "id"))
      local again = host.run(project, to)
      assert.equal(0, again.code, tostring(again))
      assert.equal(3, to:count "orders")
      assert.matches("already loaded", again.out .. again.err, 1, true)
    end)

    it("transforms as declared, and through a row function", function()
      local to = fresh()
      local project = host.project { exports = EXPORTS, pipeline = pipeline [[{
        table = "orders", hash = { "email" }, rename = { amount = "gross" },
        keep = { state = "paid" },
        row = function(row) row.label = row.id .. "/" .. row.state end }]] }
      local result = host.run(project, to)
      assert.equal(0, result.code, tostring(result))
      assert.same({ "'007/paid'", "'009/paid'" }, to:values("orders", "label", "id"))
      assert.same({ "1.50", "3.25" }, (function()
        local list = to:values("orders", "gross", "id")
        for i, value in ipairs(list) do list[i] = value:gsub("'", "") end
        return list
      end)())
      assert.not_matches("example.com", to:dump "orders", 1, true)
    end)

    it("keeps and discards by comparison, with dead rows for what has no order", function()
      local to = fresh()
      local project = host.project { exports = { ["orders/1.csv"] = "id,amount,day\n"
        .. "1,9.99,2026-03-01\n2,10,2026-03-02\n3,19.99,2026-03-03\n4,20,\n5,n/a,2026-03-03\n"
        .. "6,15,2026-03-09\n" },
        pipeline = pipeline [[{ table = "orders", max_dead = { rows = 10, ratio = 1 },
          keep = { amount = { ge = 10, lt = 20 }, id = { ["in"] = { 1, 2, 3, 4, 5, 6 } } },
          discard = { day = { gt = "2026-03-08" }, id = { ["in"] = { "7" } } } }]] }
      local result = host.run(project, to)
      assert.equal(0, result.code, tostring(result))
      assert.same({ "'2'", "'3'" }, (function()
        local list = to:values("orders", "id", "id")
        for i, value in ipairs(list) do list[i] = "'" .. value:gsub("'", "") .. "'" end
        return list
      end)())
      assert.equal('compare|"n/a" cannot be compared with 10: it is not a number',
        to:sql("select code, reason from " .. to:book "dead_rows"))
    end)

    it("sends a row whose function fails to the dead rows, with the Lua error", function()
      local to = fresh()
      local project = host.project { exports = EXPORTS, pipeline = pipeline [[{
        table = "orders",
        row = function(row) if row.id == "008" then error "no eights" end end }]] }
      local result = host.run(project, to)
      assert.equal(0, result.code, tostring(result))
      assert.equal(2, to:count "orders")
      assert.matches("no eights", to:sql("select reason from " .. to:book "dead_rows"), 1, true)
    end)
  end)
end)

describe("hash", function()
  local function project_with(config, env)
    local project = host.project { exports = EXPORTS, config = config,
      pipeline = pipeline [[{ table = "orders", hash = { "email" } }]] }
    if env then files.write(project .. "/.env", env) end
    return project
  end
  local function hmac(text)
    return process.must({ "sh", "-c", "printf %s '" .. text
      .. "' | openssl dgst -sha256 -hmac 's3cret-key'" }):match "(%x+)%s*$"
  end

  it("uses the key of the defaults, or of the client, and never shows it", function()
    local project = project_with("defaults: { hash_key: { env: HASH_KEY } }\n",
      "HASH_KEY=s3cret-key\n")
    local to = target.sqlite()
    local result = host.run(project, to, { more = { "--json" } })
    assert.equal(0, result.code, tostring(result))
    local email = EXPORTS["orders/1.csv"]:match "[%w.]+@[%w.]+"
    local dump = to:dump "orders"
    assert.matches(hmac(email), dump, 1, true)
    local check = host.etlhost({ "check" }, { cwd = project })
    assert.equal(0, check.code, tostring(check))
    local shown = host.etlhost({ "config", "show", "--client", "acme", "--origin" },
      { cwd = project })
    for _, text in ipairs { result.out, result.err, dump, check.out, shown.out } do
      assert.not_matches("s3cret", text, 1, true)
    end
    assert.not_matches("without a key", check.out, 1, true)
  end)

  it("is plain without one, which check says; a key that is written is refused", function()
    local check = host.etlhost({ "check" }, { cwd = project_with() })
    assert.equal(0, check.code, tostring(check))
    assert.matches("hashes without a key can be found again", check.out, 1, true)
    assert.matches("acme s3_exports.orders", check.out, 1, true)
    local refused = host.etlhost({ "check" },
      { cwd = project_with "defaults: { hash_key: s3cret-key }\n" })
    assert.equal(host.exit.config, refused.code)
    assert.matches("a key is named here, and never written", refused.out .. refused.err, 1, true)
    local unset = host.run(project_with "defaults: { hash_key: { env: NO_SUCH } }\n",
      target.sqlite())
    assert.equal(host.exit.config, unset.code)
    assert.matches("the variable NO_SUCH is not set", unset.out .. unset.err, 1, true)
  end)
end)

describe("run", function()
  it("leaves every row of a file out when it lacks the column to keep by, and says so", function()
    local project = host.project {
      exports = { ["orders/1.csv"] = "id,kind\n1,a\n2,b\n", ["orders/2.csv"] = "id\n3\n4\n5\n" },
      pipeline = pipeline '{ table = "t", keep = { kind = "a" } }',
    }
    local to = target.sqlite()
    local result = host.run(project, to)
    assert.equal(0, result.code, tostring(result))
    assert.equal(1, to:count "t")
    assert.matches("4 rows left out", result.out, 1, true)
  end)

  for option, expected in pairs {
    ['keep = { a = { lte = 3 } }'] = 'keep.a: there is no comparison "lte"; write le',
    ['keep = { a = { gt = "x" } }'] = "keep.a.gt must be a number, or a date or time",
    ['discard = { a = { ["in"] = {} } }'] = "discard.a.in must be a list of values",
    ['discard = { a = { ne = { 1 } } }'] = "discard.a.ne must be a single value",
    ['keep = { a = {} }'] = "keep.a must be a text, a number",
  } do
    it("refuses " .. option, function()
      local project = host.project { exports = {}, pipeline = pipeline("{ " .. option .. " }") }
      local result = host.run(project, target.sqlite())
      assert.equal(host.exit.config, result.code, tostring(result))
      assert.matches(expected, result.out .. result.err, 1, true)
    end)
  end

  it("writes nothing with --dry-run", function()
    local to = target.sqlite()
    local project = host.project { exports = EXPORTS }
    local result = host.run(project, to, { more = { "--dry-run" } })
    assert.equal(0, result.code, tostring(result))
    assert.is_false(files.exists(to.path) and to:has_table "s3_exports_orders" or false)
  end)

  it("goes on with the other clients when one fails, and says the failure first", function()
    local to = target.sqlite()
    local project = host.project { exports = EXPORTS, pipeline = pipeline '{ table = "orders" }' }
    local yaml = files.read(project .. "/config/clients/acme.yaml")
    files.write(project .. "/config/clients/bad.yaml",
      (yaml:gsub("acme", "bad"):gsub("file:exports", "file:nowhere")))
    files.write(project .. "/config/clients/zeta.yaml", (yaml:gsub("acme", "zeta")))
    local result = host.run(project, to)
    assert.not_equal(0, result.code)
    assert.equal("acme|zeta", (to:sql("select distinct _client_id from orders order by 1")
      :gsub("\n", "|")))
    local only = host.run(project, to, { more = { "--client", "acme" } })
    assert.equal(0, only.code, tostring(only))
  end)

  it("names a script's own failure, and where", function()
    local project = host.project { exports = EXPORTS, pipeline = "local x = nil\nreturn x.y\n" }
    local result = host.run(project, target.sqlite())
    assert.equal(host.exit.script, result.code, tostring(result))
    assert.matches("p.lua:2", result.out .. result.err, 1, true)
  end)

  it("ends a script that never ends", function()
    local project = host.project { exports = EXPORTS, config = "limits: { deadline: 1s }\n",
      pipeline = pipeline '{ table = "t", row = function() while true do end end }' }
    local result = host.run(project, target.sqlite(), { seconds = 30 })
    assert.not_equal(0, result.code)
    assert.not_equal(124, result.code, "it had to be ended from outside")
  end)

  it("reads no file outside the client's folders", function()
    local project = host.project { exports = EXPORTS }
    local outside = files.temp()
    files.write(outside .. "/secret.csv", "a\n1\n")
    files.make_folder(project .. "/exports/orders")
    os.execute(("ln -s %s/secret.csv %s/exports/orders/3.csv"):format(outside, project))
    local to = target.sqlite()
    local result = host.run(project, to)
    local loaded = to:has_table "s3_exports_orders" and to:dump "s3_exports_orders" or ""
    assert.not_matches("secret", loaded)
    assert.equal(host.exit.auth, result.code, tostring(result))
  end)

  it("tells machines what it does with --json", function()
    local project = host.project { exports = EXPORTS }
    local result = host.run(project, target.sqlite(), { more = { "--json" } })
    assert.equal(0, result.code, tostring(result))
    for _, line in ipairs(files.lines(result.out)) do
      assert.is_table((require "cjson".decode(line)), line)
    end
  end)
end)
