-- Every one of these was seen to be changed in silence by a tool in use today. Here each keeps its
-- value as it was written, or the row is among the dead ones with a reason.
local host = require "tests.support.host"
local target = require "tests.support.target"

-- values: cells as they stand in the file. expect: what the table holds, in the order of the file
-- (default: the same). type: the column's type on PostgreSQL.
local NULL = {}
local CASES = {
  { "leading zeros", type = "text", values = { "007", "12" } },
  { "cents", type = "numeric", values = { "12.10", "3", "0.00" } },
  { "a thousands separator", type = "text", values = { '"1,234"' }, expect = { "1,234" } },
  { "a 20-digit integer", type = "numeric", values = { "12345678901234567890", "1" } },
  { "the largest bigint", type = "bigint",
    values = { "9223372036854775807", "-9223372036854775808" } },
  { "an exponent", type = "text", values = { "1e5", "2" } },
  { "hexadecimal", type = "text", values = { "0x1F" } },
  { "NaN", type = "text", values = { "NaN", "1.5" } },
  { "infinity", type = "text", values = { "Infinity", "-inf" } },
  { "the word NULL", type = "text", values = { "NULL", "null" } },
  { "NA", type = "text", values = { "NA", "7" } },
  { "blanks around a number", type = "text", values = { " 12 ", "13" } },
  { "a phone number", type = "text", values = { "+49301234567" } },
  { "minus zero", type = "text", values = { "-0", "5" } },
  { "a clock without seconds", type = "text", values = { "09:05" } },
  { "a clock", type = "time without time zone", values = { "09:05:30" } },
  { "a date of either order", type = "text", values = { "01/02/2026" } },
  { "a day that does not exist", type = "text", values = { "2026-02-30", "2026-02-28" } },
  { "a day", type = "date", values = { "2026-02-28", "2024-02-29" } },
  { "a time with its offset", type = "timestamp with time zone",
    values = { "2026-03-01T12:30:00+02:00", "2026-03-01T10:30:00.250Z" },
    expect = { "2026-03-01 10:30:00", "2026-03-01 10:30:00.25" } },
  { "a time without a zone", type = "timestamp without time zone",
    values = { "2026-03-01T12:30:00" }, expect = { "2026-03-01 12:30:00" } },
  { "times with and without zone", type = "text",
    values = { "2026-03-01T12:30:00", "2026-03-01T12:30:00Z" } },
  { "seven digits of a second", type = "text", values = { "2026-03-01T12:30:00.1234567Z" } },
  { "zero and one", type = "bigint", values = { "0", "1" } },
  { "yes and no", type = "text", values = { "yes", "no" } },
  { "true and false", type = "boolean", values = { "true", "false" } },
  { "True", type = "text", values = { "True", "false" } },
  { "backslash N", type = "text", values = { "\\N", "\\." } },
  { "empty and quoted empty", type = "text", values = { "", '""', "x" },
    expect = { NULL, "", "x" } },
  { "empty among numbers", type = "bigint", values = { "", "1" }, expect = { NULL, "1" } },
  { "quoted empty among numbers", type = "text", values = { '""', "1" }, expect = { "", "1" } },
  { "always empty", type = "text", values = { "", "" }, expect = { NULL, NULL } },
  { "emoji", type = "text", values = { "👩‍👩‍👧 ok", "é" } },
  { "a line break as Windows writes it", type = "text", values = { '"a\r\nb"' },
    expect = { "a<CR><LF>b" } },
  { "quotes, backslashes and tabs", type = "text", values = { '"a ""b"" \\t \t c"' },
    expect = { 'a "b" \\t \t c' } },
  { "the words that Postgres takes for dates", type = "text",
    values = { "now", "today", "infinity" } },
}

-- A literal as the value that it stands for. Times are compared in one spelling: with a blank, and
-- without the zone, which is UTC.
local function plain(literal, type)
  if literal == "NULL" then return NULL end
  local text = literal:gsub("^ ?E?'(.*)'$", "%1"):gsub("''", "'")
  if literal:find "^ ?E'" then text = text:gsub("\\\\", "\\") end
  if not (type or ""):find "timestamp" then return text end
  local day, clock = text:match "^(%d%d%d%d%-%d%d%-%d%d)[T ](%d%d:%d%d:%d%d[%d.]*)"
  return day .. " " .. clock:gsub("(%.%d-)0+$", "%1")
end

local function file_of(case)
  local lines = { "n,v" }
  for i, value in ipairs(case.values) do lines[#lines + 1] = i .. "," .. value end
  return host.file("case.csv", table.concat(lines, "\n") .. "\n")
end

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("a load into " .. make.name .. " keeps", function()
    for _, case in ipairs(CASES) do
      it(case[1], function()
        local to = make.fresh()
        host.must_load(file_of(case), "t", to)
        local found = {}
        for i, literal in ipairs(to:values("t", "v", "n")) do
          found[i] = plain(literal, case.type)
        end
        assert.same(case.expect or case.values, found)
        if to.kind == "postgres" then assert.equal(case.type, to:types "t".v) end
      end)
    end

    it("1.25 in row 200,001 of a column of integers", function()
      local lines = { "n" }
      for i = 1, 200000 do lines[#lines + 1] = tostring(i) end
      lines[#lines + 1] = "1.25"
      local to = make.fresh()
      host.must_load(host.file("late.csv", table.concat(lines, "\n") .. "\n"), "t", to)
      assert.equal("200001", to:sql("select count(*) from " .. to:name "t"))
      assert.equal("1.25", to:sql(("select n from %s where _row = 200001"):format(to:name "t")))
      assert.equal("200000", to:sql(("select n from %s where _row = 200000"):format(to:name "t")))
    end)

    it("the bytes of a binary column", function()
      local to = make.fresh()
      host.must_load(host.file("b.csv", "b\n\\x00ff4A\n\\x\n"), "t", to,
        { more = { "--type", "b=binary" } })
      local hex = to.kind == "postgres" and "encode(b, 'hex')" or "lower(hex(b))"
      local text = to:sql(("select '<' || %s || '>' from %s order by _row")
        :format(hex, to:name "t"))
      assert.equal("<00ff4a>\n<>", text)
    end)

    it("two headers with one name, and names that differ in case only", function()
      local to = make.fresh()
      host.must_load(host.file("h.csv", "id,id,Name,name,\n1,2,a,b,c\n"), "t", to)
      local columns = {}
      for column in pairs(to:types "t") do columns[#columns + 1] = column end
      assert.equal(5, #columns, table.concat(columns, " "))
      local seen = {}
      for _, column in ipairs(columns) do seen[plain(to:values("t", column)[1])] = true end
      assert.same({ ["1"] = true, ["2"] = true, a = true, b = true, c = true }, seen)
    end)

    -- What cannot be kept is named.
    for what, row in pairs {
      ["a field too many"] = "1,2,3", ["a field too few"] = "1", ["a bare quote"] = '1,a"b',
      ["text after a closing quote"] = '1,"a"b', ["bytes that are not UTF-8"] = "1,\xff\xfe",
    } do
      it("the others, and the bytes of a row with " .. what, function()
        local to = make.fresh()
        host.must_load(host.file("d.csv", "a,b\n8,x\n" .. row .. "\n9,y\n"), "t", to)
        assert.equal(2, to:count "t")
        local dead = to:select(to:book "dead_rows", { "line" })
        assert.equal("3", plain(dead))
        local raw = to.kind == "postgres" and "encode(raw, 'hex')" or "lower(hex(raw))"
        local hex = to:sql(("select %s from %s"):format(raw, to:book "dead_rows"))
        local written = row:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
        assert.equal(written, hex:sub(1, #written))
      end)
    end

    it("or names a row with NUL", function()
      local to = make.fresh()
      host.must_load(host.file("nul.csv", "a,b\n1,x\0y\n2,z\n"), "t", to)
      local dead = to:sql("select count(*) from " .. to:book "dead_rows")
      assert.equal("1", dead)
      assert.equal(1, to:count "t")
    end)
  end)
end
