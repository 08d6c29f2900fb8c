-- Secrets of every kind are used in one run, by a script that tries to get at them and services
-- that send them back; then all that the run left behind, and showed, is searched for them.
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local leaks = require "tests.support.leaks"
local process = require "tests.support.process"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

local base64, urlencoded, search = leaks.base64, leaks.urlencoded, leaks.search

local SECRETS = {
  bearer = "b3arer-Sesame/0001+x", password = 'p@ss"word\\of:0002', query = "qu&ery=k3y/0003 %z",
  form = "f0rm-Sesame+0004/==", token = "t0ken.Captured-0005_abcdefgh", foreign = "f0reign-0006-zz",
  number = "8417209365",
}

local SCENARIO = [[
local json = require "cjson"
local function rows(c, list) c:reply(200, nil, json.encode { data = list }) end
local function echo(r)
  return { head = r.headers.authorization, query = r.query.key, raw = r.raw_query, body = r.body,
    number = r.headers["x-number"] }
end
local paths = {
  ["/v1/bearer"] = function(r, c) rows(c, { { id = 1, ok = r.headers.authorization } }) end,
  ["/v1/login"] = function(r, c)
    c:reply(200, { ["X-Echo"] = r.body }, json.encode { access_token = options.token, n = 7 })
  end,
  ["/v1/echo"] = function(r, c)
    local e = echo(r)
    c:reply(200, nil, ('{"data":[[%s],{"id":1,"echo":%s,"number":%s,"deep":{"n":[%s],"%s":1}}]}')
      :format(e.number, json.encode(json.encode(e)), e.number, e.number, e.number))
  end,
  ["/v1/fail"] = function(r, c) c:reply(401, nil, "wrong: " .. json.encode(echo(r))) end,
  ["/v1/away"] = function(_, c) c:reply(302, { Location = options.other .. "/v1/caught" }) end,
  ["/v1/dead"] = function(r, c)
    rows(c, { { id = 1, n = "x" .. r.headers.authorization }, { id = 2, n = r.raw_query },
      { id = 3, n = r.headers["x-base64"] } })
  end,
  ["/v1/hold"] = function(_, c)
    while not io.open(options.flag) do c:wait(10) end
    rows(c, { { id = 1 } })
  end,
}
return function(r, c) return paths[r.path](r, c) end
]]

local SOURCE = [[
local source = require "etl.source"
local function all(ctx)
  local s = ctx.settings
  return {
    headers = {
      Authorization = "Bearer " .. s.bearer, ["X-Base64"] = ctx:base64("xx" .. s.bearer),
      ["X-Number"] = s.number,
    },
    query = { key = s.query }, form = { secret = s.form, basic = ctx:basic("me", s.password) } }
end
local function login(ctx)
  return ctx:post("login", { form = { client_secret = ctx.settings.form },
    headers = { Authorization = ctx:basic("me", ctx.settings.password) },
    capture = { token = "access_token" } })
end
local function attempt(ctx, what, f, ...)
  local ok, result = pcall(f, ...)
  ctx:warn("%s: %s %s", what, tostring(ok), tostring(result))
end
return source {
  name = "shop",
  config = { base_url = "url", other = "string", bearer = "secret", password = "secret",
    query = "secret", form = "secret", number = "secret" },
  hosts = { "{base_url}", "{other}" },
  resources = {
    bearer = { key = "id", columns = { ok = "text" }, drop = { "ok" }, extract = function(ctx)
      ctx:emit(ctx:get("bearer", all(ctx)):rows "data")
    end },
    token = { key = "id", drop = { "ok" }, extract = function(ctx)
      local r = login(ctx)
      ctx:log("captured %s, seen %s, head %s, n %s", r.captured.token,
        tostring(r:value "access_token"), tostring(r:header "x-echo"), tostring(r:value "n"))
      ctx:emit(ctx:get("bearer", { headers = { Authorization = "Bearer " .. r.captured.token } })
        :rows "data", { position = r.captured.token })
    end },
    echo = { key = "id", row = function(row)
      row.echo, row.number, row.deep = row.echo, row.number, row.deep
    end, extract = function(ctx)
      local r = ctx:post("echo", all(ctx))
      ctx:log("text %s", r:text())
      for cut = 1, 200 do ctx:log("cut %s", r:text(cut)) end
      local whole = r:json().data[2]
      ctx:log("value %s %s %s", whole.echo, whole.number, whole.deep.n[1])
      local count = 0
      for item in r:each "data" do
        count = count + 1
        ctx:log("item %s %s %s", tostring(item.echo), tostring(item.number), tostring(item[1]))
        for key, value in pairs(item.deep or {}) do ctx:log("deep %s %s", key, tostring(value)) end
        if item.id then ctx:emit { item } end
      end
      ctx:log("%d items", count)
    end },
    dead = { key = "id", columns = { n = "bigint" }, max_dead = 100, extract = function(ctx)
      ctx:emit(ctx:get("dead", all(ctx)):rows "data")
    end },
    fail = { key = "id", extract = function(ctx)
      attempt(ctx, "caught", ctx.post, ctx, "fail", all(ctx))
      ctx:post("fail", all(ctx))
    end },
    away = { key = "id", extract = function(ctx) ctx:get("away", all(ctx)) end },
    steal = { key = "id", extract = function(ctx)
      local s = ctx.settings
      attempt(ctx, "other host", ctx.get, ctx, "http://" .. s.other .. "/x", all(ctx))
      attempt(ctx, "other host in the URL", ctx.get, ctx, "http://" .. s.other .. "/" .. s.bearer)
      attempt(ctx, "foreign", ctx.get, ctx, "bearer",
        { headers = { A = (s.bearer:gsub("shop%.bearer", "rival.key")) } })
      local rival = s.bearer:gsub("shop%.bearer", "rival.key")
      attempt(ctx, "foreign derived", ctx.base64, ctx, rival)
      attempt(ctx, "as a file", function()
        for _ in ctx:files { location = "file:/" .. s.bearer } do end
      end)
      attempt(ctx, "as a method", ctx.request, ctx, { url = "bearer", method = s.bearer })
      for name, value in pairs(s) do ctx:log("%s = %s, %d bytes", name, value, #value) end
      ctx:emit({ { id = 1, kept = s.bearer, upper = s.bearer:upper() } })
    end },
    loud = { key = "id", extract = function(ctx)
      error("loud: " .. ctx.settings.bearer .. ctx.settings.password:reverse())
    end },
    hold = { key = "id", extract = function(ctx)
      ctx:emit(ctx:get("hold", all(ctx)):rows "data")
    end },
  },
}
]]

local function project(server, other)
  local folder = files.temp()
  files.write(folder .. "/config/etlhost.yaml",
    ('version: 1\nnetwork: { allow_private: ["%s", "%s"] }\n'):format(server.address,
      other.address))
  files.write(folder .. "/config/clients/acme.yaml", ([[
version: 1
id: acme
sources:
  shop:
    base_url: "%s/v1"
    other: "%s"
    bearer: { file: secrets/bearer }
    password: { env: SHOP_PASSWORD }
    query: { cmd: [cat, %s/secrets/query] }
    form: { file: secrets/form }
    number: { file: secrets/number }
  rival:
    use: shop
    enabled: true
    base_url: "%s/v1"
    other: "x"
    bearer: { file: secrets/foreign }
    password: { file: secrets/foreign }
    query: { file: secrets/foreign }
    form: { file: secrets/foreign }
    number: { file: secrets/foreign }
    resources: []
]]):format(server.url, other.address, folder, server.url))
  for name, value in pairs(SECRETS) do files.write(folder .. "/secrets/" .. name, value .. "\n") end
  files.write(folder .. "/sources/shop.lua", SOURCE)
  files.write(folder .. "/pipelines/p.lua", 'return require "etl.pipeline" {}\n')
  return folder
end

describe("a run with secrets of every kind", function()
  local server, other, folder, to, result, list, limits
  setup(function()
    folder = files.temp()
    other = http.start "return function(_, c) c:reply(200, nil, '{}') end"
    server = http.start(SCENARIO,
      { set = { other = other.url, token = SECRETS.token, flag = folder .. "/flag" } })
    local flag = folder .. "/flag"
    folder, to, limits = project(server, other), target.sqlite(), {}
    list = leaks.forms(SECRETS)
    local arguments = { "run", "pipelines/p.lua", "--json" }
    for _, one in ipairs(to:arguments()) do arguments[#arguments + 1] = one end
    local run = host.spawn(arguments, { cwd = folder, env = { SHOP_PASSWORD = SECRETS.password } })
    wait.until_true("the request that is held", 30, function()
      return run:ended() or #server:requests "^/v1/hold" > 0
    end)
    for _, role in ipairs { "--engine", "--jail" } do
      local member = assert(process.member(run.pid, role), run:output())
      for _, what in ipairs { "cmdline", "environ", "maps" } do
        local text = files.read(("/proc/%d/%s"):format(member.pid, what))
        search(role .. " " .. what, text or "", list)
      end
    end
    for _, member in ipairs(process.session(run.pid)) do
      if member.command:find("etlhost run", 1, true) or member.command:find("--", 1, true) then
        limits[#limits + 1] = files.read(("/proc/%d/limits"):format(member.pid))
      end
    end
    files.write(flag, "")
    result = run:wait(60)
  end)
  teardown(function()
    server:stop()
    other:stop()
  end)

  it("sends them where they belong, whole", function()
    local one = assert(server:requests "^/v1/fail"[1], tostring(result))
    assert.equal("Bearer " .. SECRETS.bearer, one.headers.authorization)
    assert.matches("key=" .. urlencoded(SECRETS.query), one.target, 1, true)
    assert.matches("secret=" .. urlencoded(SECRETS.form), one.body, 1, true)
    assert.equal(base64("xx" .. SECRETS.bearer), one.headers["x-base64"])
    local login = server:requests "^/v1/login"[1]
    assert.equal("Basic " .. base64("me:" .. SECRETS.password), login.headers.authorization)
    local tokens = {}
    for _, request in ipairs(server:requests "^/v1/bearer") do
      tokens[request.headers.authorization or ""] = true
    end
    assert.is_true(tokens["Bearer " .. SECRETS.token], tostring(result))
  end)

  it("sends none of them to a host that the operator did not name, nor another's", function()
    for _, request in ipairs(other:requests()) do
      search("the other host", request.target .. table.concat(request.list[1] or {}), list)
      assert.is_nil(request.headers.authorization)
    end
    for _, request in ipairs(server:requests()) do
      search("a request", tostring(request.headers.a), { { "foreign", SECRETS.foreign } })
    end
    assert.matches("may not be sent to " .. other.url, result.out, 1, true)
    assert.matches("rival.key belongs to another source than shop", result.out, 1, true)
  end)

  it("loads what the script could see, which is handles and ***", function()
    assert.matches("^'{{secret:%x+:shop%.bearer}}'$", to:values("shop_steal", "kept", "id")[1])
    assert.matches("***", to:values("shop_echo", "echo", "id")[1], 1, true)
    assert.equal("'***'", to:values("shop_echo", "number", "id")[1])
    assert.matches("2 items", result.out, 1, true)
    assert.matches("item nil nil ***", result.out, 1, true)
    assert.matches("***", to:sql("select group_concat(raw) from " .. to:book "dead_rows"), 1, true)
    assert.equal("3", to:sql("select count(*) from " .. to:book "dead_rows"))
  end)

  it("names the request that failed, and what was said, masked", function()
    assert.not_equal(0, result.code)
    assert.matches('"class":"auth","message":"POST [^"]*/v1/fail%?key=%*%*%*: 401', result.out)
    assert.matches("wrong: ", result.out, 1, true)
    assert.matches("loud: {{secret:", result.out, 1, true)
  end)

  it("leaves nothing of them anywhere", function()
    search("standard output", result.out, list)
    search("standard error", result.err, list)
    leaks.search_folder(folder, list)
    search("the destination", files.read(to.path), list)
    for _, verb in ipairs { "runs", "dead", "state" } do
      local shown = host.etlhost({ verb, verb == "dead" and "list" or "show", "--destination",
        "sqlite:" .. to.path }, { cwd = folder })
      search("etlhost " .. verb, shown.out .. shown.err, list)
    end
    assert.is_true(#limits >= 3)
    for _, limit in ipairs(limits) do assert.matches("Max core file size%s+0%s+0", limit) end
  end)
end)
