-- cursor = { order = "ascending" }: what is verified, what is promoted, and what an answer in
-- another order does.
local api = require "tests.support.api"
local ascending = require "tests.support.ascending"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local process = require "tests.support.process"
local target = require "tests.support.target"

local MORE = { "--unit-bytes", "2048" }
local MERGED = 'key = "id", columns = { at = "timestamp" }'

describe("an ascending cursor", function()
  local server
  setup(function() server = http.start(ascending.scenario) end)
  teardown(function() server:stop() end)

  local function set(text) process.run { "curl", "-s", server.url .. "/set?" .. text } end
  before_each(function() set "reset=1" end)

  local function project(resource)
    return api.project(server, resource, { head = ascending.head })
  end
  local function change(folder, resource)
    files.write(folder .. "/sources/shop.lua", files.read(project(resource) .. "/sources/shop.lua"))
  end
  local function run(folder, to) return host.run(folder, to, { more = MORE }) end
  local function loaded(folder, to)
    local result = run(folder, to)
    assert.equal(0, result.code, tostring(result))
    return result
  end

  local function asked(n) return server:requests "^/v1"[n].target:gsub("%%3A", ":") end
  local function items(to) return to:name "shop_items" end

  for _, kind in ipairs { target.list[1], target.list[3] } do
    it("stays where verified rows had come to, in " .. kind.name, function()
      set "wrong=30"
      local to, folder = kind.fresh(), project(ascending.windows(MERGED))
      local result = run(folder, to)
      assert.equal(host.exit.network, result.code, tostring(result))
      local text = result.out .. result.err
      assert.matches('do not come in the order of at, as order = "ascending" says: row 6 has '
        .. '"2026-03-01T08:00:00.250Z", and row 5 of GET http', text, 1, true)
      assert.matches('had "2026-03-01T09:00:00.250Z"', text, 1, true)
      assert.matches("page=4[^,]*, row 6", text)
      assert.matches("take order out of the declaration", text, 1, true)
      -- What came before is in, and nothing behind it.
      assert.equal("29|29", to:sql("select count(*), max(id) from " .. items(to)))
      set "wrong=0"
      local before = #server:requests "^/v1"
      loaded(folder, to)
      assert.matches("from=2026-03-01T09:00:00Z", asked(before + 1), 1, true)
      assert.equal("48|48", to:sql("select count(*), count(distinct id) from " .. items(to)))
    end)

    it("goes on at a position in its very first window, too, in " .. kind.name, function()
      set "wrong=30"
      local to, folder = kind.fresh(), project(ascending.windows(MERGED, nil, true))
      assert.equal(host.exit.network, run(folder, to).code)
      set "wrong=0"
      local before = #server:requests "^/v1"
      loaded(folder, to)
      assert.matches("from=2026-03-01T00:00:00Z", asked(before + 1), 1, true)
      assert.matches("page=4", asked(before + 1), 1, true)
      assert.equal("48|48", to:sql("select count(*), count(distinct id) from " .. items(to)))
    end)

    it("compares instants, not their spellings, in " .. kind.name, function()
      set "spell=1"
      local to = kind.fresh()
      loaded(project(ascending.windows 'key = "id"'), to)
      assert.equal(48, to:count "shop_items")
    end)

    it("replaces the rows at its value, in " .. kind.name, function()
      local to = kind.fresh()
      set "hours=2"
      local folder = project(ascending.list 'write = "append"')
      loaded(folder, to)
      assert.equal("6|6", to:sql("select count(*), sum(v) from " .. items(to)))
      set "hours=3&more=1"
      loaded(folder, to)
      assert.equal("9|15", to:sql("select count(*), sum(v) from " .. items(to)))
      -- Nothing new: the rows at the value come again, and once.
      loaded(folder, to)
      assert.equal("9|15", to:sql("select count(*), sum(v) from " .. items(to)))
      -- A service that leaves them out loses none.
      set "hours=4&skip=1"
      loaded(folder, to)
      assert.equal("12|12", to:sql("select count(*), count(distinct id) from " .. items(to)))
    end)
  end

  it("goes on from the value, merged, without ctx:windows", function()
    local to, folder = target.sqlite(), project(ascending.list 'key = "id"')
    set "hours=2"
    loaded(folder, to)
    assert.equal('{"field": "at", "value": "2026-03-01T01:00:00.250Z"}',
      (to:sql "select cursor from _etl_streams":gsub('":"', '": "'):gsub('","', '", "')))
    set "hours=5"
    local before = #server:requests "^/v1"
    loaded(folder, to)
    assert.matches("from=2026-03-01T01:00:00.250Z", asked(before + 1), 1, true)
    assert.equal(15, to:count "shop_items")
    -- An answer without rows leaves it.
    change(folder, (ascending.list 'key = "id"':gsub("cursor and cursor.value",
      '"2026-04-01T00:00:00Z"')))
    loaded(folder, to)
    assert.matches("T04:00:00.250Z", to:sql "select cursor from _etl_streams", 1, true)
  end)

  it("counts numbers and digits as what they are", function()
    local resource = [[items = { cursor = { field = "n", order = "ascending" }, %s,
      extract = function(ctx)
        local cursor = ctx:state().cursor
        ctx:warn("from %%s", cursor and cursor.value)
        ctx:emit { %s }
      end }]]
    local to = target.sqlite()
    local folder = project(resource:format('key = "id"', "{ id = 1, n = 9 }, { id = 2, n = 10 }"))
    loaded(folder, to)
    change(folder, resource:format('key = "id"', "{ id = 2, n = 10 }, { id = 3, n = 100 }"))
    local result = loaded(folder, to)
    assert.matches("from 10", result.out .. result.err, 1, true)
    local text = target.sqlite()
    result = run(project(resource:format('key = "id"',
      '{ id = 1, n = "9" }, { id = 2, n = "10" }')), text)
    assert.matches('row 2 has "10", and row 1 of rows of the script had "9"',
      result.out .. result.err, 1, true)
    loaded(project(resource:format('key = "id", columns = { n = "numeric" }',
      '{ id = 1, n = "9.5" }, { id = 2, n = "10.25" }')), target.sqlite())
    result = run(project(resource:format('key = "id"', "{ id = 1, n = true }")), target.sqlite())
    assert.matches("n is boolean, which has none", result.out .. result.err, 1, true)
  end)

  it("takes NULL for the oldest", function()
    set "null=1"
    local to = target.sqlite()
    loaded(project(ascending.windows(MERGED)), to)
    assert.equal(48, to:count "shop_items")
    set "null=20"
    local result = run(project(ascending.windows(MERGED)), target.sqlite())
    assert.matches('row 4 has NULL, and row 3 of GET', result.out .. result.err, 1, true)
  end)

  it("passes over dead rows, and rows that a function drops", function()
    set "bad=20"
    local to = target.sqlite()
    loaded(project(ascending.windows('key = "id", columns = { n = "bigint" }')), to)
    assert.equal(47, to:count "shop_items")
    assert.equal("1", to:sql "select count(*) from _etl_dead_rows")
    set "bad=0&wrong=30"
    to = target.sqlite()
    loaded(project(ascending.windows(
      'key = "id", row = function(row) return row.id ~= 30 end')), to)
    assert.equal(47, to:count "shop_items")
    loaded(project(ascending.windows 'key = "id", discard = { id = 30 }'), target.sqlite())
  end)

  it("is no column that a function makes, and none that is missing", function()
    local result = run(project(ascending.windows(
      'key = "id", row = function(row) row.at = "2026-03-01T00:00:00Z" end')), target.sqlite())
    assert.equal(host.exit.config, result.code)
    assert.matches("the row function changes at, which is the cursor", result.out .. result.err, 1,
      true)
    result = run(project((ascending.windows('columns = { at = "timestamp" }')
      :gsub('field = "at"', 'field = "when"'))), target.sqlite())
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("have no column when", result.out .. result.err, 1, true)
    result = run(project(ascending.windows('key = "id", columns = { at = "text" }')),
      target.sqlite())
    assert.equal(host.exit.config, result.code)
    assert.matches("at is text, and a span of time needs instants", result.out .. result.err, 1,
      true)
  end)

  it("is checked where it is declared", function()
    local result = host.etlhost({ "check" }, { cwd = project(
      'a = { key = "id", cursor = { field = "at", order = "newest" }, extract = function() end },'
      .. 'b = { key = "id", hash = "at", cursor = { field = "at", order = "ascending" },'
      .. ' extract = function() end }') })
    assert.equal(host.exit.config, result.code)
    assert.matches("ascending", result.out, 1, true)
    assert.matches('needs the values of at, which `hash` takes away', result.out, 1, true)
  end)
end)
