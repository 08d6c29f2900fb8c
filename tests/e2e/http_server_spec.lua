-- The scripted HTTP server does what a scenario says: what other specs rely on, seen by curl.
local http = require "tests.support.http"
local process = require "tests.support.process"

local SCENARIO = [[
local count, released = 0, false
local paths = {
  ["/cut"] = function(c) c:head(200, { ["Content-Length"] = 10 }) c:send "abc" c:cut() end,
  ["/reset"] = function(c) c:head(200, { ["Content-Length"] = 10 }) c:send "abc" c:reset() end,
  ["/lying"] = function(c)
    c:send "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"
    c:close()
  end,
  ["/chunks"] = function(c)
    c:head(200, { ["Transfer-Encoding"] = "chunked" })
    c:chunk "abc"
    c:chunk(("d"):rep(1000000))
    c:chunk()
  end,
  ["/gzip"] = function(c)
    c:reply(200, { ["Content-Encoding"] = "gzip" }, gzip(("x"):rep(70000)))
  end,
  ["/held"] = function(c)
    c:until_true(function() return released end)
    c:reply(200, nil, "let go")
  end,
  ["/release"] = function(c) released = true c:reply(200, nil, "done") end,
  ["/stall"] = function(c) c:head(200, { ["Content-Length"] = 10 }) c:send "abc" c:stall() end,
}
return function(request, connection)
  count = count + 1
  local path = paths[request.path]
  if path then return path(connection) end
  connection:reply(200, { { "X-A", 1 }, { "X-A", 2 } }, table.concat({ count, request.method,
    request.path, request.query.a or "", request.headers["x-b"] or "", request.body,
    options.word, tostring(request.tls) }, "|"))
end
]]

describe("the scripted HTTP server", function()
  local server
  setup(function() server = http.start(SCENARIO, { tls = true, set = { word = "given" } }) end)
  teardown(function() server:stop() end)

  local function curl(...)
    return process.run { "curl", "-sS", "--max-time", "20", ... }
  end

  it("answers and logs what was asked", function()
    local got = curl("-H", "X-B: one", "-H", "X-B: two", "-d", "body", server.url .. "/x%20y?a=b+c")
    assert.equal("1|POST|/x y|b c|one, two|body|given|false", got.out)
    local request = server:requests "^/x"[1]
    assert.same({ "POST", "/x%20y?a=b+c", "/x%20y", "body", "one, two" }, { request.method,
      request.target, request.path, request.body, request.headers["x-b"] })
  end)

  it("keeps a connection for the next request", function()
    local before = #server:events "connect"
    curl(server.url .. "/1", server.url .. "/2", "-o", "/dev/null", "-o", "/dev/null")
    assert.equal(before + 1, #server:events "connect")
  end)

  it("speaks TLS with a certificate that only its own authority trusts", function()
    assert.matches("|true$", curl("--cacert", server.ca_file, server.tls_url).out)
    assert.equal(60, curl(server.tls_url).code)
  end)

  it("sends chunks and coded bodies", function()
    assert.equal(1000003, #curl(server.url .. "/chunks").out)
    assert.equal(("x"):rep(70000), curl("--compressed", server.url .. "/gzip").out)
  end)

  it("cuts, resets and lies", function()
    local cut = curl(server.url .. "/cut")
    assert.same({ 18, "abc" }, { cut.code, cut.out })
    local reset = curl(server.url .. "/reset")
    assert.same({ 56, "abc" }, { reset.code, reset.out })
    assert.equal("abc", curl(server.url .. "/lying").out)
  end)

  it("stalls until the other side goes", function()
    local stalled = process.run { "curl", "-sS", "--max-time", "1", server.url .. "/stall" }
    assert.same({ 28, "abc" }, { stalled.code, stalled.out })
  end)

  it("holds one answer until another request came", function()
    local held = process.spawn { "curl", "-sS", "--max-time", "20", server.url .. "/held" }
    curl(server.url .. "/release")
    assert.equal("let go", held:wait(20).out)
  end)

  it("says in stop() that a scenario failed", function()
    local bad = http.start "return function() error 'on purpose' end"
    assert.matches("^HTTP/1.1 500", curl("-i", bad.url).out)
    assert.has_error(function() bad:stop() end)
  end)
end)
