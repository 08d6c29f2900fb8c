-- Real object stores, which check signatures and differ where clients break. `make test-real`
-- installs them and runs this; otherwise it is skipped, and said.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local stores = require "tests.support.stores"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

local function csv(from, to)
  local lines = { "id,name" }
  for i = from, to do lines[#lines + 1] = ("%d,name %d"):format(i, i) end
  return table.concat(lines, "\n") .. "\n"
end

local function gzip(text)
  local path = files.write(files.temp() .. "/x", text)
  assert(os.execute("gzip -n " .. path))
  return files.read(path .. ".gz")
end

local function project(store, bucket, settings)
  local folder = host.project {
    config = ("network: { allow_private: [\"%s\"] }\n"):format(store.address),
  }
  files.write(folder .. "/config/clients/acme.yaml", ([[
version: 1
id: acme
sources:
  s3_exports:
    bucket: %s
    endpoint: %s
    prefixes: { orders: { table: t } }
%s]]):format(bucket, store.url, settings))
  return folder
end

local SETTINGS = [[
    region: eu-central-1
    access_key_id: { env: KEY }
    secret_access_key: { env: SECRET }
]]

local function run(store, folder, to, options)
  options = options or {}
  local env = { KEY = store.key, SECRET = store.secret }
  for name, value in pairs(options.env or {}) do env[name] = value end
  return host.run(folder, to, { env = env, more = options.more, program = options.program,
    seconds = 120 })
end

local function must_run(store, folder, to, options)
  local result = run(store, folder, to, options)
  if result.code ~= 0 then error(tostring(result), 2) end
  return result
end

local function test(kind)
  local store
  setup(function()
    store = stores.start(kind)
    store:bucket "acme"
    store:put("acme", "orders/a b+c=d&e.csv", csv(10, 11))
    store:put("acme", "orders/café/ü%20'(*)!.csv", csv(20, 21))
    store:put("acme", "orders/z.csv.gz", gzip(csv(30, 31)))
  end)
  teardown(function() store:stop() end)

  it("loads keys with any characters once", function()
    local to, folder = target.sqlite(), project(store, "acme", SETTINGS)
    must_run(store, folder, to)
    assert.equal(6, to:count "t")
    assert.matches("3 files already loaded", must_run(store, folder, to).out, 1, true)
  end)

  it("lists more than a page, by its continuation tokens", function()
    store:bucket "many"
    store:put_many("many", "orders/", 1005, csv(1, 2))
    local to, folder = target.sqlite(), project(store, "many", SETTINGS)
    must_run(store, folder, to)
    assert.equal(2, to:count "t")
    assert.matches("1,005 files already loaded", must_run(store, folder, to).out, 1, true)
  end)

  it("says what is wrong with credentials", function()
    local to, folder = target.sqlite(), project(store, "acme", SETTINGS)
    local wrong = run(store, folder, to, { env = { SECRET = "something else" } })
    assert.equal(host.exit.auth, wrong.code, tostring(wrong))
    assert.matches("the signature does not match", wrong.out .. wrong.err, 1, true)
    local unknown = run(store, folder, to, { env = { KEY = "AKIDUNKNOWN" } })
    assert.equal(host.exit.auth, unknown.code, tostring(unknown))
    assert.matches("does not know the access key id", unknown.out .. unknown.err, 1, true)
    local none = run(store, project(store, "nothing-there", SETTINGS), to)
    assert.equal(host.exit.config, none.code, tostring(none))
    assert.matches("there is no such bucket", none.out .. none.err, 1, true)
  end)

  it("corrects a wrong region", function()
    local to = target.sqlite()
    local result = must_run(store, project(store, "acme", SETTINGS:gsub("eu%-central", "us-west")),
      to)
    assert.equal(6, to:count "t")
    assert.matches("is in region eu-central-1, not us-west-1", result.out .. result.err, 1, true)
  end)

  it("has a clock that is not ours: the load goes on by its, and says so", function()
    for _, off in ipairs { 1200, -1200 } do
      local to = target.sqlite()
      local result = must_run(store, project(store, "acme", SETTINGS), to, {
        program = host.faulty_program, env = { ETLHOST_CLOCK_OFFSET = tostring(off) },
      })
      assert.equal(6, to:count "t")
      assert.matches("clock is 20 minutes " .. (off > 0 and "ahead of" or "behind"), result.out,
        1, true)
    end
  end)

  it("has objects in parts: known by their etags, and gone on in by range", function()
    store:bucket "large"
    store:put_parts("large", "orders/1.csv", csv(1, 600000))
    local to, folder = target.sqlite(), project(store, "large", SETTINGS)
    local killed = run(store, folder, to, { program = host.faulty_program,
      env = { ETLHOST_FAULT = "commit.answered:6", ETLHOST_FAULT_ROLE = "engine" },
      more = { "--unit-bytes", "1048576" } })
    assert.not_equal(0, killed.code, tostring(killed))
    must_run(store, folder, to)
    assert.equal(600000, to:count "t")
    assert.equal("600000", to:sql "select count(distinct id) from t")
    assert.matches("1 file already loaded", must_run(store, folder, to).out, 1, true)
  end)

  it("is read without credentials where it is public", function()
    store:bucket "public"
    store:put("public", "orders/1.csv", csv(1, 3))
    local to, folder = target.sqlite(), project(store, "public", "    anonymous: true\n")
    local refused = run(store, folder, to)
    assert.equal(host.exit.auth, refused.code, tostring(refused))
    assert.matches("the bucket is not public", refused.out .. refused.err, 1, true)
    store:publish "public"
    must_run(store, folder, to)
    assert.equal(3, to:count "t")
  end)

  -- A run whose engine stops when it has listed the bucket, and goes on when `meanwhile` has run.
  local function run_with(meanwhile, folder, to, env)
    env = env or { KEY = store.key, SECRET = store.secret }
    env.ETLHOST_FAULT, env.ETLHOST_FAULT_ROLE = "object.listed=stop", "engine"
    local going = host.spawn({ "run", "pipelines/p.lua", "--destination", to.url },
      { cwd = folder, program = host.faulty_program, env = env })
    local engine = wait.until_true("the engine to stop", 30, function()
      if going:ended() then error("it ended instead\n" .. going:output()) end
      local member = process.member(going.pid, "--engine")
      return member and member.state == "T" and member
    end)
    meanwhile()
    os.execute("kill -CONT " .. engine.pid)
    return going:wait()
  end

  it("has an object replaced between listing and reading: the new rows alone", function()
    store:bucket "changing"
    store:put("changing", "orders/1.csv", csv(1, 5))
    local to = target.sqlite()
    local result = run_with(function() store:put("changing", "orders/1.csv", csv(101, 107)) end,
      project(store, "changing", SETTINGS), to)
    assert.equal(0, result.code, tostring(result))
    assert.matches("was replaced while it was read", result.out .. result.err, 1, true)
    assert.equal("7|101", to:sql "select count(*), min(id) from t")
  end)

  it("has an object deleted between listing and reading: left out, and named", function()
    store:bucket "deleting"
    store:put("deleting", "orders/1.csv", csv(1, 2))
    store:put("deleting", "orders/2.csv", csv(3, 4))
    local to, folder = target.sqlite(), project(store, "deleting", SETTINGS)
    local result = run_with(function() store:must("DELETE", "/deleting/orders/1.csv") end,
      folder, to)
    assert.equal(0, result.code, tostring(result))
    assert.matches("orders/1.csv: it was deleted", result.out, 1, true)
    assert.equal("2|3", to:sql "select count(*), min(id) from t")
  end)

  it("is reached by the bucket's own host", function()
    local to, folder = target.sqlite(), project(store, "acme", SETTINGS
      .. "    path_style: false\n")
    local client = folder .. "/config/clients/acme.yaml"
    files.write(client, (files.read(client):gsub("127%.0%.0%.1", "localhost")))
    must_run(store, folder, to)
    assert.equal(6, to:count "t")
  end)

  it("says what is wrong with a session token, and with a path that is misspelt", function()
    local to = target.sqlite()
    local result = run(store, project(store, "acme", SETTINGS .. "    session_token: { env: X }\n"),
      to, { env = { X = "FwoGZXIvYXdzEbogus" } })
    assert.equal(host.exit.auth, result.code, tostring(result))
    assert.matches("the session token is not valid", result.out, 1, true)
    local folder = project(store, "acme", SETTINGS)
    local client = folder .. "/config/clients/acme.yaml"
    files.write(client, (files.read(client):gsub("{ orders:", "{ order: { prefix: oders/ }, o:")))
    result = must_run(store, folder, to)
    assert.matches("order: there is no file below s3://acme/oders/", result.out, 1, true)
  end)

  it("is closed to us between two runs, or in the middle of one: nothing is lost", function()
    local bucket = "closing"
    store:bucket(bucket)
    store:put(bucket, "orders/1.csv", csv(1, 2))
    local settings, who, hint = SETTINGS, "reader", "the key needs s3:ListBucket"
    if kind == "versitygw" then
      store:user(who, "readersecret")
    else
      settings, who, hint = "    anonymous: true\n", "*", "the bucket is not public"
    end
    local function env() return { KEY = who, SECRET = "readersecret" } end
    local to, folder = target.sqlite(), project(store, bucket, settings)
    local function expect(result, message)
      assert.equal(host.exit.auth, result.code, tostring(result))
      assert.matches(message, result.out, 1, true)
      assert.matches(hint, result.out, 1, true)
      assert.equal(2, to:count "t")
    end
    store:grant(bucket, who)
    must_run(store, folder, to, { env = env() })
    store:put(bucket, "orders/2.csv", csv(3, 4))
    store:put(bucket, "orders/3.csv", csv(5, 6))
    expect(run_with(function() store:revoke(bucket) end, folder, to, env()),
      "orders/2.csv: access is denied")
    expect(run(store, folder, to, { env = env() }), "the bucket closing: access is denied")
    store:grant(bucket, who)
    must_run(store, folder, to, { env = env() })
    assert.equal(6, to:count "t")
    if kind ~= "versitygw" then return end
    store:remove_user(who)
    local gone = run(store, folder, to, { env = env() })
    assert.equal(host.exit.auth, gone.code, tostring(gone))
    assert.matches("does not know the access key id", gone.out, 1, true)
    assert.matches("access_key_id: { env: KEY }", gone.out, 1, true)
  end)

  if kind == "minio" then
    it("takes temporary credentials with their session token", function()
      local key, secret, token = store:session()
      local env = { KEY = key, SECRET = secret, TOKEN = token }
      local with = SETTINGS .. "    session_token: { env: TOKEN }\n"
      local to = target.sqlite()
      must_run(store, project(store, "acme", with), to, { env = env })
      assert.equal(6, to:count "t")
      env.TOKEN = token:sub(1, -5) .. "AAAA"
      local wrong = run(store, project(store, "acme", with), to, { env = env })
      assert.equal(host.exit.auth, wrong.code, tostring(wrong))
    end)
  end
end

for _, kind in ipairs(stores.kinds) do
  describe("a bucket of a real " .. kind, function()
    if stores.folder then
      test(kind)
    else
      pending "is read by `make test-real`, which installs it (Go)"
    end
  end)
end
