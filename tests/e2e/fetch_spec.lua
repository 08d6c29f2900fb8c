-- `etlhost fetch`: one request, what it shows, and what it keeps to itself.
local cjson = require "cjson"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local process = require "tests.support.process"

local SCENARIO = [[
local cjson = require "cjson"
local paths = {
  ["/json"] = function(c) c:reply(200, { ["Content-Type"] = "application/json" },
    '{"id":12345678901234567890,"amount":12.10,"list":[]}') end,
  ["/echo"] = function(c, r) c:reply(200, { ["X-Echo"] = r.headers.authorization or "none" },
    cjson.encode { key = r.headers.authorization, query = r.query, body = r.body,
      type = r.headers["content-type"], method = r.method }) end,
  ["/missing"] = function(c) c:reply(404, nil, "there is no such thing") end,
  ["/denied"] = function(c) c:reply(401, nil, "who are you?") end,
  ["/down"] = function(c) c:reply(503, nil, "not now") end,
  ["/binary"] = function(c) c:reply(200, nil, "\0\1\2\255 bytes") end,
  ["/gzip"] = function(c) c:reply(200, { ["Content-Encoding"] = "gzip" }, gzip "unpacked") end,
  ["/inside"] = function(c) c:reply(302, { Location = "http://127.0.0.1:1/" }) end,
  ["/cut"] = function(c) c:head(200, { ["Content-Length"] = 10 }) c:send "abc" c:cut() end,
}
return function(request, connection)
  local path = paths[request.path]
  if path then return path(connection, request) end
  connection:reply(200, nil, request.method .. " " .. request.target)
end
]]

local SOURCE = [[
return require "etl.source" {
  name = "shop",
  config = { base_url = "url", api_key = "secret" },
  hosts = { "{base_url}" },
  resources = {},
}
]]

describe("fetch", function()
  local server
  setup(function() server = http.start(SCENARIO, { tls = true }) end)
  teardown(function() server:stop() end)

  local function fetch(path, ...)
    return host.etlhost({ "fetch", server.url .. path, ... }, { env = { KEY = "s3cret-value" } })
  end
  local function json(path, ...)
    local result = fetch(path, "--json", ...)
    assert.equal(0, result.code, tostring(result))
    return cjson.decode(result.out), result
  end

  it("gives the body as it came, and the rest beside it", function()
    local result = fetch "/json"
    assert.equal(0, result.code, tostring(result))
    assert.equal('{"id":12345678901234567890,"amount":12.10,"list":[]}', result.out)
    assert.matches("HTTP/1.1 200 OK\nGET " .. server.url .. "/json\n", result.err, 1, true)
    assert.matches("content-type: application/json\n", result.err, 1, true)
    assert.matches("connect [%d.]+ ms, first byte [%d.]+ ms, total [%d.]+ ms; 52 B from 127.0.0.1",
      result.err)
  end)

  it("sends what it is told", function()
    local answer = json("/echo", "--query", "a=b c&d", "--query", "e=", "--data", '{"x":1}')
    local seen = cjson.decode(answer.body)
    assert.same({ a = "b c&d", e = "" }, seen.query)
    assert.same({ "POST", '{"x":1}', "application/json" }, { seen.method, seen.body, seen.type })
    local file = host.file("form", "a=1&b=2")
    seen = cjson.decode(json("/echo", "--data", "@" .. file, "--method", "put").body)
    assert.same({ "PUT", "a=1&b=2", "application/x-www-form-urlencoded" },
      { seen.method, seen.body, seen.type })
    assert.equal("HEAD", server:requests("^/any")[1] or fetch("/any", "--head")
      and server:requests("^/any")[1].method)
  end)

  it("tells each status by its class, without another try", function()
    for path, expected in pairs { ["/missing"] = { 2, "404 Not Found", "no such thing" },
      ["/denied"] = { 4, "401 Unauthorized", "who are you" },
      ["/down"] = { 5, "503 Service Unavailable", "not now" } } do
      local result = fetch(path)
      assert.equal(expected[1], result.code, tostring(result))
      assert.matches(expected[2], result.err, 1, true)
      assert.matches(expected[3], result.out, 1, true)
    end
    assert.equal(1, #server:requests "^/down$")
    local cut = fetch "/cut"
    assert.equal(5, cut.code, tostring(cut))
    assert.matches("GET " .. server.url .. "/cut", cut.err, 1, true)
  end)

  it("shows no secret", function()
    local answer, result = json("/echo", "--header", "Authorization: Bearer {env:KEY}")
    assert.equal("Bearer s3cret-value", server:requests "^/echo"[3].headers.authorization)
    assert.equal("Bearer ***", cjson.decode(answer.body).key)
    assert.is_nil((result.out .. result.err):find("s3cret-value", 1, true))
    result = fetch("/echo", "--header", "Authorization: {env:KEY}")
    assert.matches("x-echo: ***", result.err, 1, true)
    assert.matches('"key":"***"', result.out, 1, true)
    assert.is_nil((result.out .. result.err):find("s3cret-value", 1, true))
    result = fetch("/echo", "--header", "Authorization: {env:NOT_THERE}")
    assert.equal(2, result.code)
    assert.matches("NOT_THERE is not set", result.err, 1, true)
  end)

  it("keeps what is no text in a file only", function()
    local folder = files.temp()
    local answer = json("/binary", "--output", folder .. "/b")
    assert.equal("\0\1\2\255 bytes", files.read(folder .. "/b"))
    assert.is_nil(answer.body)
    answer = json "/binary"
    assert.equal("binary", answer.not_shown)
    assert.equal("\0\1\2\255 bytes", fetch("/binary").out)
    assert.equal("unpacked", fetch("/gzip").out)
  end)

  it("lays JSON out on a terminal, and nothing that is no text", function()
    local function on_terminal(path)
      return process.run({ "python3", host.root .. "/tests/support/terminal.py", host.program,
        "fetch", server.url .. path }, { cwd = files.temp() }).out:gsub("\r", "")
    end
    assert.matches('\n\n{\n  "id": 12345678901234567890,\n  "amount": 12.10,\n  "list": []\n}\n',
      on_terminal "/json", 1, true)
    assert.matches("--output FILE keeps it", on_terminal "/binary", 1, true)
  end)

  it("goes where it was told to, and nowhere else", function()
    local before = #server:events "connect"
    local result = fetch "/inside"
    assert.equal(4, result.code, tostring(result))
    assert.equal(before + 1, #server:events "connect")
    result = host.etlhost { "fetch", "http://127.1:" .. server.port .. "/json" }
    assert.equal(4, result.code, tostring(result))
    assert.equal(before + 1, #server:events "connect")
    result = host.etlhost { "fetch", server.tls_url .. "/json" }
    assert.equal(2, result.code, tostring(result))
    assert.matches("ca_file", result.err, 1, true)
  end)

  it("speaks for a source of a client, with its settings and secrets", function()
    local folder = host.project {
      config = ("network: { allow_private: ['%s'], ca_file: '%s' }\n"):format(server.address,
        server.ca_file),
    }
    files.write(folder .. "/sources/shop.lua", SOURCE)
    files.write(folder .. "/config/clients/acme.yaml",
      'version: 1\nid: acme\nname: Acme\nsources:\n  shop: { api_key: { env: KEY }, '
        .. ("base_url: '%s/v1' }\n"):format(server.url))
    local function of_source(...)
      return host.etlhost({ "fetch", ... }, { cwd = folder, env = { KEY = "s3cret-value" } })
    end
    local result = of_source("shop", "/orders", "--header", "Authorization: {api_key}",
      "--query", "key={api_key}")
    assert.equal(0, result.code, tostring(result))
    local request = server:requests "^/v1/orders$"[1]
    assert.equal("s3cret-value", request.headers.authorization)
    assert.equal("/v1/orders?key=s3cret-value", request.target)
    assert.is_nil((result.err):find("s3cret-value", 1, true))
    result = of_source("shop", "https://other.example/", "--header", "Authorization: {api_key}")
    assert.equal(4, result.code, tostring(result))
    result = of_source(server.tls_url .. "/json")
    assert.equal(0, result.code, tostring(result)) -- by the project's own authority
    result = of_source("shpo", "/orders")
    assert.equal(2, result.code, tostring(result))
    assert.matches("did you mean shop?", result.err, 1, true)
  end)

  it("obeys no configuration that has mistakes", function()
    local folder = files.temp()
    files.write(folder .. "/config/etlhost.yaml",
      ('version: 1\nnetwork: { allow_private: ["%s"] }\nnetwork: {}\n'):format(server.address))
    local before = #server:requests "/json"
    for _, verb in ipairs { "fetch", "preview" } do
      local result = host.etlhost({ verb, server.url .. "/json" }, { cwd = folder })
      assert.equal(2, result.code, tostring(result))
      assert.matches('the key "network" is there twice', result.err, 1, true)
    end
    assert.equal(before, #server:requests "/json")
  end)
end)
