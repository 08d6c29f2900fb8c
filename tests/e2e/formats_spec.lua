-- What a file may look like: its format, its compression, its encoding.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

local CSV = "id,name\n1,Ada\n2,Grace\n3,\"Li\n\nLei\"\n"

-- A dump without the places of its files, which differ from one to the next.
local function placeless(text) return (text:gsub("'[^']*/x%.csv[.gzstbr]*'", "FILE")) end

local function packed(name, command, text)
  local plain = host.file("plain", text)
  local path = files.temp() .. "/" .. name
  process.must { "sh", "-c", ("%s <%s >%s"):format(command, plain, path) }
  return path
end

-- What the tables are must not depend on where the input happens to be cut.
describe("the same files in pieces of 1 byte, 4 KB and 1 MB", function()
  local function csv(count, last)
    local lines = { "id,code,amount,note,day" }
    for i = 1, count do
      lines[#lines + 1] = ("%d,%05d,%s,%s,2026-03-%02d"):format(i, i, i == count and last or i * 3,
        i % 5 == 0 and '"a ""b""\r\nc, é"' or "", i % 28 + 1)
      if i % 400 == 0 then lines[#lines + 1] = i .. ",too,many,fields,of,it" end
    end
    return table.concat(lines, "\r\n")
  end
  local function utf16(text)
    return "\xff\xfe" .. text:gsub(utf8.charpattern, function(c)
      return string.pack("<I2", utf8.codepoint(c))
    end)
  end
  local json = {}
  for i = 1, 600 do
    json[i] = ('{"id":%d,"code":"%05d","v":%s,"deep":{"a":[%d,"\\u00e9"]}}'):format(i, i,
      i == 590 and '"x"' or i, i)
  end
  local list = { plain = host.file("1.csv", csv(900, "1.25")), wide = host.file("2.csv",
    utf16(csv(300, "7"))), lines = host.file("3.jsonl", table.concat(json, "\n")),
    array = host.file("4.json", "[" .. table.concat(json, ",\n") .. "]") }
  list.packed = packed("5.csv.gz", "gzip -c", csv(700, "x"))
  list.packed_lines = packed("6.jsonl.zst", "zstd -q -c", table.concat(json, "\n"))
  list.packed_dense = packed("7.csv.br", "brotli -c", csv(700, "y"))
  for what, file in pairs(list) do
    it("make the same table: " .. what, function()
      local seen
      for _, size in ipairs { 1, 4096, 1048576 } do
        local to = target.sqlite()
        host.must_load(file, "t", to, { more = { "--chunk-bytes", size, "--unit-bytes", 20000 } })
        local dump = to:dump "t" .. to:dump_dead()
        assert.equal(seen or dump, dump, size .. " bytes at a time")
        seen = dump
      end
    end)
  end
end)

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("a load into " .. make.name .. " reads", function()
    local expected
    setup(function()
      local to = make.fresh()
      host.must_load(host.file("x.csv", CSV), "t", to)
      expected = placeless(to:dump "t")
    end)

    for what, path in pairs {
      ["gzip"] = function() return packed("x.csv.gz", "gzip -c", CSV) end,
      ["gzip of two members"] = function()
        return packed("x.csv.gz", "{ head -c 9 | gzip -c; gzip -c; }", CSV)
      end,
      ["zstd"] = function() return packed("x.csv.zst", "zstd -q -c", CSV) end,
      ["brotli"] = function() return packed("x.csv.br", "brotli -c", CSV) end,
      ["brotli that only the command names"] = function()
        return packed("x.csv", "brotli -c", CSV), { "--compression", "brotli" }
      end,
      ["plain text that is called .gz, when the command says so"] = function()
        return host.file("x.csv.gz", CSV), { "--compression", "plain" }
      end,
      ["gzip under a name that does not say so"] = function()
        return packed("x.csv", "gzip -c", CSV)
      end,
      ["line ends of Windows"] = function()
        return host.file("x.csv", (CSV:gsub("([^\n])\n([%d])", "%1\r\n%2")))
      end,
      ["a byte order mark"] = function() return host.file("x.csv", "\xef\xbb\xbf" .. CSV) end,
      ["UTF-16"] = function()
        return packed("x.csv", "{ printf '\\377\\376'; iconv -f UTF-8 -t UTF-16LE; }", CSV)
      end,
      ["semicolons"] = function() return host.file("x.csv", (CSV:gsub(",", ";"))) end,
      ["tabs"] = function() return host.file("x.csv", (CSV:gsub(",", "\t"))) end,
      ["a sep= line"] = function() return host.file("x.csv", "sep=;\n" .. CSV:gsub(",", ";")) end,
    } do
      it(what, function()
        local to = make.fresh()
        local file, more = path()
        host.must_load(file, "t", to, { more = more })
        assert.equal(expected, placeless(to:dump "t"))
      end)
    end

    it("no more than a compressed file holds: a cut one fails and loads nothing twice", function()
      local lines = { "id,name" }
      for i = 1, 20000 do lines[#lines + 1] = ("%d,name %d"):format(i, i * 7919) end
      local text = table.concat(lines, "\n") .. "\n"
      local whole = packed("x.csv.gz", "gzip -c", text)
      local cut = files.temp() .. "/x.csv.gz"
      files.write(cut, files.read(whole):sub(1, -5000))
      local to = make.fresh()
      local failed = host.load(cut, "t", to)
      assert.equal(host.exit.data, failed.code, tostring(failed))
      assert.matches("x.csv.gz", failed.out .. failed.err, 1, true)
      whole = packed("x.csv.br", "brotli -c", text)
      files.write(cut .. ".br", files.read(whole):sub(1, -5000))
      failed = host.load(cut .. ".br", "t", to)
      assert.equal(host.exit.data, failed.code, tostring(failed))
      assert.matches("cut off before their end", failed.out .. failed.err, 1, true)
    end)

    it("no Parquet, by content or by name, and says what to do", function()
      local thrift = "PAR1\x15\x04\x15\x18,a\nb,c\n"
      local to = make.fresh()
      for _, file in ipairs { host.file("x.csv", thrift), host.file("x.parquet", "cut"),
        host.file("x.Parquet", thrift), packed("y.csv.gz", "gzip -c", thrift) } do
        for _, failed in ipairs { host.load(file, "t", to),
          host.etlhost { "preview", file } } do
          assert.equal(host.exit.config, failed.code, tostring(failed))
          assert.matches("Parquet is a format that etlhost does not read",
            failed.out .. failed.err, 1, true)
          assert.matches("while reading " .. file, failed.out .. failed.err, 1, true)
          assert.matches("export it as JSON lines", failed.out .. failed.err, 1, true)
        end
      end
      -- A header may well begin so.
      host.must_load(host.file("x.csv", "PAR1,b\n1,2\n"), "t", to)
    end)

    for name, case in pairs {
      ["x.csv.gz"] = { CSV, "x.csv.gz holds no gzip data: offset 0 is something else" },
      ["x.csv.zst"] = { CSV, "x.csv.zst holds no zstd data: offset 0 is something else" },
      ["X.CSV.GZ"] = { "", "X.CSV.GZ is cut: no gzip data begin at offset 0" },
      ["x.csv.br"] = { CSV, "brotli data are damaged after" },
      ["x.br"] = { "", "brotli data are damaged after 0 bytes: they are cut off" },
      ["x.gzip"] = { "\x1f\x8b", "x.gzip is cut: no gzip data begin at offset 0" },
    } do
      it(("never as text what is called %s and is not: %q"):format(name, case[1]), function()
        local to = make.fresh()
        local failed = host.load(host.file(name, case[1]), "t", to)
        assert.equal(host.exit.data, failed.code, tostring(failed))
        assert.matches(case[2], failed.out .. failed.err, 1, true)
        assert.equal(host.exit.data,
          host.etlhost({ "preview", host.file(name, case[1]) }).code)
      end)
    end

    it("resumes inside a compressed file", function()
      local lines = { "id,name" }
      for i = 1, 50000 do lines[#lines + 1] = ("%d,name %d"):format(i, i * 7919) end
      local file = packed("x.csv.gz", "gzip -c", table.concat(lines, "\n") .. "\n")
      local to = make.fresh()
      local more = { "--unit-bytes", "8192" }
      host.load(file, "t", to, { more = more, program = host.faulty_program,
        env = { ETLHOST_FAULT = "commit.answered:20" } })
      local before = to:count "t"
      assert.is_true(before > 0 and before < 50000, "killed in the middle: " .. before)
      host.must_load(file, "t", to)
      assert.equal("50000|50000|1250025000",
        to:sql("select count(*), count(distinct id), sum(id) from " .. to:name "t"))
    end)

    it("Windows-1252 and Latin-1 when they are declared, with exact places", function()
      local text = "id,na\xefve\n1,Stra\xdfe\n2,5 \x80\n3,\"\xe4\n\x81\"\n4,\xe9\xe9\n5,x\n"
      local function of(to) return to:values("t", "naive", "id") end
      local function load(encoding, name, more)
        local to = make.fresh()
        local result = host.load(name and packed(name, "gzip -c", text) or host.file("x.csv", text),
          "t", to, { more = { "--encoding", encoding, table.unpack(more or {}) } })
        return to, result
      end
      for _, name in ipairs { false, "x.csv.gz" } do
        local to = load("windows-1252", name)
        assert.same({ "'Straße'", "'5 €'", "'éé'", "'x'" }, of(to))
        assert.equal("invalid_windows_1252|4|3",
          to:sql("select code, line, row_number from " .. to:book "dead_rows"))
        local hex = to.kind == "postgres" and "upper(encode(raw, 'hex'))" or "hex(raw)"
        assert.equal("332C22E40A8122", to:sql("select " .. hex .. " from " .. to:book "dead_rows"))
      end
      assert.same({ "'Straße'", "'5 \xc2\x80'", "'ä<LF>\xc2\x81'", "'éé'", "'x'" },
        of((load "latin1")))
    end)

    it("bytes that are not UTF-8 as dead rows that say what to declare", function()
      local to = make.fresh()
      local result = host.load(host.file("x.csv", "id,name\n1,Stra\xdfe\n2,x\n"), "t", to)
      assert.equal(0, result.code, tostring(result))
      assert.matches("not UTF%-8 at byte 7 of the record; where the file is in windows%-1252 or "
        .. "latin1, say so with `encoding`",
        to:sql("select reason from " .. to:book "dead_rows"))
      local wrong = host.load(host.file("x.csv", "\xef\xbb\xbfid\n1\n"), "u", to,
        { more = { "--encoding", "latin1" } })
      assert.equal(host.exit.data, wrong.code)
      assert.matches("latin1 is declared, but the text begins with the mark of UTF-8",
        wrong.out .. wrong.err, 1, true)
    end)

    it("resumes inside a file of another encoding", function()
      local lines = { "id,name" }
      for i = 1, 50000 do lines[#lines + 1] = ("%d,\xe4\x80 %d"):format(i, i * 7919) end
      local file = host.file("x.csv", table.concat(lines, "\n") .. "\n")
      local to, whole = make.fresh(), make.fresh()
      local more = { "--unit-bytes", "8192", "--encoding", "windows-1252" }
      host.must_load(file, "t", whole, { more = more })
      host.load(file, "t", to, { more = more, program = host.faulty_program,
        env = { ETLHOST_FAULT = "commit.answered:20" } })
      local before = to:count "t"
      assert.is_true(before > 0 and before < 50000, "killed in the middle: " .. before)
      host.must_load(file, "t", to, { more = more })
      assert.equal(whole:dump "t", to:dump "t")
    end)

    it("JSON lines with every digit kept", function()
      local to = make.fresh()
      host.must_load(host.file("x.jsonl", [[
{"id": 12345678901234567890, "price": 12.10, "zip": "007", "ok": true, "tags": ["a"], "n": null}
{"id": 2, "price": 3, "zip": "12", "ok": false, "tags": [], "extra": {"deep": {"er": 1.50}}}
]]), "t", to)
      assert.equal("12345678901234567890|12.10|007",
        to:sql("select id, price, zip from " .. to:name "t" .. " where _row = 1"))
      local kinds = to:types "t"
      if to.kind == "postgres" then
        assert.equal("numeric", kinds.id)
        assert.equal("text", kinds.zip)
        assert.equal("boolean", kinds.ok)
        assert.equal("jsonb", kinds.tags)
        assert.equal("1.50", to:sql "select extra->'deep'->>'er' from etl.t where _row = 2")
      end
    end)

    it("one big JSON array, and rows from a path inside a document", function()
      local to = make.fresh()
      host.must_load(host.file("x.json", '[{"a":1},{"a":2},\n{"a":3}]'), "t", to)
      assert.equal(3, to:count "t")
      host.must_load(host.file("y.json", '{"meta":{"n":2},"data":{"rows":[{"a":4},{"a":5}]}}'), "u",
        to, { more = { "--path", "data.rows" } })
      assert.equal(2, to:count "u")
    end)

    for what, line in pairs {
      ["a duplicate key"] = '{"a":1,"a":2}', ["a lone surrogate"] = '{"a":"\\ud800"}',
      ["a number that is none"] = '{"a":01}', ["half a record"] = '{"a":',
      ["a word that is none"] = '{"a":tru}', ["a comma too many"] = '{"a":[1,]}',
    } do
      it("the records around one with " .. what .. ", which is a dead row", function()
        local to = make.fresh()
        host.must_load(host.file("x.jsonl", '{"a":7}\n' .. line .. '\n{"a":8}\n'), "t", to)
        assert.equal("7|8", (to:sql("select a from " .. to:name "t" .. " order by 1")
          :gsub("\n", "|")))
        assert.equal("2", to:sql("select line from " .. to:book "dead_rows"))
      end)
    end
  end)
end
