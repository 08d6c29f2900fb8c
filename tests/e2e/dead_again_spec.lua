-- Dead rows of what is read again: one that is open is kept once, under its number.
local api = require "tests.support.api"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local target = require "tests.support.target"

describe("a dead row that is read again", function()
  local server
  setup(function() server = http.start "return function(r, c) c:reply(404, nil, '') end" end)
  teardown(function() server:stop() end)

  local DAYS = 'since = "2026-03-01", ["until"] = "2026-03-03"'
  local folder
  -- of: the resource's words. rows: what each window has. windows: which ones.
  local function run(to, of, rows, windows)
    local made = api.project(server, ([[orders = { max_dead = 100, columns = { n = "bigint" }, %s,
      extract = function(ctx)
        for w in ctx:windows { span = "1d", %s } do ctx:emit { %s } end
      end }]]):format(of, windows or DAYS, rows))
    if folder then
      files.write(folder .. "/sources/shop.lua", files.read(made .. "/sources/shop.lua"))
    end
    folder = folder or made
    local result = host.run(folder, to)
    assert.is_true(result.code == 0 or result.code == host.exit.dead_rows, tostring(result))
    return result
  end
  before_each(function() folder = nil end)

  local function dead(to, status)
    return (to:sql(("select dead_id from %s where status = '%s' order by dead_id"):format(
      to:book "dead_rows", status or "dead")):gsub("\n", " "):gsub(" $", ""))
  end
  local function open(to) return select(2, dead(to):gsub("%d+", "")) end
  -- The loads that they are of.
  local function loads(to)
    return (to:sql("select distinct load_id from " .. to:book "dead_rows"
      .. " where status = 'dead' order by 1"):gsub("\n", " "):gsub(" $", ""))
  end

  for _, kind in ipairs { target.list[1], target.list[2] } do
    for _, write in ipairs { "merge", "insert_only", "history" } do
      it(("is kept once by %s, in %s"):format(write, kind.name), function()
        local to, of = kind.fresh(), ('key = "id", write = "%s"'):format(write)
        local bad = '{ id = w.first_day, n = "none" }, { id = w.first_day .. "b", n = 1 }'
        run(to, of, bad)
        assert.equal("1 2", dead(to))
        -- It is told of, and stays as it is.
        local result = run(to, of, bad)
        assert.matches("2 dead rows", result.out .. result.err, 1, true)
        assert.equal("1 2", dead(to))
        assert.equal("1", loads(to))
        assert.equal("", dead(to, "discarded"))
        -- Other bytes, and another reason, are another one.
        run(to, of, (bad:gsub("none", "no number")))
        assert.equal("1 2", dead(to):sub(1, 3))
        assert.equal(4, open(to))
        -- What somebody has settled comes again.
        to:sql(("update %s set status = 'discarded'"):format(to:book "dead_rows"))
        run(to, of, bad)
        assert.equal(2, open(to))
      end)
    end

    it("is kept as often as it came in one run, in " .. kind.name, function()
      local to, of = kind.fresh(), 'key = "id"'
      local one = '{ id = 1, n = "none" }, '
      for _, times in ipairs { 2, 2, 3, 1 } do
        run(to, of, one:rep(times) .. '{ id = 2, n = "none" }',
          'since = "2026-03-01", ["until"] = "2026-03-02"')
        assert.equal("1 2 3", dead(to):sub(1, 5))
      end
      assert.equal(4, open(to))
    end)

    it("is kept once by what was sent again and is still dead, in " .. kind.name, function()
      local to = kind.fresh()
      local bad = '{ id = w.first_day, n = "none" }'
      run(to, 'key = "id"', bad)
      local words = { "dead", "retry", to:arguments()[1], to:arguments()[2] }
      local retried = host.etlhost(words, { cwd = folder })
      assert.is_true(retried.code == 0 or retried.code == host.exit.dead_rows, tostring(retried))
      local ids = dead(to)
      assert.equal("1 2", dead(to, "resolved"))
      assert.equal(2, open(to))
      run(to, 'key = "id"', bad)
      assert.equal(ids, dead(to))
    end)

    it("counts as often as it is there without a key, in " .. kind.name, function()
      local to = kind.fresh()
      local one = '{ at = w.from, n = "none" }, '
      local rest = '{ at = w.from, n = 1 }'
      local restated = 'write = "restate", cursor = "at"'
      run(to, restated, one .. one .. rest)
      assert.equal("1 2 3 4", dead(to))
      run(to, restated, one .. one .. rest)
      assert.equal("1 2 3 4", dead(to))
      assert.equal("2", loads(to))
      run(to, restated, one .. one .. one .. rest)
      assert.equal(6, open(to))
      assert.equal("1 2 3 4", dead(to):sub(1, 7))
      run(to, restated, one .. one .. rest)
      assert.equal(6, open(to))
      -- The same bytes in two windows of one run are two.
      local same = '{ at = "2026-03-01T00:00:00Z", n = "no" }, '
      run(to, restated, same .. rest)
      assert.equal(8, open(to))
      run(to, restated, same .. rest)
      assert.equal(8, open(to))
    end)

    it("stays where the period does, in " .. kind.name, function()
      local to = kind.fresh()
      local restated = 'write = "restate", cursor = "at"'
      local rest = '{ at = w.from, n = 1 }, { at = w.from, n = 2 }, { at = w.from, n = 3 }'
      run(to, restated, '{ at = w.from, n = "none" }, ' .. rest)
      assert.equal("1 2", dead(to))
      -- Too few rows: the old ones stay, and so do the dead ones.
      run(to, restated, '{ at = w.from, n = "none" }')
      assert.equal("1 2", dead(to))
      assert.equal("1", loads(to))
    end)

    it("is another row where rows are appended, in " .. kind.name, function()
      local to = kind.fresh()
      run(to, 'write = "append"', '{ n = "none" }')
      assert.equal("1 2", dead(to))
      run(to, 'write = "append"', '{ n = "none" }')
      assert.equal(4, open(to))
    end)

    it("is kept once with its lists, in " .. kind.name, function()
      local to = kind.fresh()
      local of = 'key = "id", nested = "tables", contract = { types = "discard_row" }'
      run(to, of, '{ id = 1, n = 1, parts = { { q = 1 } } }')
      local bad = '{ id = w.first_day, n = 1, parts = { { q = 1 }, { q = "none" } } }'
      run(to, of, bad)
      assert.equal("1 2", dead(to))
      run(to, of, bad)
      assert.equal("1 2", dead(to))
    end)
  end
end)
