-- Scripts that mean harm, each in a jail of its own beside honest clients of the same command: its
-- run ends with an error that has a name, or does no harm, and the honest ones do not notice. A
-- file, an environment variable and the secrets of the client are looked for in all that is left
-- behind.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

local fixtures = host.root .. "/tests/fixtures/hostile/"

-- vector: tests/fixtures/hostile/NAME.lua, and how it may end: "ok" (it was refused, or did no
-- harm; its own rows are in) or the class of the error. `says`: what the message must say. `at`:
-- where the chunk stands; default: in extract.
local vectors = {
  { "bytecode", { "ok" } },
  { "libraries", { "ok" } },
  { "reachable", { "ok", "script", "limit" } },
  { "string_metatable", { "ok" } },
  { "host_tables", { "ok" } },
  { "finalizers", { "ok" } },
  { "environment", { "ok" } },
  { "error_objects", { "script" } },
  { "error_text", { "script" } },
  { "error_nil", { "script" } },
  { "log_lines", { "ok" } },
  { "log_flood", { "limit", "script" } },
  { "memory_table", { "limit", "script" } },
  { "memory_text", { "limit" }, says = "memory: the script holds" },
  { "memory_c", { "limit" } },
  { "time_swallowed", { "limit" }, says = "timeout: " },
  { "time_coroutines", { "limit" } },
  { "time_pattern", { "limit" }, says = "without an answer" },
  { "time_lying", { "limit" } },
  { "time_in_row", { "limit" }, at = "row" },
  { "depth", { "script", "limit" } },
  -- What the interpreter itself gets wrong may end its process, and nothing else.
  { "close_chain", { "ok", "script", "limit" } },
  { "concat_stack", { "ok", "script", "limit" } },
  { "weak_newindex", { "ok", "script", "limit" } },
  { "old_bugs", { "ok", "script", "limit" } },
  { "erring_errors", { "ok", "script", "limit" } },
  { "yields", { "script" } },
  { "linear", { "ok", "limit" } },
  { "calls", { "limit" }, says = "asked more than 3000 times" },
  { "paths", { "denied" } },
  { "row_values", { "ok", "data" }, at = "row" },
  { "row_kept", { "ok", "data" }, at = "row" },
  { "row_columns", { "limit" }, at = "row" },
  { "row_names", { "ok", "script", "data", "config" }, at = "row" },
  { "row_waits", { "ok" }, at = "row" },
  { "declares", { "limit" }, says = "2000 resources", at = "file" },
  { "at_load", { "limit" }, at = "top" },
  { "bookkeeping", { "denied", "config" }, at = "file" },
}

local SOURCE = [[
local memory = {}
local function attack(ctx, row)
%s
end
%s
return require "etl.source" { name = "%s",
  config = { url = "url", canary = "string", token = "secret" },
  resources = { t = { table = "t", max_dead = { ratio = 1, rows = 100 }, %s
    extract = function(ctx)
      memory.ctx = ctx
      %s
      for file in ctx:files { location = ctx.settings.url } do ctx:load(file) end
    end } } }
]]

local function source(vector)
  local name, at = vector[1], vector.at or "extract"
  local chunk = assert(files.read(fixtures .. name .. ".lua"), name)
  if at == "file" then return chunk end
  return SOURCE:format(chunk, at == "top" and "attack()" or "", name,
    at == "row" and "row = function(row) attack(nil, row) end," or "",
    at == "extract" and "attack(ctx)" or "")
end

local CONFIG = [[
version: 1
connections: { warehouse: { url: { env: ETLHOST_TO }, max_connections: 32 } }
defaults: { destination: { connection: warehouse }, hash_key: { env: ETLHOST_HASH_KEY } }
lanes: 1
limits: { memory: 48MB, deadline: 1s, calls: 3000 }
]]
local CLIENT = 'version: 1\nid: "%s"\nsources: { one: { use: %s, url: "file:exports/%s"%s } }\n'
local HONEST, OWN = 20000, 10

local function rows(first, count)
  local lines = { "id,v" }
  for i = first, first + count - 1 do lines[#lines + 1] = i .. ",value " .. i end
  return table.concat(lines, "\n") .. "\n"
end

local function add_client(folder, id, use, more, count)
  files.write(("%s/config/clients/%s.yaml"):format(folder, id),
    CLIENT:format(id, use, id, more))
  files.write(("%s/exports/%s/%s1.csv"):format(folder, id, use == "s3_exports" and "o/" or ""),
    rows(1, count))
end

local function random() return process.must({ "openssl", "rand", "-hex", "12" }):match "%x+" end

describe("scripts that mean harm", function()
  local to, folder, result, ended = nil, nil, nil, {}
  local secrets = { canary = random(), variable = random(), password = random(),
    hash_key = random(), token = random() }

  setup(function()
    to, folder = target.postgres { lanes = 1 }, files.temp()
    files.write(folder .. "/config/etlhost.yaml", CONFIG)
    files.write(folder .. "/pipelines/p.lua", 'return require "etl.pipeline" {}\n')
    files.write(folder .. "/canary.txt", secrets.canary)
    files.write(folder .. "/secrets/token", secrets.token)
    for i = 1, 3 do
      add_client(folder, "honest" .. i, "s3_exports", ", prefixes: { o: { table: t } }", HONEST)
    end
    for _, vector in ipairs(vectors) do
      files.write(("%s/sources/%s.lua"):format(folder, vector[1]), source(vector))
      add_client(folder, vector[1], vector[1], (', canary: "%s/canary.txt", token: { file: %s }')
        :format(folder, "secrets/token"), OWN)
    end
    process.must { "ln", "-s", "../../canary.txt", folder .. "/exports/paths/link.csv" }
    result = host.etlhost({ "run", "pipelines/p.lua", "--parallel", "4", "--json" }, {
      cwd = folder, seconds = 110, env = { ETLHOST_CANARY = secrets.variable,
        ETLHOST_HASH_KEY = secrets.hash_key,
        ETLHOST_TO = to.url:gsub("//etl@", "//etl:" .. secrets.password .. "@"),
      } })
    for line in result.out:gmatch "[^\n]+" do
      local client = line:match '"client":"([%w_]+)"'
      if client and line:find('"event":"finished"', 1, true) then
        ended[client] = line:find('"ok":true', 1, true) and "ok" or line:match '"class":"(%w+)"'
        ended[client .. " said"] = line
      end
    end
  end)

  -- What people see: no control byte of a script's reaches the terminal.
  it("say nothing to the terminal but text", function()
    local shown = host.etlhost({ "run", "pipelines/p.lua", "--client", "error_text", "--client",
      "log_lines" }, { cwd = folder, env = { ETLHOST_TO = to.url, ETLHOST_HASH_KEY = "k" } })
    assert.equal(host.exit.script, shown.code, tostring(shown))
    assert.matches("owned", shown.out .. shown.err, 1, true)
    assert.is_nil((shown.out .. shown.err):find "[%z\1-\8\11-\31\127]")
  end)

  local function count(client)
    return tonumber(to:sql(("select count(*) from etl.t where _client_id = '%s'"):format(client)))
  end

  for _, vector in ipairs(vectors) do
    it("are contained: " .. vector[1], function()
      local name, how = vector[1], ended[vector[1]]
      local may = {}
      for _, class in ipairs(vector[2]) do may[class] = true end
      assert.is_true(may[how], ("%s: %s\n%s"):format(name, how,
        ended[name .. " said"] or result.err))
      local there = count(name)
      if how == "ok" then
        local dead = to:sql(("select count(*) from _etl.dead_rows where client_id = '%s'")
          :format(name))
        assert.equal(OWN, there + dead)
      else
        assert.is_true(there == 0 or there == OWN, there .. " rows")
        assert.matches('"message":"..', ended[name .. " said"])
        assert.matches(vector.says or "", ended[name .. " said"], 1, true)
      end
    end)
  end

  it("are not noticed by those beside them", function()
    for i = 1, 3 do
      assert.equal("ok", ended["honest" .. i], tostring(result.err))
      assert.equal(("%d|%d|%d"):format(HONEST, HONEST, HONEST * (HONEST + 1) // 2), to:sql(
        ("select count(*), count(distinct id), sum(id) from etl.t where _client_id = 'honest%d'"
          .. " and v = 'value ' || id"):format(i)))
    end
    assert.equal("0", to:sql "select count(*) from _etl.dead_rows where client_id like 'honest%'")
    assert.equal(0, #process.session(result.session), "a process is left")
  end)

  it("have touched nothing, and nothing that they must not see is anywhere", function()
    assert.equal(secrets.canary, files.read(folder .. "/canary.txt"))
    assert.equal(secrets.token, files.read(folder .. "/secrets/token"))
    files.remove(folder .. "/canary.txt")
    files.remove(folder .. "/secrets")
    local left = { output = result.out .. result.err, database = process.must {
      to.server.bin .. "/pg_dump", "-h", to.server.folder, "-p", to.server.port, "-U", "etl",
      to.database }, project = process.must { "sh", "-c", "find " .. folder
        .. " -type f -not -name '*.csv' -exec cat {} +" } }
    assert.matches("libraries", left.project, 1, true)
    for place, text in pairs(left) do
      for what, secret in pairs(secrets) do
        assert.is_nil(text:find(secret, 1, true), what .. " is in the " .. place)
        local plain64 = process.must { "sh", "-c", "printf %s " .. secret .. " | base64 -w0" }
        assert.is_nil(text:find(plain64:sub(1, 24), 1, true), what .. " is in the " .. place)
      end
    end
  end)
end)
