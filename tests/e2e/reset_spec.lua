-- `state reset` prints a statement that deletes the rows of what it forgets. Whoever runs both and
-- loads again must have the rows of before: none missing, none twice.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local function statement_of(result, to)
  local text = result.out:match "\n  (sqlite3 [^\n]+)"
    or result.out:match "\n  (delete from [^\n]+)"
  assert(text, tostring(result))
  if to.kind == "postgres" then return text end
  return (text:match '^sqlite3 %S+ "(.*)"$':gsub('\\"', '"'))
end

-- Prints, deletes, forgets and loads again, as a person would.
local function redo(to, again, ...)
  local words = { "state", "reset", ... }
  for _, word in ipairs { "--destination", to.url } do words[#words + 1] = word end
  local asked = host.etlhost(words)
  assert.equal(host.exit.config, asked.code, tostring(asked))
  to:sql(statement_of(asked, to))
  words[#words + 1] = "--yes"
  local done = host.etlhost(words)
  assert.equal(0, done.code, tostring(done))
  again()
end

local function rows(to)
  return to:sql("select v, count(*) from " .. to:name "t" .. " group by v order by v")
end

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("what state reset prints for " .. make.name, function()
    local to, folder
    local function load() host.must_load({ folder .. "/a.csv", folder .. "/b.csv" }, "t", to) end

    before_each(function()
      to, folder = make.fresh(), files.temp()
      files.write(folder .. "/a.csv", "v\na1\na2\n")
      files.write(folder .. "/b.csv", "v\nb1\n")
      host.must_load(folder .. "/a.csv", "t", to)
      -- Times are compared to the second: the first load is an hour old.
      local at = to.kind == "postgres" and "committed_at - interval '1 hour'"
        or "strftime('%Y-%m-%dT%H:%M:%fZ', committed_at, '-1 hour')"
      to:sql(("update %s set committed_at = %s"):format(to:book "units", at))
      host.must_load(folder .. "/b.csv", "t", to)
    end)

    it("deletes the rows of a whole stream", function()
      local before = rows(to)
      redo(to, load, "t")
      assert.equal(before, rows(to))
    end)

    it("deletes the rows of one file only", function()
      local before = rows(to)
      redo(to, load, "t", "--file", folder .. "/a.csv")
      assert.equal(before, rows(to))
    end)

    -- Deletes with --delete-rows, and says so; gives what it printed.
    local function delete(...)
      local words = { "state", "reset", "t", "--delete-rows", "--yes", "--destination", to.url }
      for _, word in ipairs { ... } do words[#words + 1] = word end
      local done = host.etlhost(words)
      assert.equal(0, done.code, tostring(done))
      return done.out
    end

    it("goes with --delete-rows: a file, what is new, a stream, nobody else's rows", function()
      local before = rows(to)
      to:sql(("insert into %s (v, _load_id, _file) values ('x', 900, '%s/a.csv')")
        :format(to:name "t", folder))
      assert.matches("1 file forgotten, 2 rows deleted", delete("--file", folder .. "/a.csv"))
      assert.equal("b1|1\nx|1", rows(to))
      host.must_load(folder .. "/a.csv", "t", to)
      to:sql(("update %s set committed_at = '2026-01-01T00:00:00Z' "
        .. "where load_id = (select max(load_id) from %s)")
        :format(to:book "units", to:book "units"))
      files.write(folder .. "/c.csv", "v\nc1\n1,2\n")
      host.must_load(folder .. "/c.csv", "t", to)
      assert.matches("2 files forgotten, 2 rows deleted", delete("--from",
        os.date("!%Y-%m-%dT%H:%M:%S", os.time() - 1800)))
      assert.equal("a1|1\na2|1\nx|1", rows(to))
      load()
      assert.equal("discarded|1", to:sql("select status, count(*) from " .. to:book "dead_rows"
        .. " group by status"))
      assert.matches("2 files forgotten, 3 rows deleted", delete())
      assert.equal("x|1", rows(to))
      load()
      assert.equal(before .. "\nx|1", rows(to))
    end)

    it("deletes only what was loaded since", function()
      local before = rows(to)
      local since = os.date("!%Y-%m-%dT%H:%M:%S", os.time() - 1800)
      redo(to, function() assert.equal("a1|1\na2|1", rows(to)) end, "t", "--from", since)
      load()
      assert.equal(before, rows(to))
    end)
  end)
end
