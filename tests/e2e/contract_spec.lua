-- Contracts: what happens when data and table disagree, for all columns, for one, for a type, and
-- from wherever it is said: source, client, pipeline.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local FIRST = "id,n,note\n1,10,a\n"

local function pipeline(options)
  return 'return require "etl.pipeline" { s3_exports = { orders = { table = "t", ' .. options
    .. " } } }\n"
end

-- A table with id bigint, n bigint, note text, and then a second file loaded by this pipeline.
local function second(to, options, text)
  local folder = host.project { exports = { ["orders/1.csv"] = FIRST },
    pipeline = pipeline "max_dead = 0.9" }
  local first = host.run(folder, to)
  assert.equal(0, first.code, tostring(first))
  files.write(folder .. "/pipelines/p.lua", pipeline(options))
  files.write(folder .. "/exports/orders/2.csv", text)
  return host.run(folder, to)
end

local function names(to)
  local list = {}
  for _, column in ipairs(to:columns "t") do
    if column.name:sub(1, 1) ~= "_" then list[#list + 1] = column.name end
  end
  return table.concat(list, " ")
end

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("a contract in " .. make.name, function()
    it("may say another word for one column", function()
      local to = make.fresh()
      local result = second(to,
        'contract = { column = { n = "discard_row", x = "discard_value" } }',
        "id,n,x,y\n2,abc,1,1\n3,30,2,2\n")
      assert.equal(0, result.code, tostring(result))
      assert.equal("id n note y", names(to))
      assert.equal("1|10\n3|30", to:sql("select id, n from " .. to:name "t" .. " order by id"))
      assert.matches("1 value left out by the contract", result.out, 1, true)
      -- All of it frozen, but for one.
      to = make.fresh()
      result = second(to, 'contract = { columns = "freeze", types = "freeze", '
        .. 'column = { n = "evolve", x = "evolve" } }', "id,n,x\n2,abc,1\n")
      assert.equal(0, result.code, tostring(result))
      assert.equal("id n note x n__text", names(to))
    end)

    it("holds for variant columns, which are new columns too", function()
      local to = make.fresh()
      local result = second(to, 'contract = { columns = "freeze" }', "id,n\n2,20\n3,abc\n")
      assert.equal(host.exit.data, result.code, tostring(result))
      assert.matches("\"abc\" does not fit column n", result.out, 1, true)
      to = make.fresh()
      result = second(to, 'contract = { columns = "discard_row" }', "id,n\n2,20\n3,abc\n")
      assert.equal(0, result.code, tostring(result))
      assert.equal("id n note", names(to))
      assert.equal("type|n", to:sql("select code, column_name from " .. to:book "dead_rows"))
    end)

    it("widens no table that is larger than widen_max", function()
      for more, expected in pairs { [""] = "id n note", ["2,20,b\n"] = "id n note n__numeric" } do
        local to = make.fresh()
        local folder = host.project { config = "limits: { widen_max: 1 }\n", pipeline = pipeline "",
          exports = { ["orders/1.csv"] = FIRST .. more } }
        assert.equal(0, host.run(folder, to).code)
        files.write(folder .. "/exports/orders/2.csv", "id,n\n3,30\n4,40\n5,2.50\n")
        local result = host.run(folder, to)
        assert.equal(0, result.code, tostring(result))
        assert.equal(expected, names(to))
      end
    end)

    it("may say another word for values of one type", function()
      local to = make.fresh()
      local result = second(to, 'contract = { type = { text = "discard_value" } }',
        "id,n\n2,abc\n3,2.50\n")
      assert.equal(0, result.code, tostring(result))
      assert.equal("1|10\n2|-\n3|2.50",
        to:sql("select id, coalesce(cast(n as text), '-') from " .. to:name "t" .. " order by id"))
    end)
  end)
end

-- What is in _extra, in the order of the keys.
local function extra(to, id)
  local sql = to.kind == "sqlite" and "select _extra from t where id = " .. id
    or "select _extra from etl.t where id = " .. id
  return (to:sql(sql):gsub("[ ]", ""))
end

for _, make in ipairs { target.list[1], target.list[3] } do
  describe("extras in " .. make.name, function()
    it("are one json column, from which a client's file promotes columns", function()
      local to = make.fresh()
      local folder = host.project { pipeline = pipeline [[key = "id", extras = "json",
        columns = { n = "bigint" }]], exports = {
        ["orders/1.jsonl"] = '{"id":1,"n":10,"tag":"x","size":12.10,"deep":{"a":[1]},'
          .. '"big":12345678901234567890}\n'
          .. '{"id":2,"n":20}\n{"id":3,"tag":null}\n',
        ["orders/2.csv"] = "id,n,zip,empty\n4,40,007,\n" } }
      -- A preview shows what would load.
      local shown = host.etlhost({ "preview", "s3_exports.orders", "--client", "acme",
        "--pipeline", "pipelines/p.lua", "--format", "ndjson" },
        { cwd = folder })
      assert.equal(0, shown.code, tostring(shown))
      assert.matches('{"id":1,"n":10,"_extra":{"tag":"x","size":12.10,"deep":{"a":[1]},'
        .. '"big":12345678901234567890}}', shown.out, 1, true)
      assert.matches('{"id":4,"n":40,"_extra":{"zip":"007","empty":', shown.out, 1, true)
      local result = host.run(folder, to)
      assert.equal(0, result.code, tostring(result))
      assert.equal("id n", names(to))
      assert.equal(to.kind == "sqlite"
        and '{"tag":"x","size":12.10,"deep":{"a":[1]},"big":12345678901234567890}'
        or '{"big":12345678901234567890,"tag":"x","deep":{"a":[1]},"size":12.10}', extra(to, 1))
      assert.equal("", (extra(to, 2):gsub("\\N", "")))
      assert.matches('"zip":"007"', extra(to, 4), 1, true)
      local yaml = files.read(folder .. "/config/clients/acme.yaml")
      files.write(folder .. "/config/clients/acme.yaml",
        yaml .. "    resources: { orders: { columns: { zip: text } } }\n")
      files.write(folder .. "/exports/orders/3.csv", "id,zip,empty\n4,008,z\n5,009,\n")
      result = host.run(folder, to)
      assert.equal(0, result.code, tostring(result))
      assert.equal("id n zip", names(to))
      assert.equal("4|40|008\n5||009", (to:sql("select id, n, zip from " .. to:name "t"
        .. " where zip is not null order by id"):gsub("\\N", "")))
      assert.equal('{"empty":"z"}', extra(to, 4)) -- as a whole, like any column
    end)

    it("are what comes when a table is full, and the run says so", function()
      local to = make.fresh()
      local folder = host.project { pipeline = pipeline "", config = "limits: { max_columns: 9 }\n",
        exports = { ["orders/1.csv"] = "id,a,b,c,d,e\n1,2,3,4,5,6\n" } }
      local result = host.run(folder, to)
      assert.equal(0, result.code, tostring(result))
      assert.equal("id a b", names(to))
      assert.equal('{"c":"4","d":"5","e":"6"}', extra(to, 1))
      assert.matches("max_columns = 9 allows: \"c\"", result.out, 1, true)
    end)
  end)
end

describe("a contract", function()
  it("is said by source, client's file and pipeline, the nearer one first", function()
    local folder = host.project { exports = { ["1.csv"] = FIRST } }
    files.write(folder .. "/sources/mailbox.lua", [[
local source = require "etl.source"
local function load_all(ctx)
  for file in ctx:files { location = "file:exports" } do ctx:load(file) end
end
return source { name = "mailbox", config = { url = "url" }, contract = "freeze",
  max_dead = { ratio = 1, rows = 99 },
  resources = { a = { table = "t", extract = load_all }, b = { table = "u", extract = load_all },
    c = { extract = load_all } } }
]])
    local function client(more)
      files.write(folder .. "/config/clients/acme.yaml", "version: 1\nid: acme\nsources:\n"
        .. "  partner:\n    use: mailbox\n    url: file:exports\n    resources: { c: false }\n"
        .. more)
    end
    client ""
    local to = target.sqlite()
    local result = host.run(folder, to)
    assert.equal(host.exit.data, result.code, tostring(result)) -- tables are frozen
    client "    contract: { tables: evolve }\n"
    result = host.run(folder, to)
    assert.equal(0, result.code, tostring(result))
    assert.is_false(to:has_table "mailbox_c")
    files.write(folder .. "/exports/2.csv", "id,n,note,more\n2,20,b,c\n")
    result = host.run(folder, to)
    assert.matches("column \"more\" that table", result.out, 1, true)
    files.write(folder .. "/pipelines/p.lua", 'return require "etl.pipeline" { partner = { '
      .. 'a = { contract = { column = { more = "evolve" } } }, '
      .. 'b = { contract = "discard_value" } } }\n')
    result = host.run(folder, to)
    assert.equal(0, result.code, tostring(result))
    assert.equal("id n note more", names(to))
    assert.matches("1 value left out by the contract", result.out, 1, true)
  end)

  it("has its mistakes named by check, where they are", function()
    local folder = host.project {
      settings = "    prefixes: { orders: {} }\n    contract: { tabels: freeze }\n"
        .. "    resources: { ordrs: { contract: frieze } }\n",
      pipeline = pipeline 'contract = { column = { n = "ignore" }, type = { txt = "freeze" } }',
    }
    local check = host.etlhost({ "check" }, { cwd = folder })
    assert.equal(host.exit.config, check.code, tostring(check))
    for _, said in ipairs {
      'unknown option "tabels"; did you mean "tables"?', "config/clients/acme.yaml:8:17",
      'there is no resource "ordrs"; did you mean "orders"?', "config/clients/acme.yaml:9:18",
      'contract: column: n = "ignore": it must be one of evolve, freeze, discard_row, discard_',
      'contract: type: unknown option "txt"; did you mean "text"?',
    } do
      assert.matches(said, check.out, 1, true)
    end
  end)
end)
