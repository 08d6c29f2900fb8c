-- What people read: numbers, tables, carets, the progress line.

local nearest = require "host.nearest"
local places = require "host.places"
local progress = require "host.progress"
local report = require "host.report"
local support = require "tests.lua.support"
local text = require "host.text"

describe("numbers", function()
  it("are counted in threes", function()
    assert.equal("0", text.count(0))
    assert.equal("999", text.count(999))
    assert.equal("1,000", text.count(1000))
    assert.equal("12,345,678", text.count(12345678))
    assert.equal("-1,234", text.count(-1234))
  end)

  it("of bytes and seconds have fitting units", function()
    assert.equal("999 B", text.bytes(999))
    assert.equal("1.0 KB", text.bytes(1000))
    assert.equal("64 MB", text.bytes(64e6))
    assert.equal("1.0 MB", text.bytes(999999))
    assert.equal("0.0 s", text.seconds(0.01))
    assert.equal("42 s", text.seconds(42))
    assert.equal("2 min 05 s", text.seconds(125))
    assert.equal("1 min 35 s", text.seconds(95.25))
    assert.equal("1 h 01 min", text.seconds(3661))
  end)
end)

describe("a table", function()
  it("lines up letters of several bytes", function()
    assert.same({ "a    n", "é    1", "abc  22" },
      text.table({ { "a" }, { "n" } }, { { "é", "1" }, { "abc", "22" } }))
  end)
end)

describe("text", function()
  it("is cut in the middle", function()
    assert.equal("ab…yz", text.cut("abcdefxyz", 5))
    assert.equal("ä…xü", text.cut("äöxxxxü", 4))
  end)

  it("cannot move the cursor", function()
    assert.equal("a\\x1b[2Jb", text.safe "a\27[2Jb")
  end)
end)

describe("the nearest name", function()
  it("is one that was probably meant", function()
    assert.equal("timezone", nearest.of("timezon", { "id", "timezone" }))
    assert.equal("orders-create", nearest.of("orders_create", { "orders-create" }))
    assert.equal("client", nearest.of("cleint", { "client", "clients" }))
    assert.is_nil(nearest.of("xyz", { "id", "timezone" }))
  end)
end)

describe("an error", function()
  local function shown(e, content)
    local out = support.terminal()
    local known = places.new(nil)
    known:add("a.yaml", content)
    return table.concat(report.lines(out, e, known), "\n")
  end

  it("points at the word it is about", function()
    local said = shown({
      class = "config", message = "no", place = "a.yaml:2:3", width = 4, hint = "try",
    }, "x:\n  über: 1\n")
    assert.matches("2 |   über: 1\n", said, 1, true)
    assert.matches("\n      |   ^^^^\n", said, 1, true)
    assert.matches("hint: try", said, 1, true)
  end)

  it("underlines the line when no column is known", function()
    assert.matches("|   ^^^\n", shown({
      class = "script", message = "no", place = "a.yaml:1", hint = "h",
    }, "  abc  \n") .. "\n", 1, true)
  end)

  it("quotes no file that may be data", function()
    local out = support.terminal()
    local lines = report.lines(out, { class = "data", message = "no", place = "/etc/passwd:1" },
      places.new "/")
    assert.is_nil(table.concat(lines, "\n"):find("root", 1, true))
  end)
end)

describe("progress", function()
  local now, out, said, view, job

  local function begin(options)
    now = 1000000
    out, said = support.terminal(options)
    view = progress.new { out = out, now_us = function() return now end }
    job = { title = "713" }
    job.current = { resource = "orders", rows_read = 0 }
  end

  local function tell(rows, bytes, total)
    job.current.rows_read = rows
    job.current.progress = { file = "a.csv", bytes = bytes, total_bytes = total, rows = rows }
    view:update(job)
  end

  it("is one line that is redrawn on a terminal, with a bar where the total is known", function()
    begin { is_terminal = true, width = 100 }
    tell(10, 500, 1000)
    assert.matches("\r713  orders  ████████░░░░░░░░   50%  10 rows  500 B", said(), 1, true)
    now = now + 1000
    tell(11, 550, 1000)
    assert.is_nil(said():find("11 rows", 1, true), "not more often than ten times a second")
    now = now + 1000000
    tell(1000, 750, 1000)
    assert.matches("75%%.* 1,000 rows", said())
    view:finish()
    assert.equal("\r\27[K", said():sub(-4))
  end)

  it("names all that run at once", function()
    begin { is_terminal = true, width = 100 }
    local other = { title = "714", streams = {} }
    job.streams = { job.current }
    view:add(job)
    view:add(other)
    tell(10, 500, 1000)
    assert.matches("713 orders 50% 10 rows | 714 0 rows", said(), 1, true)
    view:remove(other)
    now = now + 1000000
    tell(20, 750, 1000)
    assert.matches("75%%  20 rows", said())
  end)

  it("is a plain line every few seconds elsewhere", function()
    begin()
    tell(10, 500)
    assert.equal("", said())
    now = now + 6 * 1000000
    tell(60, 900)
    assert.equal("713  orders  60 rows  900 B  10 rows/s  a.csv\n", said())
    now = now + 1000000
    tell(70, 950)
    assert.is_nil(said():find("70 rows", 1, true))
  end)
end)
