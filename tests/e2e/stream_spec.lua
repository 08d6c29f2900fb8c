-- Answers of a service that are loaded while they come: ctx:get(url, { stream = true }).
local api = require "tests.support.api"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local process = require "tests.support.process"
local streams = require "tests.support.streams"
local target = require "tests.support.target"
local wait = require "tests.support.wait"

local stream, query = streams.resource, streams.query

describe("an answer that is loaded while it comes", function()
  local server
  setup(function() server = http.start(streams.scenario) end)
  teardown(function() server:stop() end)

  local function run(resources, to, options)
    return host.run(api.project(server, resources, options), to or target.sqlite(), options)
  end
  local function must(...)
    local result = run(...)
    assert.equal(0, result.code, tostring(result))
    return result.out .. result.err
  end
  local function release(name)
    process.must { "curl", "-s", server.url .. "/v1/release?name=" .. name }
  end
  local function said(result) return ((result.out .. result.err):gsub("%s+", " ")) end

  for _, fresh in ipairs { target.list[1], target.list[3] } do
    it("has the rows that it has as a whole, into " .. fresh.name, function()
      for format in pairs(streams.formats) do
        local all = format == "json" and { "", "gzip", "zstd", "br" } or { "", "gzip" }
        for _, coding in ipairs(all) do
          local to = fresh.fresh()
          local more = coding ~= "" and (', coding = "%s"'):format(coding) or ""
          must("orders = { " .. stream(format, query("rows = 20000" .. more)) .. "}", to,
            { more = { "--unit-bytes", "100000" } })
          assert.equal("20000|20000|200010000", to:sql(
            "select count(*), count(distinct name), sum(id) from " .. to:name "shop_orders"))
        end
      end
    end)

    it("is loaded before it is complete, and holds up nobody, into " .. fresh.name, function()
      local to, name = fresh.fresh(), "both" .. fresh.name:gsub("%A", "")
      local folder = api.project(server, "slow = { "
        .. stream("jsonl", query('rows = 40000, hold = "' .. name .. '"')) .. [[ },
        fast = { key = "id", extract = function(ctx)
          ctx:emit(ctx:get("held", { query = { name = "]] .. name .. [[" } }):rows "data.items")
          ctx:emit { { id = 2 }, { id = 3 } }
        end }]])
      local arguments = { "run", "pipelines/p.lua", "--unit-bytes", "100000" }
      for _, word in ipairs(to:arguments()) do arguments[#arguments + 1] = word end
      local going = host.spawn(arguments, { cwd = folder })
      -- All of the fast one, and the slow one's first rows; its window is not complete.
      wait.until_true("the rows of both", 50, function()
        return to:has_table "shop_fast" and to:count "shop_fast" == 3 and to:has_table "shop_slow"
          and to:count "shop_slow" > 0
      end)
      assert.is_false(going:ended())
      assert.is_true(to:count "shop_slow" < 40000)
      if fresh ~= target.list[1] then
        assert.equal("0", to:sql [[select count(*) from pg_stat_activity
          where pid <> pg_backend_pid() and xact_start is not null
            and datname = current_database()]])
      end
      release(name)
      local result = going:wait()
      assert.equal(0, result.code, tostring(result))
      assert.equal(40000, to:count "shop_slow")
    end)

    it("is read on from the last position when it was cut, into " .. fresh.name, function()
      local to = fresh.fresh()
      local folder = api.project(server, [[orders = { key = "id", extract = function(ctx)
        for window in ctx:windows { ["until"] = "2026-03-02" } do
          for page = window.position or 1, 3 do
            local r = ctx:get("page", { stream = true, query = { page = page } })
            if page == 2 then ctx:get("release", { query = { name = "cut" } }) end
            local ok, problem = pcall(ctx.emit, ctx, r:rows { format = "csv" },
              { position = page < 3 and page + 1 or nil })
            if not ok then ctx:log("caught %s", problem.class) end
          end
        end
      end }]])
      local result = host.run(folder, to, { more = { "--unit-bytes", "20000" } })
      assert.equal(host.exit.network, result.code, tostring(result))
      assert.matches("GET %S+/v1/page%?page=2: transfer closed with 49999 bytes remaining to "
        .. "read %(1 attempt, %d+ bytes, [%d.]+ s, not tried again: a part of it was used%)",
        said(result))
      assert.is_true(to:count "shop_orders" >= 10000)
      assert.equal("", (to:sql("select cursor from " .. to:book "streams"):gsub("\\N", "")))
      local asked = #server:requests "^/v1/page"
      release "pages"
      result = host.run(folder, to)
      assert.equal(0, result.code, tostring(result))
      assert.equal("30000|30000", to:sql("select count(*), count(distinct id) from "
        .. to:name "shop_orders"))
      assert.matches("page=2$", server:requests "^/v1/page"[asked + 1].target)
      process.must { "curl", "-s", server.url .. "/v1/forget" }
    end)
  end

  it("can be looked at as long as it is all there", function()
    local out = must("orders = { " .. stream("json", query "rows = 500", [[
      if r.bytes then error "it is not known" end
      ctx:log("before %s %s", r:value "next", r:kind "data.items")
      for item in r:each "data.items" do ctx:log("first %s", item.name) break end
    ]], [[
      ctx:log("behind %s %s", r:value "meta.n", r:text(8))
      ctx:emit(r:rows "meta.data")
    ]]) .. "}", nil, { more = { "--json" } })
    for _, text in ipairs { "before token list", "first name, 1", [[behind 1 {\"meta\":]],
      '"rows_loaded":501' } do
      assert.matches(text, out, 1, true)
    end
    -- 40 MB, of which the spool keeps the last ones only.
    local result = run("orders = { " .. stream("jsonl", query "rows = 900000",
      nil, [[ctx:log("%s", r:value "id")]]):gsub("extract", 'drop = { "name", "amount" }, %0')
      .. "}")
    assert.equal(host.exit.script, result.code, tostring(result))
    assert.matches("GET %S+/v1/jsonl%S+ its bytes are gone: the rows of a stream are read once",
      said(result))
    result = run("orders = { " .. stream("json", 'capture = { x = "next" }') .. "}")
    assert.matches("capture needs the whole answer", said(result))
  end)

  it("is fetched ahead, shown in a preview, and let go of", function()
    local to = target.sqlite()
    must([[orders = { key = "id", extract = function(ctx)
      local coming = ctx:prefetch { url = "csv", stream = true, query = { rows = 20000 } }
      local other = ctx:get("json", { stream = true, query = { rows = 100000 } })
      ctx:emit(coming:wait():rows { format = "csv" })
      other:release()
    end }]], to)
    assert.equal(20000, to:count "shop_orders")
    local folder = api.project(server, "orders = { " .. stream("json", query(
      'rows = 900000')) .. "}")
    local result = host.etlhost({ "preview", "shop.orders", "--client", "acme", "--format", "csv" },
      { cwd = folder })
    assert.equal(0, result.code, tostring(result))
    assert.matches('3,"name, 3",3.50', result.out, 1, true)
  end)

  it("belongs to its resource, whoever has got hold of it", function()
    local result = run([[
      a = { key = "id", extract = function(ctx)
        shared.ctx = ctx
        ctx:emit(ctx:get("jsonl", { stream = true, query = { rows = 30000, hold = "own" } })
          :rows { format = "jsonl" })
      end },
      b = { key = "id", extract = function(ctx)
        ctx:emit(ctx:get("held", { query = { name = "own" } }):rows "data.items")
        local ok, problem = pcall(shared.ctx.emit, shared.ctx, { { id = 5 } })
        ctx:get("release", { query = { name = "own" } })
        if ok then error "it was let in" end
      end }]], nil, { head = "local shared = {}" })
    assert.equal(host.exit.script, result.code, tostring(result))
    assert.matches("a error: rows of an answer are being loaded into shop.a", said(result))
    assert.matches("shop_b", result.out, 1, true)
  end)

  it("shows how far it has come, in progress and in runs show", function()
    local folder = api.project(server, "orders = { " .. stream("csv", query "rows = 100000") .. "}")
    local to = target.sqlite()
    local result = host.run(folder, to, { more = { "--json" } })
    local bytes = 0
    local pattern = '"progress"[^\n]*"file":"GET [^"]+/v1/csv[^"]*","bytes":(%d+)'
    for so_far in result.out:gmatch(pattern) do
      assert.is_true(tonumber(so_far) >= bytes)
      bytes = tonumber(so_far)
    end
    assert.is_true(bytes > 0, result.out)
    folder = api.project(server, "orders = { " .. stream("csv",
      query 'rows = 100000, hold = "shown"') .. "}")
    local going = host.spawn({ "run", "pipelines/p.lua", table.unpack(to:arguments()) },
      { cwd = folder })
    wait.until_true("the progress in runs show", 50, function()
      local shown = host.etlhost({ "runs", "show" }, { cwd = folder })
      return shown.out:match "reading +GET http://[%d.:]+/v1/csv%S+: %d[%d.]* [KM]B, "
    end)
    release "shown"
    assert.equal(0, going:wait().code)
  end)

  -- 400 MB, of which neither memory nor the spool may ever hold more than its share. The end is
  -- held back, so that both can be looked at.
  it("takes as little memory and disk as a small one", function()
    local to = target.sqlite()
    local folder = api.project(server, [[orders = { key = "id", drop = { "pad" },
      extract = function(ctx)
        ctx:emit(ctx:get("large", { stream = true }):rows "data")
      end }]])
    local going = host.spawn({ "run", "pipelines/p.lua", table.unpack(to:arguments()) },
      { cwd = folder })
    wait.until_true("most rows", 55, function()
      return going:ended() or to:has_table "shop_orders" and to:count "shop_orders" > 2500
    end)
    local engine
    for _, one in ipairs(process.session(going.pid)) do
      if one.command:match "%-%-engine" then engine = one.pid end
    end
    local peak = files.read(("/proc/%d/status"):format(engine)):match "VmHWM:%s+(%d+) kB"
    local disk = process.run { "sh", "-c", ("stat -L -c '%%b %%n' /proc/%d/fd/* 2>/dev/null; "
      .. "ls -l /proc/%d/fd"):format(engine, engine) }.out
    local number = disk:match "(%d+) %-> [^\n]*/%.etlhost/spool/"
    assert.is_not_nil(number, disk)
    local blocks = tonumber(disk:match("(%d+) /proc/%d+/fd/" .. number .. "\n"))
    -- A sanitizer keeps what was freed.
    local sanitized = host.program:match "/asan/" ~= nil
    assert.is_true(sanitized or tonumber(peak) < 96 * 1024, peak .. " kB")
    assert.is_true(blocks * 512 < 160 * 1024 * 1024, blocks .. " blocks")
    release "large"
    local result = going:wait()
    assert.equal(0, result.code, tostring(result))
    assert.equal("4001|8006001", to:sql "select count(*), sum(id) from shop_orders")
  end)
end)
