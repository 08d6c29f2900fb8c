-- Lists within records as rows of child tables, which follow their records.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local function items(to, columns, order)
  return to:sql(("select %s from %s order by %s"):format(columns, to:name "orders__items", order))
end

-- A verb about the destination; gives its output.
local function ask(project, to, arguments, code)
  for _, argument in ipairs(to:arguments()) do
    if argument ~= "--lanes" and not argument:match "^%d+$" then
      arguments[#arguments + 1] = argument
    end
  end
  local result = host.etlhost(arguments, { cwd = project })
  assert.equal(code or 0, result.code, tostring(result))
  return result
end

local KEYED = '{ key = "id", table = "orders", nested = "tables" }'
local ITEMS = "_parent_id, _position, sku, qty"

local function record(id, more, list)
  local text = {}
  for i, item in ipairs(list or {}) do
    text[i] = ('{"sku":"%s","qty":%d}'):format(item[1], item[2])
  end
  return ('{"id":%d%s%s}\n'):format(id, more or "",
    list and (',"items":[%s]'):format(table.concat(text, ",")) or "")
end

for _, make in ipairs { target.list[1], target.list[3] } do
  local name, fresh = make.name, make.fresh
  describe("child tables in " .. name, function()
    it("follow a merge: replaced, shrunk, kept where the field is absent", function()
      local to = fresh()
      local step = host.stepper(to, KEYED)
      step("1.jsonl", record(1, ',"v":"a"', { { "x", 1 }, { "y", 2 } })
        .. record(2, ',"v":"b"', { { "z", 3 } }) .. record(3, ',"v":"c"', {})
        .. record(4, ',"v":"d"', { { "w", 4 } }) .. record(5, ',"v":"e"', { { "u", 5 } }))
      assert.equal("1|0|x|1\n1|1|y|2\n2|0|z|3\n4|0|w|4\n5|0|u|5", items(to, ITEMS, "1, 2"))
      -- 1 shrinks and changes, 2 lacks the field, 3 gets some, 4 has none, 5 has null.
      step("2.jsonl", record(1, ',"v":"a"', { { "x", 9 } }) .. record(2, ',"v":"B"')
        .. record(3, ',"v":"c"', { { "n", 1 } }) .. record(4, ',"v":"d"', {})
        .. '{"id":5,"v":"e","items":null}\n')
      assert.equal("1|0|x|9\n2|0|z|3\n3|0|n|1", items(to, ITEMS, "1, 2"))
      -- The rows say where they came from, as their record's do.
      assert.equal("acme|s3_exports|2.jsonl|1",
        items(to, "_client_id, _source, substr(_file, length(_file) - 6), _row", "_parent_id")
          :match "^[^\n]+")
      -- A file whose records are not JSON has no such field.
      step("3.csv", "id,v\n1,A\n6,f\n")
      assert.equal("1|0|x|9\n2|0|z|3\n3|0|n|1", items(to, ITEMS, "1, 2"))
    end)

    it("take the rows of the newest record only, field by field", function()
      local to = fresh()
      local step = host.stepper(to,
        '{ key = "id", cursor = "at", table = "orders", nested = { items = "tables" } }')
      -- Of one key the newest counts; a record that lacks the field leaves it to the one before.
      step("1.jsonl", record(1, ',"at":2,"tags":[1]', { { "b", 2 } })
        .. record(1, ',"at":1', { { "a", 1 }, { "aa", 1 } })
        .. record(2, ',"at":1', { { "c", 1 } }) .. record(2, ',"at":2,"v":"x"')
        .. record(3, ',"at":5', { { "d", 1 } }))
      assert.equal("1|0|b|2\n2|0|c|1\n3|0|d|1", items(to, ITEMS, "1, 2"))
      assert.equal("[1]", to:sql("select tags from " .. to:name "orders" .. " where id = 1"))
      -- Older than what is there: nothing changes.
      step("2.jsonl", record(3, ',"at":4', { { "old", 1 }, { "old", 2 } })
        .. record(2, ',"at":2', { { "same", 1 } }))
      assert.equal("1|0|b|2\n2|0|same|1\n3|0|d|1", items(to, ITEMS, "1, 2"))
    end)

    it("go with their record: delete_insert, hard_delete", function()
      local to = fresh()
      local step = host.stepper(to, '{ key = "id", merge = "delete_insert", hard_delete = "gone", '
        .. 'table = "orders", nested = "tables" }')
      step("1.jsonl", record(1, "", { { "x", 1 } }) .. record(2, "", { { "y", 1 } })
        .. record(3, ',"gone":false', { { "z", 1 } }))
      step("2.jsonl", record(1, "") .. record(2, ',"gone":true'))
      assert.equal("3|0|z|1", items(to, ITEMS, "1, 2"))
      assert.equal("1\n3", to:sql("select id from " .. to:name "orders" .. " order by 1"))
    end)

    it("begin anew with a record that is deleted and comes again", function()
      local to = fresh()
      local step = host.stepper(to, '{ key = "id", hard_delete = "gone", table = "orders", '
        .. 'nested = "tables" }')
      step("1.jsonl", record(1, ',"gone":false', { { "x", 1 } }) .. record(2, "", { { "y", 1 } }))
      -- In one unit; the last record of 1 lacks the field.
      step("2.jsonl", record(1, ',"gone":true') .. record(1, ',"v":"new"')
        .. record(2, ',"v":"new"'))
      assert.equal("2|0|y|1", items(to, ITEMS, "1, 2"))
      assert.equal("1|new\n2|new", to:sql("select id, v from " .. to:name "orders"
        .. " order by 1"))
    end)

    it("are only those of records that were inserted, with insert_only", function()
      local to = fresh()
      local step = host.stepper(to,
        '{ key = "id", write = "insert_only", table = "orders", nested = "tables" }')
      step("1.jsonl", record(1, "", { { "x", 1 } }))
      step("2.jsonl", record(1, "", { { "no", 1 }, { "no", 2 } }) .. record(2, "", { { "y", 1 } })
        .. record(2, "", { { "no", 1 }, { "no", 2 } }))
      assert.equal("1|0|x|1\n2|0|y|1", items(to, ITEMS, "1, 2"))
    end)

    it("are appended with records that are appended", function()
      local to = fresh()
      local step = host.stepper(to, '{ table = "orders", nested = "tables" }')
      step("1.jsonl", record(1, "", { { "x", 1 } }) .. record(1, "", { { "x", 1 }, { "y", 2 } }))
      step("2.jsonl", record(1, "", { { "x", 1 } }))
      assert.equal("1|0|x|1\n1|0|x|1\n2|0|x|1\n2|1|y|2", items(to,
        "_row, _position, sku, qty", "1, 2"))
      assert.equal("4", to:sql(("select count(*) from %s i join %s o on o._load_id = i._load_id "
        .. "and o._file = i._file and o._row = i._row"):format(to:name "orders__items",
        to:name "orders")))
    end)

    it("go and come with a file's new content", function()
      local to = fresh()
      local step = host.stepper(to, '{ table = "orders", nested = "tables" }')
      step("1.jsonl", record(1, "", { { "x", 1 } }) .. record(2, "", { { "y", 1 }, { "y", 2 } }))
      step("2.jsonl", record(3, "", { { "z", 1 } }))
      step("1.jsonl", record(1, "", { { "X", 9 } }) .. record(2, ',"v":1'))
      assert.equal("X|9\nz|1", items(to, "sku, qty", "1"))
      step("1.jsonl", record(1, "", { { "X", 9 }, { "new", 1 } }) .. record(2, ',"v":1')
        .. '{"id":5,"other":[1,2]}\n')
      assert.equal("X|9\nnew|1\nz|1", items(to, "sku, qty", "1"))
      assert.equal("2", to:sql("select count(*) from " .. to:name "orders__other"))
    end)

    it("are replaced with their records", function()
      local to = fresh()
      local step = host.stepper(to, '{ table = "orders", write = "replace", nested = "tables" }')
      step("1.jsonl", record(1, "", { { "x", 1 } }) .. record(2, "", { { "y", 1 }, { "y", 2 } }))
      local _, project = step("2.jsonl", record(3, "", { { "z", 1 } }))
      assert.equal("x|1\ny|1\ny|2\nz|1", items(to, "sku, qty", "1, 2"))
      files.write(project .. "/exports/orders/1.jsonl", "")
      step("3.jsonl", record(4, ',"tags":["a"]'))
      assert.equal("z|1", items(to, "sku, qty", "1, 2"))
      assert.equal("a", to:sql("select value from " .. to:name "orders__tags"))
    end)

    it("are loaded anew with their records, and others' stay", function()
      local to = fresh()
      local resource = '{ key = "id", cursor = "at", table = "orders", nested = "tables" }'
      local step = host.stepper(to, resource)
      step("1.jsonl", record(1, ',"at":1', { { "x", 1 } }) .. record(2, ',"at":2', { { "y", 1 } }))
      local _, project = step("2.jsonl", record(1, ',"at":3', { { "X", 1 }, { "XX", 2 } })
        .. record(2, ',"at":1', { { "old", 1 } }))
      for _, row in ipairs { "orders__items", "orders" } do
        local columns = row == "orders" and "_client_id, _source, id, _load_id"
          or "_client_id, _source, _parent_id, _position, _load_id"
        to:sql(("insert into %s (%s) values ('other', 's3_exports', 1, %s0)"):format(to:name(row),
          columns, row == "orders" and "" or "0, "))
      end
      to:sql("update " .. to:name "orders__items" .. " set sku = 'lost' where sku = 'y'")
      local result = host.run(project, to, { more = { "--full-refresh" } })
      assert.equal(0, result.code, tostring(result))
      assert.equal("acme|1|0|X\nacme|1|1|XX\nacme|2|0|y\nother|1|0|\\N",
        items(to, "_client_id, _parent_id, _position, sku", "1, 2, 3"))
      assert.equal("3", to:sql("select count(*) from " .. to:name "orders"))
    end)

    it("take their record along when the database refuses them", function()
      local to = fresh()
      local step = host.stepper(to,
        '{ key = "id", table = "orders", nested = "tables", max_dead = 9 }')
      local _, project = step("1.jsonl", record(1, "", { { "x", 1 } }))
      if to.kind == "postgres" then
        to:sql "alter table etl.orders__items add constraint short check (length(sku) < 4)"
      else
        for _, event in ipairs { "insert", "update" } do
          to:sql(("create trigger short_%s before %s on orders__items when length(new.sku) > 3 "
            .. "begin select raise(abort, 'too long'); end"):format(event, event))
        end
      end
      step("2.jsonl", record(2, "", { { "y", 1 }, { "long", 2 } }) .. record(3, "", { { "z", 1 } })
        .. record(1, ',"v":"changed"', { { "long", 3 }, { "no", 1 } })
        .. record(4, "", { { "w", 1 } }))
      assert.equal("1|0|x|1\n3|0|z|1\n4|0|w|1", items(to, ITEMS, "1, 2"))
      assert.equal("1\n3\n4", to:sql("select id from " .. to:name "orders" .. " order by 1"))
      assert.equal("1|refused\n3|refused", to:sql("select row_number, code from "
        .. to:book "dead_rows" .. " order by 1"))
      to:sql(to.kind == "postgres" and "alter table etl.orders__items drop constraint short"
        or "drop trigger short_insert; drop trigger short_update")
      ask(project, to, { "dead", "retry", "--client", "acme" })
      assert.equal("1|0|long|3\n1|1|no|1\n2|0|y|1\n2|1|long|2\n3|0|z|1\n4|0|w|1",
        items(to, ITEMS, "1, 2"))
    end)

    it("are found by what an operator forgets, erases, moves and removes", function()
      local to = fresh()
      local step = host.stepper(to, KEYED)
      local _, project = step("1.jsonl", record(1, ',"mail":"a@x.org"', { { "x", 1 }, { "x", 2 } })
        .. record(2, "", { { "y", 1 } }) .. record(3, "", { { "z", 1 } }))
      local result = ask(project, to,
        { "erase", "--key", "mail=a@x.org", "--client", "acme", "--yes" }, 2)
      assert.matches("child table [%w.]*orders__items cannot be found by mail", result.err)
      ask(project, to, { "erase", "--key", "id=1", "--client", "acme", "--yes" })
      assert.equal("2|0|y|1\n3|0|z|1", items(to, ITEMS, "1, 2"))
      to:sql(("alter table %s rename to elsewhere"):format(to:name "orders"))
      result = ask(project, to,
        { "state", "move", "orders", "--table", "elsewhere", "--yes", "--client", "acme" }, 2)
      assert.matches("orders has child tables %(orders__items%)", result.err)
      to:sql(("alter table %s rename to orders"):format(to:name "elsewhere"))
      result = ask(project, to, { "state", "reset", "orders", "--file", "orders/1.jsonl",
        "--delete-rows", "--yes", "--client", "acme" }, 2)
      assert.matches("cannot be told apart in its child tables %(orders__items%)", result.err)
      ask(project, to, { "state", "reset", "orders", "--delete-rows", "--yes", "--client", "acme" })
      assert.equal("", items(to, ITEMS, "1, 2"))
      assert.equal(0, host.run(project, to).code)
      assert.equal("1|0|x|1\n1|1|x|2\n2|0|y|1\n3|0|z|1", items(to, ITEMS, "1, 2"))
      ask(project, to, { "client", "remove", "acme", "--yes", "--keep-file" })
      assert.equal("", items(to, ITEMS, "1, 2"))
    end)

    it("are three levels deep, with values and objects", function()
      local to = fresh()
      local step = host.stepper(to, KEYED)
      step("1.jsonl", '{"id":"a","items":[{"n":1,"tags":["x",2,null,{"k":true}]},{"n":2,'
        .. '"tags":[[1],["a"]],"taxes":[{"rate":0.10,"parts":[{"of":[1,2]}]}]}]}\n')
      local tags = to:name "orders__items__tags"
      assert.equal("a|0|0|x|\\N\na|0|1|2|\\N\na|0|2|\\N|\\N\na|0|3|\\N|true\n"
        .. "a|1|0|\\N|\\N\na|1|1|\\N|\\N",
        (to:sql("select _parent_id, _position_1, _position, value, k from " .. tags
          .. " order by 1, 2, 3"):gsub("|t\n", "|true\n")))
      assert.equal("a|1|0|0|1\na|1|1|0|a", to:sql("select _parent_id, _position_1, _position_2, "
        .. "_position, value from " .. to:name "orders__items__tags__value" .. " order by 3"))
      assert.equal("a|1|0|0|[1,2]", (to:sql("select _parent_id, _position_1, _position_2, "
        .. "_position, \"of\" from " .. to:name "orders__items__taxes__parts")
          :gsub(", ", ",")))
      step("2.jsonl", '{"id":"a","items":[{"n":1,"tags":["y"]}]}\n')
      assert.equal("a|0|0|y", to:sql("select _parent_id, _position_1, _position, value from "
        .. tags))
      assert.equal("0", to:sql("select count(*) from " .. to:name "orders__items__taxes__parts"))
    end)

    it("have columns that follow their values, and a dead element takes its record", function()
      local to = fresh()
      local step = host.stepper(to, '{ key = "id", table = "orders", nested = "tables", '
        .. 'max_dead = 5, contract = { types = "discard_row" } }')
      step("1.jsonl", record(1, "", { { "x", 1 } })
        .. '{"id":2,"items":[{"sku":"y","qty":1.5,"note":"n"}]}\n')
      assert.equal("1|0|x|1|\\N\n2|0|y|1.5|n", items(to, ITEMS .. ", note", "1, 2"))
      step("2.jsonl", record(3, "", { { "z", 1 } })
        .. '{"id":4,"items":[{"sku":"v","qty":1},{"sku":"w","qty":"many"}]}\n'
        .. record(1, "", { { "x", 2 } }))
      assert.equal("1|0|x|2\n2|0|y|1.5\n3|0|z|1", items(to, ITEMS, "1, 2"))
      assert.equal("1,2,3", (to:sql("select id from " .. to:name "orders" .. " order by 1")
        :gsub("\n", ",")))
      assert.equal("2|items[1].qty|type", to:sql("select row_number, column_name, code from "
        .. to:book "dead_rows"))
    end)
  end)
end
