-- HTTP/2 over TLS, against nghttpd and against a server that misbehaves by its paths
-- (tests/support/http2.py): the same rules hold as for HTTP/1.1. There is no multiplexing
-- (docs/decisions/2026-11-29-http.md): requests behind each other share a connection.
local cjson = require "cjson"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local postgres = require "tests.support.postgres"
local process = require "tests.support.process"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

-- A private authority, and a certificate for 127.0.0.1.
local function make_certificates(folder)
  local function openssl(words)
    local argv = { "openssl" }
    for word in words:gmatch "%S+" do argv[#argv + 1] = word end
    process.must(argv, { cwd = folder })
  end
  local key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
  files.write(folder .. "/names", "subjectAltName=IP:127.0.0.1\n")
  openssl("req -x509 " .. key .. "-keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca")
  openssl("req " .. key .. "-keyout key.pem -out request -subj /CN=127.0.0.1")
  openssl [[x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2
    -extfile names]]
end

describe("HTTP/2", function()
  local folder, server, nghttpd, other, port, nghttpd_port

  setup(function()
    folder = files.temp()
    make_certificates(folder)
    files.write(folder .. "/docs/page", '{"data":[{"id":1},{"id":2}]}')
    other = http.start("return function(_, c) c:reply(200, nil, '{\"data\":[]}') end",
      { tls = true })
    nghttpd_port = postgres.free_port()
    nghttpd = process.spawn { "nghttpd", "-v", "-a", "127.0.0.1", "-d", folder .. "/docs",
      nghttpd_port, folder .. "/key.pem", folder .. "/cert.pem" }
    -- Its standard input is ours to hold: it ends when that does. Debian's Python has the package.
    server = assert(io.popen(("exec /usr/bin/python3 %s/tests/support/http2.py %s/cert.pem "
      .. "%s/key.pem %s/log >%s/port 2>%s/errors"):format(host.root, folder, folder, folder,
      folder, folder), "w"))
    port = wait.until_true("the HTTP/2 server to start", 20, function()
      local said = files.read(folder .. "/errors")
      if said and said ~= "" then error(said) end
      return (files.read(folder .. "/port") or ""):match "^(%d+)\n"
    end)
    wait.until_true("nghttpd to start", 20, function()
      if nghttpd:ended() then error(nghttpd:output()) end
      return nghttpd:output():find("listen", 1, true)
    end)
  end)
  teardown(function()
    server:close()
    other:stop()
    nghttpd:signal "KILL"
    nghttpd:wait()
  end)

  local function project(body, settings)
    local made = host.project {
      config = ("network: { allow_private: ['127.0.0.1:%d', '127.0.0.1:%d', '%s'], ca_file: %s }\n")
        :format(port, nghttpd_port, other.tls_address, folder .. "/ca.pem"),
    }
    files.write(made .. "/config/clients/acme.yaml", ([[
version: 1
id: acme
sources:
  shop: { base_url: "https://127.0.0.1:%d", key: { env: KEY }%s }
]]):format(port, settings or ""))
    files.write(made .. "/sources/shop.lua", ([[
return require "etl.source" { name = "shop",
  config = { base_url = "url", key = "secret", other = "string?" },
  hosts = { "{base_url}", "{other}" },
  resources = { t = { table = "t", key = "id", extract = function(ctx)
    local key = { headers = { ["X-Key"] = ctx.settings.key } }
    %s
  end } } }
]]):format(body))
    return made
  end
  local function run(body, settings)
    local to = target.sqlite()
    local result = host.run(project(body, settings), to,
      { env = { KEY = "s3cret-key-0001" }, more = { "--json" } })
    return result, to
  end
  -- What it says of the requests of a path, since the log was empty.
  local function requests(path)
    local list = {}
    for line in (files.read(folder .. "/log") or ""):gmatch "[^\n]+" do
      local one = cjson.decode(line)
      if one.headers[":path"]:match "^[^?]*" == path then list[#list + 1] = one end
    end
    return list
  end
  local function connections(list)
    local seen, count = {}, 0
    for _, one in ipairs(list) do
      if not seen[one.connection] then count = count + 1 end
      seen[one.connection] = true
    end
    return count
  end

  it("is spoken where the server does, and fetch says so", function()
    local at = project "ctx:emit {}"
    local function fetch(url)
      return host.etlhost({ "fetch", url }, { cwd = at, env = { KEY = "x" } })
    end
    local result = fetch(("https://127.0.0.1:%d/page"):format(nghttpd_port))
    assert.equal(0, result.code, tostring(result))
    assert.matches("HTTP/2 200", result.err, 1, true)
    assert.equal('{"data":[{"id":1},{"id":2}]}', result.out)
    assert.matches(":path: /page", nghttpd:output(), 1, true)
  end)

  it("and HTTP/1.1 are spoken over TLS 1.2 and later only", function()
    local at = project "ctx:emit {}"
    for _, version in ipairs { "-tls1_1", "-tls1_2" } do
      local old = postgres.free_port()
      local openssl = process.spawn { "openssl", "s_server", "-accept", old, "-www", version,
        "-cipher", "ALL:@SECLEVEL=0", "-key", folder .. "/key.pem", "-cert", folder .. "/cert.pem" }
      wait.until_true("openssl to start", 20, function() return openssl:output():find "ACCEPT" end)
      files.write(at .. "/config/etlhost.yaml", ("version: 1\nnetwork: { allow_private: "
        .. "['127.0.0.1:%d'], ca_file: '%s' }\n"):format(old, folder .. "/ca.pem"))
      local result = host.etlhost({ "fetch", ("https://127.0.0.1:%d/"):format(old) }, { cwd = at,
        env = { KEY = "x" } })
      openssl:signal "KILL"
      openssl:wait()
      local word = version == "-tls1_2" and "200" or "alert protocol version"
      assert.matches(word, result.out .. result.err, 1, true)
      assert.equal(version == "-tls1_2", result.code == 0, tostring(result))
    end
  end)

  it("falls back to HTTP/1.1", function()
    local at = project "ctx:emit {}"
    files.write(at .. "/config/etlhost.yaml", ("version: 1\nnetwork: { allow_private: ['%s'], "
      .. "ca_file: '%s' }\n"):format(other.tls_address, other.ca_file))
    local result = host.etlhost({ "fetch", other.tls_url .. "/x" }, { cwd = at,
      env = { KEY = "x" } })
    assert.equal(0, result.code, tostring(result))
    assert.matches("HTTP/1.1 200 OK", result.err, 1, true)
  end)

  it("has one connection for requests behind each other, and one each for those at once", function()
    local result, to = run [[
      for n = 0, 4 do
        local r = ctx:get("/page", { query = { n = n }, headers = key.headers })
        ctx:emit(r:rows "data")
      end
      local ahead = {}
      for n = 5, 9 do ahead[#ahead + 1] = ctx:prefetch { url = "/page", query = { n = n } } end
      for _, one in ipairs(ahead) do ctx:emit(one:wait():rows "data") end]]
    assert.equal(0, result.code, tostring(result))
    assert.equal(10000, to:count "t")
    local list = requests "/page"
    assert.equal(10, #list)
    assert.equal("s3cret-key-0001", list[1].headers["x-key"])
    assert.equal(1, connections { list[1], list[2], list[3], list[4], list[5] })
    assert.is_true(connections(list) <= 5, connections(list))
  end)

  for path, again in pairs { ["/reset"] = true, ["/refused"] = true, ["/goaway"] = true,
    ["/goaway-in-the-middle"] = true } do
    it("asks again when the answer is broken off: " .. path, function()
      local result, to = run(('ctx:emit(ctx:get("%s"):rows "data")'):format(path))
      assert.equal(0, result.code, tostring(result))
      assert.equal(5, to:count "t")
      assert.equal(again, #requests(path) >= 2)
    end)
  end

  it("opens another connection once the server has said good-bye", function()
    local result, to = run [[
      ctx:emit(ctx:get("/goaway-behind"):rows "data")
      ctx:emit(ctx:get("/goaway-behind"):rows "data", { again = true })]]
    assert.equal(0, result.code, tostring(result))
    assert.equal(5, to:count "t")
    assert.equal(2, connections(requests "/goaway-behind"))
  end)

  it("takes no part for the whole", function()
    local says = {
      ["/short"] = "was not closed cleanly: PROTOCOL_ERROR",
      ["/without-end"] = "was not closed cleanly before end",
      ["/gzip-cut"] = "they are cut off before their end",
      ["/bomb"] = "decompressed data exceed the limit of 1000000 bytes",
    }
    local result, to = run [[
      local ahead = {}
      for _, path in ipairs { "/short", "/without-end", "/gzip-cut", "/bomb" } do
        ahead[path] = ctx:prefetch { url = path, max_bytes = 1000000 }
      end
      for path, one in pairs(ahead) do
        local ok, problem = pcall(function() ctx:emit(one:wait():rows "data") end)
        ctx:log("%s %s %s", path, tostring(ok), tostring(problem))
      end]]
    assert.equal(0, result.code, tostring(result))
    for path, text in pairs(says) do
      local line = (path .. " false [^\n]*" .. text):gsub("[-()/.]", "%%%0")
      assert.matches(line, result.out)
    end
    assert.is_false(to:has_table "t")
  end)

  it("unpacks what is packed", function()
    local result, to = run 'ctx:emit(ctx:get("/gzip"):rows "data")'
    assert.equal(0, result.code, tostring(result))
    assert.equal(5, to:count "t")
  end)

  it("takes no secret along to another host, and never goes to http", function()
    local result = run(([[
      ctx:emit(ctx:get("/away", { query = { to = "https://127.0.0.1:%d/page" },
        headers = key.headers }):rows "data")
      local plain = "http://127.0.0.1:%d/echo"
      local ok, problem = pcall(ctx.get, ctx, "/away", { query = { to = plain } })
      ctx:log("plain: %%s", tostring(problem))]]):format(nghttpd_port, port),
      (', other: "127.0.0.1:%d"'):format(nghttpd_port))
    assert.equal(0, result.code, tostring(result))
    local at_nghttpd = nghttpd:output()
    assert.matches(":path: /page", at_nghttpd, 1, true)
    assert.not_matches("s3cret-key-0001", at_nghttpd, 1, true)
    assert.equal("s3cret-key-0001", requests("/away")[1].headers["x-key"])
    assert.matches("plain: [^\n]*it leads from https: to http:", result.out)
    assert.equal(2, #requests "/away")
    assert.equal(0, #requests "/echo")
  end)

  it("puts a secret into a body, and masks it in what comes back", function()
    local result = run [[
      local r = ctx:post("/echo", { form = { key = ctx.settings.key }, headers = key.headers })
      ctx:log("back: %s %s", r:value "body", r:value "headers.x-key")
      ctx:emit {}]]
    assert.equal(0, result.code, tostring(result))
    assert.equal("key=s3cret-key-0001", requests("/echo")[1].body)
    assert.matches("back: key=*** ***", result.out, 1, true)
    assert.not_matches("s3cret-key-0001", result.out .. result.err, 1, true)
  end)

  it("has signatures that hold", function()
    local at = project "ctx:emit {}"
    files.write(at .. "/config/clients/acme.yaml", ([[
version: 1
id: acme
sources:
  s3_exports:
    bucket: bucket
    endpoint: https://127.0.0.1:%d
    region: eu-central-1
    access_key_id: AKIDEXAMPLE
    secret_access_key: { env: KEY }
    prefixes: { orders: { table: t } }
]]):format(port))
    local to = target.sqlite()
    local result = host.run(at, to, { env = { KEY = "the/secret" } })
    assert.equal(0, result.code, tostring(result))
    assert.equal(1, to:count "t")
    assert.is_true(#requests "/bucket/orders/a%20b.csv" >= 1)
    result = host.run(at, target.sqlite(), { env = { KEY = "another" } })
    assert.equal(host.exit.auth, result.code, tostring(result))
  end)
end)
