-- Dead rows sent again: each once, whatever happens meanwhile, and as the row it was.
local api = require "tests.support.api"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local target = require "tests.support.target"

local function config_for(to)
  return ("connections:\n  here: { url: %q }\ndefaults:\n  destination: { connection: here }\n")
    :format(to.url)
end

local function pipeline(resource)
  return 'return require "etl.pipeline" { s3_exports = { orders = ' .. resource .. " } }\n"
end

-- A project whose file was loaded with the first declaration; the second one is in place.
local function after(to, name, text, first, second)
  local project = host.project {
    exports = { ["orders/" .. name] = text }, config = config_for(to), pipeline = pipeline(first),
  }
  local run = host.etlhost({ "run", "pipelines/p.lua" }, { cwd = project })
  assert.equal(0, run.code, tostring(run))
  files.write(project .. "/pipelines/p.lua", pipeline(second))
  return project
end

local function retry(project, options)
  local with = { cwd = project }
  for name, value in pairs(options or {}) do with[name] = value end
  return host.etlhost({ "dead", "retry" }, with)
end

local function must_retry(project)
  local result = retry(project)
  assert.equal(0, result.code, tostring(result))
end

local function dead(to)
  return to:sql("select status, count(*) from " .. to:book "dead_rows" .. " group by status "
    .. "order by status")
end

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("dead rows sent again into " .. make.name, function()
    it("stand alone when a quote could swallow the next one", function()
      local to = make.fresh()
      -- Together the second and the third record would be a proper one.
      local project = after(to, "q.csv", 'id,v\n1,a\n2,"b" x\n3," c"\n4,\'d\n5,e\n',
        [[{ table = "t", max_dead = { rows = 10, ratio = 1 },
          row = function(row) if row.id ~= "1" and row.id ~= 1 then error "no" end end }]],
        [[{ table = "t", max_dead = { rows = 10, ratio = 1 } }]])
      assert.equal("dead|4", dead(to))
      must_retry(project)
      assert.same({ "'a'", "' c'", "'''d'", "'e'" }, to:values("t", "v", "id"))
      assert.equal("dead|1\nresolved|4", dead(to))
      assert.equal("3", to:sql("select line from " .. to:book "dead_rows"
        .. " where status = 'dead'"))
      must_retry(project) -- and again, to no end
      assert.equal(4, to:count "t")
      assert.equal("dead|1\nresolved|5", dead(to))
    end)

    it("are read with the quote that is declared", function()
      local to = make.fresh()
      local project = after(to, "q.csv", "'the id',v\n1,'a,b'\n2,'it''s'\n",
        [[{ table = "t", format = { quote = "'" }, columns = { v = "bigint" } }]],
        [[{ table = "t", format = { quote = "'" } }]])
      assert.equal("dead|2", dead(to))
      must_retry(project)
      assert.same({ "'a,b'", "'it''s'" }, to:values("t", "v__text", "the_id"))
      assert.equal("resolved|2", dead(to))
    end)

    it("were in an encoding that is declared since", function()
      local to = make.fresh()
      local project = after(to, "l.csv", "id,v\n1,\xe4\n2,x\n3,\x80\n",
        [[{ table = "t", max_dead = { rows = 10, ratio = 1 } }]],
        [[{ table = "t", format = { encoding = "windows-1252" } }]])
      assert.equal("dead|2", dead(to))
      must_retry(project)
      assert.same({ "'ä'", "'x'", "'€'" }, to:values("t", "v", "id"))
      assert.equal("resolved|2", dead(to))
    end)

    it("were UTF-16 once", function()
      local to = make.fresh()
      local function utf16(text) return (text:gsub(".", "%0\0")) end
      local project = after(to, "u.csv", "\xff\xfe" .. utf16 "id,v\r\n1,10\r\n2,n/a\r\n"
        .. "3\0,\0\xac\x20\x3d\xd8\x00\xde\r\0\n\0",
        [[{ table = "t", columns = { v = "bigint" } }]], [[{ table = "t" }]])
      assert.equal("dead|2", dead(to))
      must_retry(project)
      assert.equal("resolved|2", dead(to))
      assert.equal(3, to:count "t")
      assert.same({ "'n/a'", "'€😀'" }, { table.unpack(to:values("t", "v__text", "id"), 2) })
    end)

    it("resolve with the unit that has them, so that a kill in between repeats nothing", function()
      local lines = { "id,v" }
      for i = 1, 40 do lines[#lines + 1] = i .. (i % 2 == 0 and ",x" or ",y") end
      for times = 1, 3 do
        local to = make.fresh()
        local project = after(to, "k.csv", table.concat(lines, "\n") .. "\n",
          [[{ table = "t", columns = { v = "bigint" }, max_dead = { rows = 50, ratio = 1 } }]],
          -- Half of them die again: new dead rows of the same file.
          [[{ table = "t", max_dead = { rows = 50, ratio = 1 },
            row = function(row) if row.v == "x" then error "still" end end }]])
        assert.equal("dead|40", dead(to))
        local killed = retry(project, { program = host.faulty_program,
          env = { ETLHOST_FAULT = "commit.answered:" .. times } })
        -- The retry has one unit, so later ones are not reached.
        assert.equal(times == 1, killed.code ~= 0, tostring(killed))
        must_retry(project)
        local ids = {}
        for _, id in ipairs(to:values("t", "id", "id")) do
          assert.is_nil(ids[id], "twice: " .. id)
          ids[id] = true
        end
        assert.equal(20, to:count "t")
        assert.equal("20", to:sql("select count(distinct row_number) from " .. to:book "dead_rows"
          .. " where status = 'dead'"))
        assert.equal("20", to:sql("select count(*) from " .. to:book "dead_rows"
          .. " where status = 'dead'"))
      end
    end)

    it("can be one of several", function()
      local to = make.fresh()
      local project = after(to, "o.csv", "id,v\n1,x\n2,y\n3,z\n",
        [[{ table = "t", columns = { v = "bigint" } }]], [[{ table = "t" }]])
      local id = to:sql("select dead_id from " .. to:book "dead_rows" .. " where row_number = 2")
      local one = host.etlhost({ "dead", "retry", id }, { cwd = project })
      assert.equal(0, one.code, tostring(one))
      assert.equal("2", to:sql("select id from " .. to:name "t"))
      must_retry(project)
      local ids = to:sql("select id from " .. to:name "t" .. " order by id")
      assert.equal("1 2 3", (ids:gsub("\n", " ")))
      assert.equal("resolved|3", dead(to))
    end)
  end)
end

-- Each page of CSV has a header of its own, and another one than the page before; the third is
-- JSON.
local PAGES = [[
local pages = {
  'id,v\n1,10\n2,n/a\n"3","a ""b"", c"\n4,40\n',
  "v;id\r\n50;5\r\nn/a;6\r\n",
  '[{"id":7,"v":70},{"id":8,"v":"n/a"}]',
  "id\tv\n9\tn/a\n10\t100\n",
}
return function(r, c) c:reply(200, nil, pages[tonumber(r.query.page)]) end
]]

local function reading(stream)
  return ([[extract = function(ctx)
    for page = 1, 4 do
      local r = ctx:get("rows", { query = { page = page }, stream = %s })
      ctx:emit(r:rows { format = page == 3 and "json" or "csv" })
    end
  end]]):format(stream)
end

for _, make in ipairs { target.list[1], target.list[3] } do
  for _, stream in ipairs { "false", "true" } do
    describe("dead rows of a service's CSV, stream = " .. stream .. ", sent again into "
      .. make.name, function()
      local server
      setup(function() server = http.start(PAGES) end)
      teardown(function() server:stop() end)

      it("are read by the header of their page", function()
        local to = make.fresh()
        local folder = api.project(server, [[rows = { key = "id", columns = { v = "bigint" },
          max_dead = { rows = 10, ratio = 1 }, ]] .. reading(stream) .. " }",
          { config = config_for(to) })
        local run = host.etlhost({ "run", "pipelines/p.lua" }, { cwd = folder })
        assert.equal(0, run.code, tostring(run))
        assert.equal("dead|5", dead(to))
        local from = " from " .. to:name "shop_rows" .. " order by id"
        assert.equal("10 40 50 70 100", (to:sql("select v" .. from):gsub("\n", " ")))
        assert.equal('2,n/a\n"3","a ""b"", c"\nn/a;6\n{"id":8,"v":"n/a"}\n9\tn/a', to:sql(
          "select " .. (make == target.list[1] and "cast(raw as text)"
            or "convert_from(raw, 'UTF8')") .. " from " .. to:book "dead_rows"
            .. " order by dead_id"))
        -- What is mended loads; what is not dies again, and can be sent once more.
        local path = folder .. "/sources/shop.lua"
        files.write(path, (files.read(path):gsub("max_dead",
          'format = { nulls = { "n/a" } }, max_dead')))
        must_retry(folder)
        assert.equal("dead|2\nresolved|5", dead(to))
        assert.equal(8, to:count "shop_rows")
        files.write(path, (files.read(path):gsub('{ v = "bigint" }', "{}")))
        must_retry(folder)
        assert.equal("resolved|7", dead(to))
        assert.equal("1 2 3 4 5 6 7 8 9 10", (to:sql("select id" .. from):gsub("\n", " ")))
        assert.equal('a "b", c\nn/a', to:sql("select v__text from " .. to:name "shop_rows"
          .. " where v__text is not null order by id"))
      end)
    end)
  end
end
