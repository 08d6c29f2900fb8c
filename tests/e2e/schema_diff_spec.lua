-- `etlhost schema diff`: what runs changed in the tables, and what one would change.
local cjson = require "cjson"
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("schema diff with " .. make.name, function()
    local project, to
    local etlhost, ok = host.inside(function() return project end)
    local function changes(...)
      local list = {}
      for _, line in ipairs(files.lines(ok("schema", "diff", "--json", ...))) do
        local c = cjson.decode(line)
        list[#list + 1] = ("%s %s %s %s %s"):format(c.state, c.change, c.table,
          c.column or ("%d"):format(c.columns), c.to or "-")
      end
      return table.concat(list, "\n")
    end

    before_each(function()
      to = make.fresh()
      project = host.project {
        config = host.connected(to),
        exports = { ["orders/1.csv"] = "id,n\n1,5\n" },
        pipeline = 'return require "etl.pipeline" { s3_exports = { orders = { table = "t" } } }\n',
      }
    end)

    it("says what a run would make, then what it made", function()
      assert.equal("", changes())
      local planned = changes "pipelines/p.lua"
      assert.matches("^planned create table t %d+ %-$", planned)
      assert.is_false(to:has_table "t")
      ok("run", "pipelines/p.lua")
      assert.equal((planned:gsub("planned", "made")), changes())
      assert.equal((planned:gsub("planned", "made")), changes "pipelines/p.lua")
      files.write(project .. "/exports/orders/2.csv", "id,n,coupon\n2,x,SALE\n")
      local more = changes("pipelines/p.lua", "--limit", "0")
      assert.matches("planned add column t coupon text", more, 1, true)
      assert.matches("planned add column t n__text text", more, 1, true)
      assert.equal(1, to:count "t")
      local shown = ok("schema", "diff", "pipelines/p.lua")
      assert.matches("acme +t +new column +coupon text +.*orders/2.csv", shown)
      ok("run", "pipelines/p.lua")
      assert.matches("made add column t coupon text", changes(), 1, true)
      assert.matches("what runs changed\n  nothing", ok("schema", "diff", "--since", "2999-01-01"))
      assert.equal("", changes("--client", "acme", "--since", "2999-01-01"))
    end)

    it("fails as the run would, and refuses what it does not understand", function()
      ok("run", "pipelines/p.lua")
      files.write(project .. "/exports/orders/2.csv", "id,n,w\n2,1,x\n")
      files.write(project .. "/pipelines/f.lua", 'return require "etl.pipeline" { s3_exports = { '
        .. 'orders = { table = "t", contract = "freeze" } } }\n')
      local result = etlhost("schema", "diff", "pipelines/f.lua")
      assert.equal(host.exit.data, result.code, tostring(result))
      assert.equal(host.exit.config, etlhost("schema", "diff", "--since", "yesterday").code)
      assert.equal(host.exit.config, etlhost("schema", "diff", "pipelines/no.lua").code)
      assert.equal(host.exit.config, etlhost("schema", "dif").code)
    end)
  end)
end
