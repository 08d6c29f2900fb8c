-- Scripts that mean harm and have a service to talk to: they try to send their secret elsewhere, to
-- read it, to reach addresses inside, to exhaust the engine. Each is a client of its own beside an
-- honest one. Of three servers one is the source's; the second is open for this machine, but not
-- the source's; the third nobody has opened. Those two must never see a connection.
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local leaks = require "tests.support.leaks"
local process = require "tests.support.process"
local target = require "tests.support.target"

-- What comes in comes out: as headers, as JSON, as a text that the request names.
local SCENARIO = [[
local json = require "cjson"
local paths = {
  ["/v1/rows"] = function(_, c) c:reply(200, nil, '{"data":[{"id":1},{"id":2}]}') end,
  ["/v1/echo"] = function(r, c)
    local all = { query = r.query, body = r.body, headers = r.headers, raw = r.raw_query }
    c:reply(200, { ["X-Echo"] = r.headers["x-key"] or "none" }, json.encode { data = { all } })
  end,
  ["/v1/text"] = function(r, c) c:reply(200, nil, r.headers["x-text"] or "") end,
  ["/v1/value"] = function(r, c)
    c:reply(200, nil, json.encode { value = r.headers["x-text"], n = { r.headers["x-text"] } })
  end,
  ["/v1/fail"] = function(r, c)
    c:reply(400, nil, "no: " .. r.raw_query .. json.encode(r.headers))
  end,
  ["/v1/away"] = function(r, c) c:reply(302, { Location = r.query.to .. "?k=" ..
    (r.headers["x-key"] or "") }) end,
  ["/v1/stall"] = function(_, c) c:stall() end,
  ["/v1/big"] = function(_, c) c:reply(200, nil, ("x"):rep(300000)) end,
}
return function(r, c)
  local path = paths[r.path]
  if path then return path(r, c) end
  c:reply(404, nil, "there is no " .. r.target)
end
]]

-- Before each chunk: what it has. `try` does what may be refused.
local HEAD = [[
local kept = {}
local function try(f, ...)
  local result = table.pack(pcall(f, ...))
  return table.unpack(result, 1, result.n)
end
local function refused(what, f, ...)
  local ok, problem = pcall(f, ...)
  if ok then error("NOT REFUSED: " .. what, 0) end
  return tostring(problem)
end
]]

local vectors = dofile(host.root .. "/tests/fixtures/hostile_services.lua")

local SOURCE = [[
%s
local function dump(v)
  if type(v) ~= "table" then return tostring(v) end
  local parts = {}
  for key, value in pairs(v) do parts[#parts + 1] = tostring(key) .. "=" .. dump(value) end
  return "{" .. table.concat(parts, ",") .. "}"
end
local function attack(ctx, s)
%s
end
return require "etl.source" { name = "%s",
  config = { base_url = "url", open = "string", shut = "string", database = "string",
    half = "string", key = "secret" },
  hosts = { %s },
  resources = { t = { table = "t", key = "id", columns = { id = "bigint" },
    extract = function(ctx)
      attack(ctx, ctx.settings)
      ctx:emit(ctx:get "rows":rows "data")
    end } } }
]]

local CLIENT = [[
version: 1
id: %s
start: 2026-03-01
sources:
  %s:
    base_url: "%s/v1"
    open: "%s"
    shut: "%s"
    database: "%s"
    half: "%s"
    key: { file: secrets/key }
    hosts: ["*"]
  rival: { use: %s, base_url: "%s/v1", open: x, shut: x, database: x, half: x,
    key: { file: secrets/rival }, resources: [] }
]]

local KEY, RIVAL = "half0f-Sesame/0001+x", "rival-Sesame-0002/zz"

describe("scripts that mean harm, with a service", function()
  local svc, open, shut, folder, to, result
  local ended = {}

  local function hosts_of(vector)
    if vector[1] == "destination" then return '"{base_url}", "https://{database}"' end
    return vector.hosts and '"{base_url}", "*"' or '"{base_url}"'
  end

  setup(function()
    svc = http.start(SCENARIO)
    open = http.start "return function(_, c) c:reply(200, nil, '{}') end"
    shut = http.start "return function(_, c) c:reply(200, nil, '{}') end"
    to, folder = target.postgres { lanes = 1 }, files.temp()
    local database = "127.0.0.1:" .. to.server.port
    files.write(folder .. "/config/etlhost.yaml", ([[
version: 1
connections: { warehouse: { url: { env: ETLHOST_TO }, max_connections: 32 } }
defaults: { destination: { connection: warehouse } }
lanes: 1
network: { allow_private: ["%s", "%s", "%s"] }
limits: { memory: 48MB, deadline: 2s, calls: 1500 }
]]):format(svc.address, open.address, database))
    files.write(folder .. "/secrets/key", KEY .. "\n")
    files.write(folder .. "/secrets/rival", RIVAL .. "\n")
    files.write(folder .. "/pipelines/p.lua", 'return require "etl.pipeline" {}\n')
    local all = { { "honest", "for i = 1, 20 do ctx:get 'rows' end", { "ok" } } }
    for _, vector in ipairs(vectors) do all[#all + 1] = vector end
    for _, vector in ipairs(all) do
      local name = vector[1]
      files.write(("%s/sources/%s.lua"):format(folder, name),
        SOURCE:format(HEAD, vector[2], name, hosts_of(vector)))
      files.write(("%s/config/clients/%s.yaml"):format(folder, name), CLIENT:format(name, name,
        svc.url, open.address, shut.address, database, KEY:sub(1, 6), name, svc.url))
    end
    result = host.etlhost({ "run", "pipelines/p.lua", "--parallel", "4", "--json" },
      { cwd = folder, seconds = 110, env = { ETLHOST_TO = to.url } })
    for line in result.out:gmatch "[^\n]+" do
      local client = line:match '"client":"([%w_]+)"'
      if client and line:find('"event":"finished"', 1, true) then
        ended[client] = line:find('"ok":true', 1, true) and "ok" or line:match '"class":"([%w_]+)"'
        ended[client .. " said"] = line
      end
    end
  end)
  teardown(function()
    for _, server in ipairs { svc, open, shut } do server:stop() end
  end)

  for _, vector in ipairs(vectors) do
    it("are contained: " .. vector[1], function()
      local name, may = vector[1], {}
      for _, class in ipairs(vector[3]) do may[class] = true end
      local said = ended[name .. " said"] or tostring(result)
      assert.is_true(may[ended[name]], ("%s: %s\n%s"):format(name, ended[name], said))
      assert.matches(vector.says or "", said, 1, true)
      local there = to:sql(("select count(*) from etl.t where _client_id = '%s'"):format(name))
      local least = ended[name] == "ok" and 2 or 0
      assert.is_true(tonumber(there) == least or vector.rows and there + 0 <= 3, there .. " rows")
    end)
  end

  it("are not noticed by the one beside them", function()
    assert.equal("ok", ended.honest, tostring(result.err))
    assert.equal("2", to:sql "select count(*) from etl.t where _client_id = 'honest'")
    assert.equal(0, #process.session(result.session), "a process is left")
  end)

  it("reach nobody but their service", function()
    assert.equal(0, #open:events "connect")
    assert.equal(0, #shut:events "connect")
    for _, request in ipairs(svc:requests()) do
      assert.is_nil((request.target .. tostring(request.headers.a)):find(RIVAL, 1, true))
      assert.equal(svc.address, request.headers.host)
    end
  end)

  it("find out no secret", function()
    local list = leaks.forms { key = KEY, rival = RIVAL }
    -- What follows the half that the script was told.
    list[#list + 1] = { "the rest of the key", KEY:sub(7, 16) }
    leaks.search("the output", result.out .. result.err, list)
    leaks.search("the database", process.must { to.server.bin .. "/pg_dump", "-h",
      to.server.folder, "-p", to.server.port, "-U", "etl", to.database }, list)
    leaks.search_folder(folder, list)
    assert.is_nil(result.out:find("NOT REFUSED", 1, true), result.out:match "NOT REFUSED[^\n]*")
    assert.is_nil(result.out:find("NOT A HANDLE", 1, true))
  end)
end)
