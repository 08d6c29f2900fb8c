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
