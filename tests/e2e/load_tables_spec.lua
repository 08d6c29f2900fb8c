-- `load` beyond one appended table: several tables in one call, and rows that are put by their key.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local function folder_with(content)
  local folder = files.temp()
  for name, text in pairs(content) do files.write(folder .. "/" .. name, text) end
  return folder
end

local function load(to, folder, ...)
  local arguments = { "load", ... }
  for _, one in ipairs(to:arguments()) do arguments[#arguments + 1] = one end
  return host.etlhost(arguments, { cwd = folder })
end

for _, make in ipairs { target.list[1], target.list[3] } do
  local name, fresh = make.name, make.fresh
  describe("load of several tables into " .. name, function()
    it("groups the files by what the pattern gives, and reports each table", function()
      local to = fresh()
      local folder = folder_with {
        ["shop/Orders.csv"] = "id\n1\n2\n", ["shop/old/orders.csv"] = "id\n3\n",
        ["shop/Big Customers.jsonl"] = '{"id":1}\n',
      }
      local words = { "shop/Orders.csv", "shop/Big Customers.jsonl", "shop/old/orders.csv",
        "--into", "{name}" }
      local result = load(to, folder, table.unpack(words))
      assert.equal(0, result.code, tostring(result))
      assert.matches("orders +3 +3", result.out)
      assert.matches("big_customers +1 +1", result.out)
      assert.equal(3, to:count "orders")
      assert.equal(1, to:count "big_customers")
      result = load(to, folder, table.unpack(words))
      assert.equal(0, result.code, tostring(result))
      assert.equal(3, to:count "orders")
      result = load(to, folder, "shop/Orders.csv", "shop/old/orders.csv", "--into",
        "raw_{folder}_{name}")
      assert.equal(0, result.code, tostring(result))
      assert.equal(2, to:count "raw_shop_orders")
      assert.equal(1, to:count "raw_old_orders")
    end)

    it("loads the others when one fails", function()
      local to = fresh()
      local folder = folder_with { ["a.json"] = '{"x": [', ["b.csv"] = "id\n1\n" }
      local result = load(to, folder, "a.json", "b.csv", "--into", "{name}")
      assert.equal(6, result.code, tostring(result))
      assert.matches("a +%d+ +0.* FAILED", result.out)
      assert.equal(1, to:count "b")
    end)

    it("refuses words and files that a pattern cannot do with, before anything is written",
      function()
        local to = fresh()
        local folder = folder_with { ["a.csv"] = "id\n1\n" }
        for pattern, says in pairs {
          ["{nam}"] = "it knows {name} and {folder}", ["{folder}"] = "a.csv has no folder",
          ["{folder}.{name}"] = "the schema of --into is a name",
        } do
          local result = load(to, folder, "a.csv", "--into", pattern)
          assert.equal(2, result.code, tostring(result))
          assert.matches(says, result.out .. result.err, 1, true)
        end
      end)
  end)
end

for _, make in ipairs { target.list[1], target.list[3] } do
  describe("load by key into " .. make.name, function()
    local to, folder
    before_each(function()
      to = make.fresh()
      folder = folder_with {
        ["1.csv"] = "shop,id,v,at,gone\n1,1,a,2026-01-02,false\n1,2,b,2026-01-02,false\n"
          .. "2,1,c,2026-01-02,false\n",
        ["2.csv"] = "shop,id,v,at,gone\n1,1,OLD,2026-01-01,false\n1,2,B,2026-01-03,false\n"
          .. "2,1,c,2026-01-04,true\n",
      }
    end)

    local function rows()
      return to:sql("select shop, id, v from " .. to:name "t" .. " order by 1, 2, 3")
    end

    it("merges by several columns: the cursor says what is newer, a flag deletes", function()
      local words = { "--into", "t", "--key", "shop, id", "--cursor", "at", "--hard-delete",
        "gone" }
      assert.equal(0, load(to, folder, "1.csv", table.unpack(words)).code)
      local result = load(to, folder, "2.csv", table.unpack(words))
      assert.equal(0, result.code, tostring(result))
      assert.equal("1|1|a\n1|2|B", rows())
    end)

    it("leaves known rows alone with insert_only, and adds all without a key", function()
      assert.equal(0, load(to, folder, "1.csv", "--into", "t", "--key", "shop,id").code)
      assert.equal(0, load(to, folder, "2.csv", "--into", "t", "--key", "shop,id", "--write",
        "insert_only").code)
      assert.equal("1|1|a\n1|2|b\n2|1|c", rows())
      assert.equal(0, load(to, folder, "1.csv", "2.csv", "--into", "u").code)
      assert.equal(6, to:count "u")
    end)

    it("keeps versions with history, and puts new rows in the place of all with replace", function()
      for _, file in ipairs { "1.csv", "2.csv" } do
        local result = load(to, folder, file, "--into", "t", "--key", "shop,id", "--write",
          "history")
        assert.equal(0, result.code, tostring(result))
      end
      assert.equal("1|1|OLD\n1|1|a\n1|2|B\n1|2|b\n2|1|c\n2|1|c", rows())
      for _, file in ipairs { "1.csv", "2.csv" } do
        local result = load(to, folder, file, "--into", "u", "--write", "replace")
        assert.equal(0, result.code, tostring(result))
      end
      assert.equal(3, to:count "u")
    end)

    it("answers what makes no sense, and the words of other tools", function()
      for _, case in ipairs {
        { { "--write", "merge" }, "--write merge needs --key" },
        { { "--key", "a,,b" }, "parted by commas" },
        { { "--write", "upsert" }, "--write is append, merge" },
        { { "--primary-key", "id" }, "the word here is --key" },
        { { "--write-disposition", "merge" }, "the word here is --write" },
      } do
        local result = load(to, folder, "1.csv", "--into", "t", table.unpack(case[1]))
        assert.equal(2, result.code, tostring(result))
        assert.matches(case[2], result.err, 1, true)
      end
    end)

    it("sends dead rows again by the key that is given again", function()
      files.write(folder .. "/3.csv", "a,b,v\n1,1,x\n2,1,y\n")
      files.write(folder .. "/4.csv", "a,b,v\n1,,z\n")
      for _, file in ipairs { "3.csv", "4.csv" } do -- the second has a key that is null
        assert.equal(0, load(to, folder, file, "--into", "t", "--key", "a,b").code)
      end
      local result = host.etlhost({ "dead", "retry", "--key", "a", "--destination", to.url },
        { cwd = folder })
      assert.equal(0, result.code, tostring(result))
      assert.equal("1|\\N|z\n2|1|y", to:sql("select a, b, v from " .. to:name "t" .. " order by 1"))
    end)
  end)
end
