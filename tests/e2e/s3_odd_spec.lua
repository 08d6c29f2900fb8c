-- What else buckets do (tests/support/s3.lua): keys and listings that are odd, hosts with the
-- bucket's name, refusals in the middle, paths that are misspelt.
local files = require "tests.support.files"
local host = require "tests.support.host"
local s3 = require "tests.support.s3"
local target = require "tests.support.target"

local csv = s3.csv

describe("a bucket", function()
  local store
  local function start(options) store = s3.start(options) end
  after_each(function() store:stop() end)

  local function project(more, prefixes)
    local folder = host.project {
      config = ("network: { allow_private: [\"%s\"] }\n"):format(store.address),
    }
    files.write(folder .. "/config/clients/acme.yaml",
      "version: 1\nid: acme\nsources:\n  s3_exports:\n"
      .. store:settings((more or "") .. "    prefixes: " .. (prefixes or "{ orders: { table: t } }")
      .. "\n"))
    return folder
  end
  local function run(folder, to) return host.run(folder, to, { env = s3.environment }) end
  local function must_run(folder, to)
    local result = run(folder, to)
    if result.code ~= 0 then error(tostring(result), 2) end
    return result
  end
  local function all(result) return result.out .. result.err end

  it("may have keys that XML cannot hold, and the longest ones", function()
    start { page = 2 }
    local names = { "orders/a\nb.csv", "orders/\1.csv", "orders/../x.csv", "orders/.csv",
      "orders/" .. ("k"):rep(1024 - 7 - 4) .. ".csv", "orders/\u{1F600}.csv" }
    for i, name in ipairs(names) do store:put(name, csv(i, i)) end
    local to, folder = target.sqlite(), project()
    must_run(folder, to)
    assert.equal("1|2|3|4|5|6", to:sql [[select group_concat(id, '|') from
      (select id from t order by id)]])
    assert.equal("1", to:sql "select count(*) from t where length(_file) = 1024")
    assert.matches("6 files already loaded", must_run(folder, to).out, 1, true)
  end)

  it("has files that come late under an older name, and times, loaded once", function()
    start()
    store:put("orders/2.csv", csv(2, 2), { modified = "2026-03-02T00:00:00.000Z" })
    local to, folder = target.sqlite(), project()
    must_run(folder, to)
    store:put("orders/1.csv", csv(1, 1), { modified = "2026-03-01T21:00:00.000Z" })
    store:put("orders/3.csv", csv(3, 3), { modified = "2026-03-02T00:00:00.000Z" })
    must_run(folder, to)
    assert.equal("1|2|3", to:sql "select group_concat(id, '|') from (select id from t order by id)")
    -- The same bytes under another etag, as after a copy within the store: no row twice.
    store:put("orders/3.csv", csv(3, 3), { etag = "copied-2" })
    must_run(folder, to)
    assert.equal(3, to:count "t")
  end)

  it("that is too busy is waited for, in listings and in reads", function()
    start { faults = {
      { target = "list%-type", to = 2, status = 503, code = "SlowDown" },
      { target = "1%.csv", status = 503, code = "SlowDown" },
      { target = "2%.csv", status = 500, code = "InternalError" },
    } }
    store:put("orders/1.csv", csv(1, 2))
    store:put("orders/2.csv", csv(3, 4))
    local to = target.sqlite()
    must_run(project(), to)
    assert.equal(4, to:count "t")
  end)

  it("has several prefixes, each a resource, and two of them in one table", function()
    start()
    store:put("orders-create/1.csv", "id,name,at\n1,new,2026-03-01\n2,new,2026-03-01\n")
    store:put("orders-update/1.csv", "id,name,at\n1,changed,2026-03-02\n")
    store:put("marketing/leads/1.csv", csv(7, 8))
    store:put("marketing/leads/notes.txt", "not,a,lead\n")
    local to, folder = target.sqlite(), project("", [[{
      orders-create: { table: orders, key: id, cursor: at },
      orders-update: { table: orders, key: id, cursor: at },
      leads: { prefix: marketing/leads/, pattern: "*.csv", table: t } }]])
    must_run(folder, to)
    assert.equal("1|changed,2|new", to:sql [[select group_concat(id || '|' || name) from
      (select id, name from orders order by id)]])
    assert.equal("7,8", to:sql "select group_concat(id) from (select id from t order by id)")
    assert.is_nil(table.concat(store:fetched(), " "):find("notes.txt", 1, true))
    -- An older row comes late: it changes nothing.
    store:put("orders-create/0.csv", "id,name,at\n1,late,2026-02-01\n")
    must_run(folder, to)
    assert.equal("changed", to:sql "select name from orders where id = 1")
  end)

  it("has several objects fetched at once, and loaded in the order of their names", function()
    start { faults = { { target = "orders/1%.csv", hold = 4 } } }
    for i = 1, 6 do store:put("orders/" .. i .. ".csv", csv(i, i)) end
    local to = target.sqlite()
    must_run(project(), to)
    assert.equal("1|2|3|4|5|6", to:sql [[select group_concat(id, '|') from
      (select id from t order by rowid)]])
  end)

  it("whose token expires between listing and reading is gone on in with a new one", function()
    start()
    store:put("orders/1.csv", csv(1, 2))
    store:put("orders/2.csv", csv(3, 4))
    store:set("faults", { { target = "2%.csv", to = 9, status = 400, code = "ExpiredToken" } })
    local to, folder = target.sqlite(), project("    parallel_objects: 1\n")
    local result = run(folder, to)
    assert.equal(host.exit.auth, result.code, tostring(result))
    assert.matches("orders/2.csv: the session token has expired", all(result), 1, true)
    assert.matches("get new temporary credentials", all(result), 1, true)
    assert.equal(2, to:count "t")
    store:set("faults", {})
    must_run(folder, to)
    assert.equal(4, to:count "t")
  end)

  it("is asked by a host with its name, or by a path, as path_style says", function()
    start { bucket = "acme" }
    store:put("orders/1.csv", csv(1, 2))
    local folder = project "    path_style: false\n"
    local client = folder .. "/config/clients/acme.yaml"
    -- libcurl knows that names below localhost are this machine's.
    files.write(client, (files.read(client):gsub("127%.0%.0%.1", "localhost")))
    run(folder, target.sqlite())
    local request = store.server:requests()[1]
    assert.equal("acme.localhost:" .. store.server.port, request.headers.host)
    assert.matches("^/%?", request.target)
    must_run(project "    path_style: true\n", target.sqlite())
    request = store.server:requests()[2]
    assert.equal(store.address, request.headers.host)
    assert.matches("^/acme%?", request.target)
  end)

  it("is looked for in another region once, and never at another host", function()
    start { faults = { { target = ".", to = 99, status = 301, code = "PermanentRedirect",
      headers = { ["x-amz-bucket-region"] = "us-west-2", Location = "http://evil.example/" } } } }
    store:put("orders/1.csv", csv(1, 2))
    local result = run(project(), target.sqlite())
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("in another region or at another endpoint", all(result), 1, true)
    assert.equal(2, #store.server:requests())
  end)

  it("that has nothing below a path says so, with the path", function()
    start()
    store:put("orders/1.csv", csv(1, 2), { modified = "2025-12-31T00:00:00.000Z" })
    local to = target.sqlite()
    local result = must_run(project("", "{ order: { prefix: order_/, pattern: '*.csv' } }"), to)
    assert.matches("order: there is no file below s3://acme/order_/ that fits *.csv", all(result),
      1, true)
    -- It was read and had nothing, which is a success.
    assert.matches("acme    order             0       0     0", result.out, 1, true)
    local folder = project()
    local client = folder .. "/config/clients/acme.yaml"
    files.write(client, (files.read(client):gsub("id: acme", "id: acme\nstart: 2026-01-01")))
    assert.matches("orders: 1 file left out: last written before start (2026-01-01)",
      all(must_run(folder, to)), 1, true)
  end)

  it("refuses temporary credentials in each store's words", function()
    for _, code in ipairs { "InvalidToken", "InvalidTokenId" } do
      start { faults = { { target = ".", to = 9, status = 403, code = code } } }
      store:put("orders/1.csv", csv(1, 2))
      local result = run(project(), target.sqlite())
      assert.equal(host.exit.auth, result.code, tostring(result))
      assert.matches("the session token is not valid", all(result), 1, true)
      assert.matches("must come from the same answer", all(result), 1, true)
      -- The line of the client's file that names the secret.
      assert.matches("secret_access_key: { env: TEST_S3_SECRET }", all(result), 1, true)
      if code == "InvalidToken" then store:stop() end
    end
  end)

  it("whose endpoint is no store, or whose profile is misspelt, is told apart", function()
    start { faults = { { target = ".", to = 9, reply = "", status = nil } } }
    local folder = project()
    local result = run(folder, target.sqlite())
    assert.equal(host.exit.network, result.code, tostring(result))
    local client = folder .. "/config/clients/acme.yaml"
    files.write(folder .. "/secrets/aws", "[acme]\naws_access_key_id=a\naws_secret_access_key=b\n")
    files.write(client, (files.read(client):gsub("    access_key_id.-\n.-\n",
      "    credentials: { file: secrets/aws }\n")))
    result = run(folder, target.sqlite())
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("no profile \"default\" with both keys", all(result), 1, true)
    assert.matches("there are: acme; `profile` names the one that is meant", all(result), 1, true)
  end)
end)
