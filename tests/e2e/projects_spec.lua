-- Which project of a client a row belongs to, by the rules of config/projects.yaml.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local ROWS = "id,campaign,shop\n1,BA-summer,x.de\n2,other,x.de\n3,,y.com\n4,BAsummer,\n5,Z,q\n"

local RULES = [[
version: 1
rules:
  - { field: campaign, pattern: "BA-*", project: brand a }
  - { field: shop, source: s3_exports, resource: orders,
      lookup_file: { file: config/shops.csv, key: shop, project: name } }
  - { field: id, lookup: { "5": five, "4": four } }
  - { client: somebody else, project: not here }
  - { resource: other, project: not here }
]]

local function project(rules)
  local folder = host.project { exports = { ["orders/1.csv"] = ROWS } }
  files.write(folder .. "/config/projects.yaml", rules)
  files.write(folder .. "/config/shops.csv",
    'note,shop,name\n"a, ""quoted"" one",x.de,shop x\nz,y.com,"shop ""y"""\n')
  return folder
end

local function has_project(to)
  for _, column in ipairs(to:columns "s3_exports_orders") do
    if column.name == "_project" then return column.type end
  end
end

for _, one in ipairs { target.list[1], target.list[3] } do
  describe("projects in " .. one.name, function()
    it("are given by the first rule that is for a row", function()
      local to = one.fresh()
      local folder = project(RULES)
      local result = host.run(folder, to)
      assert.equal(0, result.code, tostring(result))
      assert.equal("text", has_project(to))
      assert.same({ "'brand a'", "'shop x'", [['shop "y"']], "'four'", "'five'" },
        to:values("s3_exports_orders", "_project"))
    end)

    it("have no column where no rule is for the stream", function()
      local to = one.fresh()
      local folder = project "version: 1\nrules: [ { resource: other, project: x } ]\n"
      local result = host.run(folder, to)
      assert.equal(0, result.code, tostring(result))
      assert.is_nil(has_project(to))
    end)
  end)
end

describe("config/projects.yaml", function()
  it("has its mistakes found by check, each in its place", function()
    local folder = project [[
version: 1
rules:
  - { field: a, project: x }
  - { pattern: "b*", project: x }
  - { field: a, lookup: { a: b }, project: x }
  - { field: a, lookup_file: { file: config/shops.csv, key: shp, project: name } }
  - { field: a, lookup_file: { file: config/none.csv, key: shop, project: name } }
  - { feild: a, project: x }
]]
    local result = host.etlhost({ "check" }, { cwd = folder })
    assert.equal(host.exit.config, result.code, tostring(result))
    local text = result.out .. result.err
    for _, words in ipairs {
      "a field, and nothing that its value has to be", "projects.yaml:3:14",
      "pattern without a field", "this rule gives several projects",
      'config/shops.csv has no column "shp"', "expected one of note, shop, name",
      "config/none.csv: No such file", "projects.yaml:7:38",
      'there is no setting "feild" here',
    } do assert.matches(words, text, 1, true) end
    -- Rows would go to the wrong project: nothing runs.
    assert.equal(host.exit.config, host.run(folder, target.sqlite()).code)
  end)
end)

describe("project rewrite", function()
  local function configured(to, rules)
    local folder = project(rules)
    files.write(folder .. "/config/etlhost.yaml", ([[
version: 1
connections: { db: "%s" }
defaults: { destination: { connection: db } }
]]):format(to.url))
    return folder
  end
  local function run(folder)
    local result = host.etlhost({ "run", "pipelines/p.lua" }, { cwd = folder })
    assert.equal(0, result.code, tostring(result))
    return (result.out .. result.err):find("loaded by other rules", 1, true) ~= nil
  end
  local function rewrite(folder, ...)
    local result = host.etlhost({ "project", "rewrite", ... }, { cwd = folder })
    assert.equal(0, result.code, tostring(result))
    return result.out
  end

  it("brings loaded rows to the rules of now, by what a load would say", function()
    local to = target.postgres {}
    local folder = configured(to, "version: 1\nrules: [ { resource: other, project: x } ]\n")
    assert.is_false(run(folder))
    -- The first rules come when rows are loaded already.
    files.write(folder .. "/config/projects.yaml", RULES)
    assert.is_true(run(folder))
    assert.matches('"rows":5,"changed":5', rewrite(folder, "--dry-run", "--json"), 1, true)
    assert.is_nil(has_project(to))
    assert.matches('"changed":5', rewrite(folder, "--json"), 1, true)
    local expected = { "'brand a'", "'shop x'", [['shop "y"']], "'four'", "'five'" }
    assert.same(expected, to:values("s3_exports_orders", "_project"))
    assert.is_false(run(folder))
    assert.matches('"changed":0', rewrite(folder, "--json"), 1, true)
    -- Others' rows are left, and so are rows that stay as they are.
    to:sql [[insert into etl.s3_exports_orders (_client_id, _source, id, _row)
      values ('other', 's3_exports', 5, 6)]]
    files.write(folder .. "/config/projects.yaml", [[
version: 1
rules:
  - { field: campaign, pattern: "B_-*", project: no wildcard of SQL }
  - { field: campaign, pattern: "?A-*m?r", project: brand a }
  - { project: the rest }
]])
    assert.is_true(run(folder))
    assert.matches("4", rewrite(folder), 1, true)
    assert.same({ "'brand a'", "'the rest'", "'the rest'", "'the rest'", "'the rest'", "NULL" },
      to:values("s3_exports_orders", "_project"))
    assert.is_false(run(folder))
  end)

  it("is not to be had in SQLite, where a full refresh does it", function()
    local to = target.sqlite()
    local folder = configured(to, "version: 1\nrules: [ { project: x } ]\n")
    assert.is_false(run(folder))
    files.write(folder .. "/config/projects.yaml", "version: 1\nrules: [ { project: y } ]\n")
    assert.is_true(run(folder))
    local result = host.etlhost({ "project", "rewrite" }, { cwd = folder })
    assert.equal(host.exit.config, result.code)
    assert.matches("--full-refresh", result.out .. result.err, 1, true)
    local again = host.etlhost({ "run", "pipelines/p.lua", "--full-refresh" }, { cwd = folder })
    assert.equal(0, again.code, tostring(again))
    assert.equal("y|5", to:sql "select _project, count(*) from s3_exports_orders group by 1")
    assert.is_false(run(folder))
  end)
end)
