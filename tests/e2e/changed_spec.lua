-- A file that was loaded comes again with other content: its rows take the place of those it had,
-- and nobody else's rows move.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local OLD = "id,v\n1,a\n2,b\n3,c\n"
local NEW = "id,v\n2,b\n3,C\n4,d\n"

local function rows(to, name)
  return to:sql(("select id, v from %s order by id, v"):format(to:name(name or "t")))
end

local function many(first, last, word)
  local lines = { "id,v" }
  for i = first, last do lines[#lines + 1] = i .. "," .. word end
  return table.concat(lines, "\n") .. "\n"
end

for _, make in ipairs { target.list[1], target.list[3] } do
  describe("a file that changed, in " .. make.name, function()
    local to, folder, file

    local function load(more) return host.load(file, "t", to, { more = more }) end
    local function must(more)
      local result = load(more)
      assert.equal(0, result.code, tostring(result))
      return result
    end

    before_each(function()
      to, folder = make.fresh(), files.temp()
      file = folder .. "/a.csv"
      files.write(file, OLD)
      files.write(folder .. "/b.csv", "id,v\n9,other\n")
      host.must_load({ file, folder .. "/b.csv" }, "t", to)
    end)

    it("has its rows replaced, and the summary says how many", function()
      files.write(file, NEW)
      local result = must()
      assert.equal("2|b\n3|C\n4|d\n9|other", rows(to))
      assert.matches("replaced .*a.csv: its content changed: 3 rows went, 3 came", result.out)
      assert.matches("nothing new", must().out)
      files.write(file, OLD)
      must()
      assert.equal("1|a\n2|b\n3|c\n9|other", rows(to))
      assert.equal("0", to:sql("select count(*) from " .. to:book "units"
        .. " where generation <> 0"))
      local effects = to:sql("select effects from " .. to:book "loads"
        .. " order by load_id desc limit 1")
      assert.matches('"replaced": ?3', effects)
    end)

    it("is collected over many units, with columns and types that are new", function()
      files.write(file, many(1, 2000, "x") .. "2001,y\n")
      must { "--unit-bytes", "4096" }
      assert.equal(2002, to:count "t")
      local text = many(1, 1999, "12"):gsub("id,v", "id,v,w"):gsub("(%d)\n(%d)", "%1,1\n%2")
      files.write(file, text:gsub("12\n$", "12,1\n") .. "2000,13,late\n")
      must { "--unit-bytes", "4096" }
      assert.equal(2001, to:count "t")
      assert.equal("1999", to:sql("select count(*) from " .. to:name "t" .. " where w = '1'"))
      assert.equal("late", to:sql("select w from " .. to:name "t" .. " where id = 2000"))
      local left = to.kind == "postgres" and "pg_class where relname like 'stage%'"
        or "sqlite_master where name like '_etl_stage%'"
      assert.equal("0", to:sql("select count(*) from " .. left))
    end)

    it("keeps the rows of a content that has only a new name", function()
      os.rename(file, folder .. "/a.1.csv")
      files.write(file, NEW)
      local both = host.load({ folder .. "/a.1.csv", file }, "t", to)
      assert.equal(0, both.code, tostring(both))
      assert.equal("1|a\n2|b\n2|b\n3|C\n3|c\n4|d\n9|other", rows(to))
      files.write(file, "id,v\n5,e\n6,f\n")
      must()
      assert.equal("1|a\n2|b\n3|c\n5|e\n6|f\n9|other", rows(to))
    end)

    it("leaves the old rows where few would be left, unless that is meant", function()
      files.write(file, "id,v\n")
      local stopped = load()
      assert.equal(host.exit.data, stopped.code, tostring(stopped))
      assert.matches("would keep 1 of the 4 rows", stopped.err .. stopped.out)
      assert.matches("%-%-allow%-shrink", stopped.err .. stopped.out)
      assert.equal("1|a\n2|b\n3|c\n9|other", rows(to))
      must { "--allow-shrink" }
      assert.equal("9|other", rows(to))
    end)

    it("loads only what was added at its end, with tail", function()
      files.write(file, OLD .. "4,d\n5,e\n")
      local result = must { "--on-changed-file", "tail" }
      assert.equal("1|a\n2|b\n3|c\n4|d\n5|e\n9|other", rows(to))
      assert.equal("4\n5", to:sql("select _row from " .. to:name "t" .. " where id in (4, 5)"
        .. " order by 1"))
      assert.matches("nothing new", must({ "--on-changed-file", "tail" }).out)
      files.write(file, OLD .. "4,d\n5,e\n6,f\n")
      must { "--on-changed-file", "tail" }
      assert.equal("7", to:sql("select count(*) from " .. to:name "t"))
      assert.equal("0", result.code .. "")
    end)

    it("refuses a tail where the beginning is another, or its last line was cut", function()
      files.write(file, "id,v\n1,a\n2,B\n3,c\n4,d\n")
      local refused = load { "--on-changed-file", "tail" }
      assert.equal(host.exit.data, refused.code)
      assert.matches("does not begin with the lines that were loaded", refused.out)
      files.write(folder .. "/c.csv", "id,v\n7,g")
      host.must_load(folder .. "/c.csv", "t", to)
      files.write(folder .. "/c.csv", "id,v\n7,gg\n8,h\n")
      refused = host.load(folder .. "/c.csv", "t", to, { more = { "--on-changed-file", "tail" } })
      assert.equal(host.exit.data, refused.code)
      assert.equal("1|a\n2|b\n3|c\n7|g\n9|other", rows(to))
    end)

    it("sends the dead rows of the old content away", function()
      host.must_load(host.file("n.csv", "n\n1\n2\n3\n"), "d", to)
      local bad = folder .. "/n.csv"
      files.write(bad, "n\n4\n5,5\n6\n")
      host.must_load(bad, "d", to)
      files.write(bad, "n\n4\n5\n6\n")
      host.must_load(bad, "d", to)
      assert.equal("discarded|1", to:sql("select status, count(*) from " .. to:book "dead_rows"
        .. " group by status"))
      assert.equal(6, to:count "d")
    end)
  end)
end
