-- What a new user meets: wrong keys, no network, a server that is not there. The message alone says
-- what to do, and where; `status`, `runs` and `fetch` say the same.
local api = require "tests.support.api"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local postgres = require "tests.support.postgres"
local process = require "tests.support.process"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

local SCENARIO = [[
local answers = {
  ["/v1/ok"] = { 200, '{"data":[{"id":1}]}' },
  ["/v1/none"] = { 200, '{"data":[]}' },
  ["/v1/key"] = { 401, '{"error":"no"}' }, ["/v1/other"] = { 401, '{"error":"no"}' },
  ["/v1/limit"] = { 429, "slowly", { ["Retry-After"] = 4000 } },
  ["/v1/maintenance"] = { 200, "<!DOCTYPE html><title>Back soon</title>" },
}
return function(r, c)
  local answer = answers[r.path]
  c:reply(answer[1], answer[3], answer[2])
end
]]

local function resource(name, more)
  return ([[    %s = { %s extract = function(ctx)
      ctx:emit(ctx:get("%s", { headers = { Key = ctx.settings.api_key } }):rows "data")
    end },
]]):format(name, more or "", name)
end

local SETTINGS = "    api_key: { env: SHOP_KEY }\n"

describe("a message says what to do:", function()
  local server
  setup(function() server = http.start(SCENARIO, { tls = true }) end)
  teardown(function() server:stop() end)

  local function project(names, options)
    local list = {}
    for i, name in ipairs(names) do list[i] = resource(name) end
    options = options or {}
    options.settings = SETTINGS .. (options.settings or "")
    local folder = api.project(server, table.concat(list), options)
    files.write(folder .. "/.env", "SHOP_KEY=k-918273645\n")
    return folder
  end
  local function say(folder, code, ...)
    local to = target.sqlite()
    local result = host.run(folder, to)
    assert.equal(code, result.code, tostring(result))
    for _, text in ipairs { ... } do assert.matches(text, result.out .. result.err, 1, true) end
    return to, result
  end
  local function change(folder, file, from, to)
    local path = folder .. "/config/" .. file
    local text, count = files.read(path):gsub(from, to)
    assert.equal(1, count)
    files.write(path, text)
  end

  it("a wrong key, once for all it befell, where it is named, and in status", function()
    local folder = project { "key", "other" }
    local to, result = say(folder, host.exit.auth, "401 Unauthorized", "[sign-in refused]",
      "at config/clients/acme.yaml:", "api_key: { env: SHOP_KEY }")
    local _, told = result.out:gsub("401 Unauthorized", "")
    assert.equal(1, told)
    local status = host.etlhost({ "status", "--destination", to.url }, { cwd = folder })
    assert.equal(host.exit.late, status.code, tostring(status))
    assert.matches("shop.key    failing", status.out, 1, true)
    assert.matches("auth: 401 Unauthorized: GET " .. server.url, status.out, 1, true)
    local runs = host.etlhost({ "runs", "list" }, { cwd = folder })
    assert.matches("401 Unauthorized: GET", runs.out, 1, true)
    local shown = host.etlhost({ "runs", "show" }, { cwd = folder })
    _, told = shown.out:gsub("401 Unauthorized", "")
    assert.equal(2, told)
  end)

  it("a service that is read and has nothing is a success, in the summary and in status", function()
    local folder = project { "none", "ok" }
    local to, result = say(folder, 0, "acme none: no rows came")
    assert.is_nil(result.out:find("from shop_none", 1, true), "a table that is not there")
    local status = host.etlhost({ "status", "--destination", to.url }, { cwd = folder })
    assert.equal(0, status.code, tostring(status))
    assert.matches("shop.none  ok", status.out, 1, true)
  end)

  it("a page of HTML, a limit", function()
    say(project { "maintenance" }, host.exit.network, "not JSON but a page of HTML", "Back soon")
    say(project { "limit" }, host.exit.network, "allows no more requests for now: run again later")
  end)

  it("an address that is not opened, with the line that opens it", function()
    local open = ("network: { allow_private: [\"%s\"] }"):format(server.address)
    local folder = project { "ok" }
    change(folder, "etlhost.yaml", "network[^\n]*\n", "")
    say(folder, host.exit.auth, "anybody on the way could read it", open)
    change(folder, "clients/acme.yaml", "http:", "https:")
    say(folder, host.exit.auth, "a loopback address: refused", open)
  end)

  it("a certificate of nobody, of another, of last year", function()
    for _, case in ipairs {
      { {}, "name the certificate of its authority", false },
      { { name = "other.example" }, "the certificate is another host's", true },
      { { expired = true }, "whoever runs the service must renew it", true },
    } do
      local options, hint, is_trusted = table.unpack(case)
      options.tls = true
      local other = http.start(SCENARIO, options)
      local folder = project { "ok" }
      change(folder, "clients/acme.yaml", "http://[%d.:]+", other.tls_url)
      change(folder, "etlhost.yaml", server.address:gsub("%p", "%%%0"), other.tls_address)
      if is_trusted then
        change(folder, "etlhost.yaml", "network: {", "network: { ca_file: " .. other.ca_file .. ",")
      end
      say(folder, host.exit.config, hint)
      other:stop()
    end
  end)

  it("a proxy that is not there", function()
    for proxy, hint in pairs {
      ["http://127.0.0.1:1"] = "go through the proxy of config/etlhost.yaml",
      ["http://proxy.invalid:3128"] = "look at network: { proxy: ... }",
    } do
      local folder = project { "ok" }
      change(folder, "etlhost.yaml", "network: { ", "network: { proxy: \"" .. proxy .. "\", ")
      local result = host.etlhost({ "fetch", "shop", "/ok", "--client", "acme" }, { cwd = folder })
      assert.matches(hint, result.out .. result.err, 1, true)
    end
  end)

  it("settings that are wrong, without a word about resources that they hide", function()
    local folder = api.project(server, resource "ok", { settings = "    page: 3\n",
      head = "local _ = nil" })
    files.write(folder .. "/sources/shop.lua", (files.read(folder .. "/sources/shop.lua"):gsub(
      'page = { type = "string"', 'page = { type = "duration"'):gsub(
      "  resources = {", "  resources = function() return {"):gsub("  },\n}\n$", "  } end,\n}\n")))
    change(folder, "clients/acme.yaml", "    page: 3\n", "    page: 3\n    resources: [ok]\n")
    local result = host.etlhost({ "check" }, { cwd = folder })
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("page must be a time such as 30d, 6h or 90m, not \"3\"",
      result.out .. result.err, 1, true)
    assert.is_nil((result.out .. result.err):find("there is no resource", 1, true))
  end)

  it("no day to begin at", function()
    local folder = api.project(server, [[
      ok = { extract = function(ctx) for _ in ctx:windows { span = "1d" } do end end },
]])
    change(folder, "clients/acme.yaml", "start[^\n]*\n", "")
    say(folder, host.exit.config, "nothing says from which day on rows are wanted",
      "write start: 2026-01-01")
  end)
end)

describe("a database that refuses says what is missing, and where its address stands:", function()
  local folder
  before_each(function()
    folder = host.project { exports = { ["orders/1.csv"] = "id\n1\n" },
      config = "connections: { warehouse: { env: WAREHOUSE } }\n",
      client = "destination: { connection: warehouse }\n" }
  end)
  local function say(url, ...)
    local result = host.etlhost({ "run", "pipelines/p.lua" },
      { cwd = folder, env = { WAREHOUSE = url } })
    assert.equal(host.exit.auth, result.code, tostring(result))
    for _, text in ipairs { ... } do assert.matches(text, result.out .. result.err, 1, true) end
  end

  it("a password", function()
    local port = postgres.free_port()
    local path = files.write(files.temp() .. "/answers", "told|28P01|no\n")
    local refuser = process.spawn {
      "python3", host.root .. "/tests/support/refuser.py", port, path,
    }
    wait.until_true("the refuser", 10, function() return refuser:output():find "ready" end)
    say(("postgres://etl:x@127.0.0.1:%d/told"):format(port), "[sign-in refused]",
      "look at the variable WAREHOUSE (connection \"warehouse\")")
    refuser:signal "KILL"
    refuser:wait()
  end)

  it("a grant that is gone, of a table or of the schema", function()
    local to = target.list[2].fresh()
    to:sql(("create role reader login; grant create on database %s to reader"):format(to.database))
    local url = to.url:gsub("etl@", "reader@")
    local first = host.etlhost({ "run", "pipelines/p.lua" },
      { cwd = folder, env = { WAREHOUSE = url } })
    assert.equal(0, first.code, tostring(first))
    files.write(folder .. "/exports/orders/2.csv", "id\n2\n")
    to:sql [[alter table etl.s3_exports_orders owner to etl;
      revoke all on etl.s3_exports_orders from reader;
      grant select on etl.s3_exports_orders to reader]]
    say(url, "the loader may not insert into it", "grant USAGE on the schema etl, and SELECT, "
      .. "INSERT, UPDATE and DELETE on etl.s3_exports_orders")
    to:sql "alter schema etl owner to etl; revoke all on schema etl from reader"
    say(url, "permission denied for schema etl", "grant the loader what it needs: USAGE")
    assert.equal("1", to:sql "select count(*) from etl.s3_exports_orders")
    to:sql "drop owned by reader; drop role reader"
  end)
end)
