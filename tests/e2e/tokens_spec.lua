-- Tokens that a source signs in for: once for all who need one, and kept only under the operator's
-- key.
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local lfs = require "lfs"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

local SCENARIO = [[
local json = require "cjson"
local count, held = 0, {}
local paths = {
  ["/v1/login"] = function(r, c)
    count = count + 1
    local number = count
    if r.body:find "wait" then
      while not io.open(options.flag) do c:wait(10) end
    end
    if r.body:find "broken" then return c:reply(400, nil, "no") end
    c:reply(200, nil, json.encode { token = "t0ken-" .. number .. "-abcdefgh", expires_in = 3600 })
  end,
  ["/v1/rows"] = function(r, c)
    c:reply(200, nil, json.encode { data = { { id = 1, by = r.headers.authorization } } })
  end,
}
return function(r, c) return paths[r.path](r, c) end
]]

local SOURCE = [[
local function rows(ctx, again)
  local token = ctx:token("api", function()
    local r = ctx:post("login", { form = { way = ctx.settings.way, s = ctx.settings.key },
      capture = { token = "token" }, repeatable = true })
    return r.captured.token, r:value "expires_in"
  end)
  ctx:emit(ctx:get("rows", { headers = { Authorization = "Bearer " .. token } }):rows "data",
    { again = again })
end
return require "etl.source" {
  name = "shop", config = { base_url = "url", key = "secret", way = "string" },
  hosts = { "{base_url}" },
  resources = {
    one = { key = "id", drop = { "by" }, extract = rows },
    two = { key = "id", drop = { "by" }, extract = rows },
    again = { key = "id", drop = { "by" }, extract = function(ctx)
      if ctx.settings.way ~= "again" then return end
      rows(ctx)
      ctx:forget_token "api"
      rows(ctx, true)
    end },
  },
}
]]

describe("a token", function()
  local server, flag
  setup(function()
    flag = files.temp() .. "/flag"
    server = http.start(SCENARIO, { set = { flag = flag } })
  end)
  teardown(function() server:stop() end)

  local function project(mode, key)
    local folder = files.temp()
    files.write(folder .. "/config/etlhost.yaml", ([[
version: 1
network: { allow_private: ["%s"] }
%s]]):format(server.address, key and "secrets: { key: { env: TOKENS } }\n" or ""))
    files.write(folder .. "/config/clients/acme.yaml", ([[
version: 1
id: acme
sources:
  shop: { base_url: "%s/v1", key: { env: SHOP_KEY }, way: %s }
]]):format(server.url, mode))
    files.write(folder .. "/sources/shop.lua", SOURCE)
    files.write(folder .. "/pipelines/p.lua", 'return require "etl.pipeline" {}\n')
    return folder
  end

  local KEY = ("k"):rep(32)
  local function run(folder, env, program)
    local with = { SHOP_KEY = "shop-k3y", TOKENS = KEY }
    for name, value in pairs(env or {}) do with[name] = value end
    local before = #server:requests "/login"
    local result = host.run(folder, target.sqlite(), { env = with, more = { "--json" },
      program = program })
    return #server:requests "/login" - before, result
  end

  it("is gotten once by a run, and for the run only where there is no key", function()
    local folder = project "plain"
    for _ = 1, 2 do
      local logins, result = run(folder)
      assert.equal(0, result.code, tostring(result))
      assert.equal(1, logins)
    end
    assert.is_false(files.exists(folder .. "/.etlhost/tokens"))
  end)

  it("is kept under the key, for the same settings and credentials", function()
    local folder = project("plain", true)
    local function logins(env)
      local count, result = run(folder, env)
      assert.equal(0, result.code, tostring(result))
      return count
    end
    assert.equal(1, logins())
    assert.equal(0, logins())
    assert.equal(1, logins { SHOP_KEY = "other-k3y" })
    assert.equal(1, logins { TOKENS = ("x"):rep(32) })
    assert.equal(0, logins())
    local kept = 0
    for name in lfs.dir(folder .. "/.etlhost/tokens") do
      local path = folder .. "/.etlhost/tokens/" .. name
      local text = lfs.attributes(path, "mode") == "file" and files.read(path) or ""
      assert.not_matches("t0ken", text, 1, true)
      kept = kept + (#text > 0 and 1 or 0)
    end
    assert.equal(3, kept)
    -- One that was changed is none.
    for name in lfs.dir(folder .. "/.etlhost/tokens") do
      if name:match "^%x+$" then
        files.write(folder .. "/.etlhost/tokens/" .. name, ("z"):rep(80))
      end
    end
    assert.equal(1, logins())
  end)

  it("is gotten anew when the service refuses it", function()
    local logins, result = run(project("again", true))
    assert.equal(0, result.code, tostring(result))
    assert.equal(2, logins)
  end)

  it("is gotten by one of two runs, and the other waits for it", function()
    local folder, runs = project("wait", true), {}
    local before = #server:requests "/login"
    for i = 1, 2 do
      runs[i] = host.spawn({ "run", "pipelines/p.lua", "--destination",
        "sqlite:" .. files.temp() .. "/x.db" },
        { cwd = folder, env = { SHOP_KEY = "shop-k3y", TOKENS = KEY } })
    end
    wait.until_true("a sign-in", 30, function() return #server:requests "/login" > before end)
    files.write(flag, "")
    for i = 1, 2 do
      local result = runs[i]:wait(60)
      assert.equal(0, result.code, tostring(result))
    end
    assert.equal(before + 1, #server:requests "/login")
  end)

  it("is there for the next run when the one that got it is killed", function()
    local folder = project("plain", true)
    local logins, killed = run(folder, { ETLHOST_FAULT = "token.stored" }, host.faulty_program)
    assert.matches("it was killed", killed.out, 1, true)
    assert.equal(1, logins)
    local result
    logins, result = run(folder)
    assert.equal(0, result.code, tostring(result))
    assert.equal(0, logins)
  end)

  it("that cannot be had fails each that needs it, with the reason", function()
    local logins, result = run(project("broken", true))
    assert.not_equal(0, result.code)
    assert.equal(2, logins)
    assert.matches("/v1/login: 400", result.out, 1, true)
  end)

  it("needs a key that is long enough, which is named and not written", function()
    local folder = project("plain", true)
    local _, result = run(folder, { TOKENS = "short" })
    assert.equal(host.exit.config, result.code)
    assert.matches("the key has 5 bytes", result.out, 1, true)
    files.write(folder .. "/config/etlhost.yaml", "version: 1\nsecrets: { key: abc }\n")
    local check = host.etlhost({ "check" }, { cwd = folder })
    assert.equal(host.exit.config, check.code)
    assert.matches("never written", check.out, 1, true)
  end)
end)
