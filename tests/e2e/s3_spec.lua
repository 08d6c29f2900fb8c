-- A bucket into tables: listings, credentials, whatever an object store and the way to it do. The
-- store is tests/support/s3.lua.
local files = require "tests.support.files"
local host = require "tests.support.host"
local s3 = require "tests.support.s3"
local target = require "tests.support.target"

local csv = s3.csv

-- 40,000 rows that do not compress well: 1.5 MB, or 0.9 MB.
local function random_csv(from, to)
  local lines, x = { "id,name" }, 88172645463325252
  for i = from, to do
    x = x ~ (x << 13)
    x = x ~ (x >> 7)
    x = x ~ (x << 17)
    lines[#lines + 1] = ("%d,%016x%04x"):format(i, x, i & 0xffff)
  end
  return table.concat(lines, "\n") .. "\n"
end
local LARGE = random_csv(1, 40000)

local function gzip(text)
  local path = files.write(files.temp() .. "/x", text)
  assert(os.execute("gzip -n " .. path))
  return files.read(path .. ".gz")
end

-- A project that reads the store. more: settings; prefixes: YAML of those.
local function project(store, more, prefixes)
  local folder = host.project {
    config = ("network: { allow_private: [\"%s\"] }\n"):format(store.address),
  }
  files.write(folder .. "/config/clients/acme.yaml",
    "version: 1\nid: acme\nsources:\n  s3_exports:\n"
    .. store:settings((more or "") .. "    prefixes: " .. (prefixes or "{ orders: { table: t } }")
    .. "\n"))
  return folder
end

local function run(folder, to, options)
  local with = { env = s3.environment }
  for name, value in pairs(options or {}) do with[name] = value end
  return host.run(folder, to, with)
end

local function must_run(folder, to, options)
  local result = run(folder, to, options)
  if result.code ~= 0 then error(tostring(result), 2) end
  return result
end

local function ids(to) return to:sql("select count(distinct id) from " .. to:name "t") end

describe("a bucket", function()
  local store
  local function start(options)
    store = s3.start(options)
    return store
  end
  after_each(function() store:stop() end)

  it("is listed page by page, and each object loads once", function()
    start { page = 2 }
    for i = 1, 5 do store:put("orders/" .. i .. ".csv", csv(i * 10, i * 10 + 4)) end
    store:put("orders/", "")
    store:put("other/1.csv", csv(1, 9))
    local to, folder = target.sqlite(), project(store)
    must_run(folder, to)
    assert.equal(25, to:count "t")
    assert.equal("orders/1.csv", to:sql "select _file from t where id = 10")
    local fetched = #store:fetched()
    local again = must_run(folder, to)
    assert.matches("5 files already loaded", again.out)
    assert.equal(fetched, #store:fetched(), "known objects were fetched again")
    local preview = host.etlhost(
      { "preview", "s3_exports.orders", "--format", "csv", "--limit", "7" },
      { cwd = folder, env = s3.environment })
    assert.equal(0, preview.code, tostring(preview))
    assert.matches("^id,name\n10,name 10\n.*\n21,name 21\n$", preview.out)
    fetched = #store:fetched()
    store:put("orders/3.csv", csv(30, 36))
    store:put("orders/6.csv", csv(60, 61))
    must_run(folder, to)
    assert.equal(29, to:count "t")
    assert.equal(fetched + 2, #store:fetched())
  end)

  it("may have keys with any characters, compressed objects and empty ones", function()
    start { page = 3 }
    local names = { "a b+c=d&e.csv", "café/ü%20.csv", "x//y.csv", "q?#'(*)~!$,;@.csv", "z.csv.gz" }
    for i, name in ipairs(names) do
      local text = csv(i * 10, i * 10 + 1)
      store:put("orders/" .. name, name:find "gz$" and gzip(text) or text)
    end
    store:put("orders/empty.csv", "")
    local to = target.sqlite()
    must_run(project(store), to)
    assert.equal(10, to:count "t")
    assert.equal("orders/" .. names[2], to:sql "select _file from t where id = 20")
  end)

  it("whose listing forgets its tokens goes on from the last key", function()
    start { page = 2, forgets_tokens = true }
    for i = 1, 5 do store:put("orders/" .. i .. ".csv", csv(i, i)) end
    local to = target.sqlite()
    must_run(project(store), to)
    assert.equal(5, to:count "t")
  end)

  it("that answers a listing with something else loads nothing and says what", function()
    start { faults = { { target = "list%-type", to = 99, reply = "<html>down</html>" } } }
    store:put("orders/1.csv", csv(1, 2))
    local to = target.sqlite()
    local result = run(project(store), to)
    assert.equal(host.exit.network, result.code, tostring(result))
    assert.matches("begins with <html>", result.out .. result.err, 1, true)
  end)

  it("whose listing is cut is asked again", function()
    start { faults = { { target = "list%-type", reply = "<ListBucketResult><IsTr" } } }
    store:put("orders/1.csv", csv(1, 2))
    local to = target.sqlite()
    must_run(project(store), to)
    assert.equal(2, to:count "t")
  end)

  describe("that refuses is told with what to do:", function()
    local function expect(options, more, code, message, hint)
      start(options)
      store:put("orders/1.csv", csv(1, 2))
      local result = run(project(store, more), target.sqlite())
      assert.equal(code, result.code, tostring(result))
      assert.matches(message, result.out .. result.err, 1, true)
      assert.matches(hint, result.out .. result.err, 1, true)
      assert.is_nil((result.out .. result.err):find("wJalrXUtnFEMI", 1, true))
    end
    it("an access key id it does not know", function()
      expect({ key_id = "AKIAOTHER" }, "", host.exit.auth, "does not know the access key id",
        "belongs to another store")
    end)
    it("a bucket that is not there", function()
      expect({}, "    url: \"s3://other\"\n", host.exit.config, "url and bucket are the same", "")
      store:stop()
      start { faults = { { target = ".", to = 9, status = 404, code = "NoSuchBucket" } } }
      local result = run(project(store), target.sqlite())
      assert.equal(host.exit.config, result.code)
      assert.matches("the bucket acme: there is no such bucket", result.err .. result.out, 1, true)
    end)
    it("a wrong secret", function()
      local faults = { { target = ".", to = 9, status = 403, code = "SignatureDoesNotMatch" } }
      expect({ faults = faults }, "", host.exit.auth, "the signature does not match",
        "copy both again")
    end)
    it("an expired token", function()
      expect({ token = "new" }, "    session_token: { env: TEST_S3_SECRET }\n", host.exit.auth,
        "the session token has expired", "new temporary credentials")
    end)
    it("access denied", function()
      expect({ faults = { { target = ".", to = 9, status = 403, code = "AccessDenied" } } }, "",
        host.exit.auth, "access is denied", "s3:ListBucket")
    end)
    it("a clock that is days off", function()
      expect({ clock = -5 * 86400 }, "", host.exit.config, "clock is too far off", "timedatectl")
    end)
  end)

  it("puts a wrong region and a clock that is off right, and says so", function()
    start { region = "eu-central-1", clock = 3600 }
    store:put("orders/1.csv", csv(1, 2))
    local to = target.sqlite()
    local result = must_run(project(store), to)
    assert.equal(2, to:count "t")
    assert.matches("is in region eu-central-1, not us-east-1", result.out .. result.err, 1, true)
    assert.matches("clock is 60 minutes behind", result.out .. result.err, 1, true)
  end)

  it("reads credentials from a file in AWS's format, and a public bucket without any", function()
    start { key_id = "AKIDFILE", token = "the/session+token==" }
    store:put("orders/1.csv", csv(1, 2))
    local to, folder = target.sqlite(), project(store)
    local client = folder .. "/config/clients/acme.yaml"
    files.write(folder .. "/secrets/aws", "[default]\naws_access_key_id = NO\n"
      .. "aws_secret_access_key = NO\n\n[acme]\naws_access_key_id=AKIDFILE\n"
      .. "aws_secret_access_key = s/e+c\n"
      .. "aws_session_token = the/session+token==\n")
    local text = files.read(client):gsub("    access_key_id.-\n.-\n",
      "    credentials: { file: secrets/aws }\n    profile: acme\n")
    files.write(client, text)
    must_run(folder, to)
    assert.equal(2, to:count "t")
    store:set("public", true)
    store:put("orders/2.csv", csv(3, 4))
    files.write(client, (text:gsub("    credentials.-\n.-\n", "    anonymous: true\n")))
    must_run(folder, to)
    assert.equal(4, to:count "t")
    assert.is_nil(store.server:requests "2.csv"[1].headers.authorization)
  end)

  for _, kind in ipairs { "plain", "gzip" } do
    it("goes on where a transfer was cut, " .. kind, function()
      start { faults = {
        { target = "1%.csv", from = 1, act = "cut", after = 400000 },
        { target = "1%.csv", from = 2, act = "reset", after = 100000 },
      } }
      local key = kind == "gzip" and "orders/1.csv.gz" or "orders/1.csv"
      store:put(key, kind == "gzip" and gzip(LARGE) or LARGE)
      local to = target.sqlite()
      must_run(project(store), to)
      assert.equal(40000, to:count "t")
      assert.equal("40000", ids(to))
      local requests = store.server:requests "1%.csv"
      assert.equal(3, #requests)
      assert.is_truthy(requests[2].headers.range:match "^bytes=%d+%-$")
      assert.equal('"' .. store.state.objects[key].etag .. '"', requests[2].headers["if-match"])
    end)
  end

  it("that gives all of an object in place of a range is read all the same", function()
    start { no_ranges = true, faults = { { target = "1%.csv", act = "cut", after = 600000 } } }
    store:put("orders/1.csv", LARGE)
    local to = target.sqlite()
    must_run(project(store), to)
    assert.equal(40000, to:count "t")
    assert.equal("40000", ids(to))
  end)

  it("that answers another range than was asked for is not believed", function()
    start { wrong_range = 1, faults = { { target = "1%.csv", act = "cut", after = 600000 } } }
    store:put("orders/1.csv", LARGE)
    local to = target.sqlite()
    local result = run(project(store), to)
    assert.equal(host.exit.network, result.code, tostring(result))
    assert.matches("the server answers with", result.out .. result.err, 1, true)
  end)

  it("leaves objects that are archived or deleted since they were listed, named", function()
    start { faults = { { target = "/orders/2", status = 404, code = "NoSuchKey" } } }
    store:put("orders/1.csv", csv(1, 2), { class = "GLACIER" })
    store:put("orders/2.csv", csv(3, 4))
    store:put("orders/3.csv", csv(5, 6))
    local to, folder = target.sqlite(), project(store)
    local result = must_run(folder, to)
    assert.equal(2, to:count "t")
    assert.matches("orders/1.csv: it is archived", result.out, 1, true)
    assert.matches("orders/2.csv: it was deleted", result.out, 1, true)
    store:put("orders/1.csv", csv(1, 2)) -- restored
    must_run(folder, to)
    assert.equal(6, to:count "t")
  end)

  it("whose objects are replaced while they are read ends with the new rows alone", function()
    start { page = 1 }
    local new = random_csv(100001, 140000)
    store:put("orders/1.csv", LARGE)
    store:set("faults", { { target = "1%.csv", act = "cut", after = 300000 },
      { target = "1%.csv", from = 2, status = 412, code = "PreconditionFailed" } })
    local to, folder = target.sqlite(), project(store)
    local result = must_run(folder, to, { more = { "--unit-bytes", "65536" } })
    assert.matches("replaced while it was read", result.out .. result.err, 1, true)
    assert.equal("40000", ids(to))
    store:set("faults", {})
    store:put("orders/1.csv", new)
    must_run(folder, to)
    assert.equal(40000, to:count "t")
    assert.equal("100001", to:sql "select min(id) from t")
  end)
end)
