-- Answers that are loaded while they come, and are none, are cut, or are something else.
local api = require "tests.support.api"
local host = require "tests.support.host"
local http = require "tests.support.http"
local streams = require "tests.support.streams"
local target = require "tests.support.target"

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
  local function said(result) return ((result.out .. result.err):gsub("%s+", " ")) end

  it("is an error where it is no answer: named, and with nothing loaded", function()
    for path, why in pairs {
      html = 'not JSON.* at GET %S+/v1/html hint: the answer begins: <html><body>Sorry',
      missing = 'has no "data".*the answer begins: {"error":"no such account"}',
      gone = '404 Not Found %(1 attempt.*{"error":"gone"}',
      lengths = "GET %S+/v1/lengths",
      bomb = "GET %S+/v1/bomb: zstd data expand to more than 1100 times",
    } do
      local to = target.sqlite()
      local result = run("orders = { " .. stream(path) .. "}", to)
      assert.not_equal(0, result.code, tostring(result))
      assert.matches(why, said(result))
      assert.is_false(to:has_table "shop_orders" and to:count "shop_orders" > 0)
    end
  end)

  it("is an error when it is cut, however, or wrong behind its rows", function()
    for how, why in pairs {
      cut = "transfer closed", reset = "GET %S+/v1/json",
      coding = "gzip data are damaged .* cut off before their end",
    } do
      local more = how == "coding" and ', coding = "gzip"' or ""
      local to = target.sqlite()
      local result = run(("orders = { %s }"):format(stream("json",
        query(('rows = 20000, how = "%s"%s'):format(how, more)))), to)
      assert.equal(host.exit.network, result.code, tostring(result))
      assert.matches(why, said(result))
      assert.matches("GET %S+/v1/json%?", said(result))
      assert.matches("FAILED", result.out, 1, true)
      assert.equal("0", to:sql "select count(last_success_at) from _etl_streams")
      -- Appended rows come with the end, and there is none.
      result = run(("log = { %s }"):format(stream("csv", query(
        ('rows = 20000, how = "%s"%s'):format(how, more))):gsub("^key = %S+", "")), to)
      assert.equal(host.exit.network, result.code, tostring(result))
      assert.is_false(to:has_table "shop_log" and to:count "shop_log" > 0)
    end
    local result = run("orders = { " .. stream "behind" .. "}")
    assert.equal(host.exit.network, result.code, tostring(result))
    assert.matches("not JSON: a word is none of true, false, null", said(result))
  end)

  it("is tried again until its head is there, and is waited for no longer than is said", function()
    assert.matches("1 tried again", must("orders = { " .. stream "busy" .. "}"))
    local result = run("orders = { " .. stream("silent", "deadline_ms = 300") .. "}")
    assert.equal(host.exit.network, result.code, tostring(result))
    assert.matches("GET %S+/v1/silent: the answer was not complete within %d+ ms", said(result))
    result = run("orders = { " .. stream("json", query "rows = 20000" .. ", max_bytes = 100000")
      .. "}")
    assert.equal(host.exit.limit, result.code, tostring(result))
    assert.matches("GET %S+/v1/json%S+ the answer is larger than the limit of 100000 bytes",
      said(result))
  end)

  it("has an end that is told, or that the source says is none", function()
    local function closing(format, more)
      return "orders = { " .. stream(format, query 'rows = 9, how = "close"'):gsub(
        'format = "csv"', '%0' .. (more or "")) .. "}"
    end
    local result = run(closing "csv")
    assert.equal(host.exit.network, result.code, tostring(result))
    assert.matches("does not say where the answer ends, so a cut one looks whole", said(result))
    assert.matches("ends_by_close = true", said(result), 1, true)
    must(closing("csv", ", ends_by_close = true"))
    must(closing "json")
    result = run((closing "csv":gsub("stream = true", "stream = false")))
    assert.matches("does not say where the answer ends", said(result))
  end)

  it("has the bytes of rows that the server refuses, also of those given back since", function()
    for format, rows in pairs { json = 30000, jsonl = 400000, csv = 30000 } do
      local to = target.postgres {}
      to:sql [[create schema etl; create table etl.shop_orders (id bigint unique
        check (id % 10000 <> 7), _client_id text, _source text, _load_id bigint,
        _loaded_at timestamptz)]]
      must("orders = { max_dead = { rows = 50, ratio = 1 }, drop = { \"name\", \"amount\" }, "
        .. stream(format, query("rows = " .. rows)) .. "}", to, { more = { "--unit-bytes",
          "100000" } })
      local refused = rows // 10000
      assert.equal(rows - refused, to:count "shop_orders")
      assert.equal("0", to:sql "select count(*) from _etl.dead_rows where raw::text ~ '0[ad]$'")
      local raw = to:sql "select convert_from(raw, 'UTF8') from _etl.dead_rows order by dead_id"
      local seen = {}
      for line in raw:gmatch "[^\n]+" do
        local n = tonumber(line:match "%d+")
        assert.equal(7, n % 10000)
        assert.equal(format == "csv" and ('%d,"name, %d",%d.50'):format(n, n, n)
          or ('{"id":%d,"name":"name, %d","amount":%d.50}'):format(n, n, n), line)
        if not seen[n] then refused = refused - 1 end
        seen[n] = true
      end
      assert.equal(0, refused, raw)
    end
  end)
end)
