-- A run as the supervisor sees it, with an engine that only talks: what becomes of its words, of
-- its failures, and of its sudden end.

local cjson = require "cjson"
local job = require "host.job"
local session = require "host.session"
local support = require "tests.lua.support"

local function run(lines, ending, options)
  local out, out_text = support.terminal()
  local diagnostics, err_text = support.terminal()
  local made = job.new {
    spec = { op = "run", run_id = "r1" }, title = "713", client = { id = "713" },
  }
  options = options or {}
  options.command = support.engine(lines, ending)
  options.verb = "run"
  options.with_client = true
  local code = session.run({ out = out, err = diagnostics }, { made }, options)
  return code, out_text(), err_text(), made
end

local started = '{"event":"stream_started","instance":"s3","resource":"orders","table":"t",'
  .. '"destination":"SQLite file x.db"}'
local done_well = '{"event":"stream_done","instance":"s3","resource":"orders","table":"t",'
  .. '"destination":"SQLite file x.db","files":2,"files_known":0,"rows_read":1234,'
  .. '"rows_loaded":1230,'
  .. '"rows_dead":4,"bytes":5000,"seconds":0.5}'
local ok = '{"event":"done","ok":true}'

describe("a run", function()
  it("ends well: rows, dead rows, where the data is", function()
    local code, out = run { started, done_well, ok }
    assert.equal(0, code)
    assert.matches("713 +orders +1,234 +1,230 +4 +0.5 s +2,468 +ok +t", out)
    assert.matches("the data is in x.db (SQLite)", out, 1, true)
  end)

  it("counts dead rows as a failure only when asked to be strict", function()
    assert.equal(3, (run({ started, done_well, ok }, nil, { strict = true })))
  end)

  it("says why nothing was loaded", function()
    local _, out = run {
      started,
      '{"event":"stream_done","instance":"s3","resource":"orders","files":12,"files_known":12,'
        .. '"rows_read":0,"rows_loaded":0,"rows_dead":0}',
      ok,
    }
    assert.matches("713 orders: 12 files already loaded, nothing new", out, 1, true)
  end)

  it("gives each class of failure its exit status, and keeps the first error", function()
    local statuses = {
      auth = 4, denied = 4, transient = 5, throttled = 5, remote = 5, data = 6, destination = 7,
      script = 8, limit = 9, config = 2, not_found = 2, cancelled = 130, bug = 1,
    }
    for class, status in pairs(statuses) do
      local code, out, _, made = run {
        started,
        ('{"event":"error","class":"%s","message":"first","instance":"s3","resource":"orders"}')
          :format(class),
        '{"event":"error","class":"bug","message":"second"}',
        '{"event":"done","ok":false}',
      }
      assert.equal(status, code, class)
      assert.equal("first", made.errors[1].message)
      local label = class == "cancelled" and "stopped: first" or "error: first"
      assert.matches(label, out, 1, true)
    end
  end)

  it("names the end of an engine that crashed or exited without a word", function()
    local code, out = run({ started }, "kill -SEGV $$")
    assert.equal(1, code)
    assert.matches("segmentation fault", out, 1, true)
    code, out = run({ started }, "exit 3")
    assert.equal(1, code)
    assert.matches("it exited with status 3", out, 1, true)
  end)

  it("takes words before the engine's end although it was slow to go", function()
    local code, out = run({ started, done_well, ok }, "exec 4>&-; read line <&3")
    assert.equal(0, code)
    assert.matches("1,230", out, 1, true)
  end)

  it("survives lines that are no events", function()
    local code, out = run { "rubbish", "[1]", started, done_well, ok }
    assert.equal(0, code)
    assert.matches("the engine said: rubbish", out, 1, true)
  end)

  it("prints events as they came, with every digit, under --json", function()
    local line = '{"event":"progress","at":1790000000123456,"instance":"s3","resource":"orders",'
      .. '"bytes":9007199254740993}'
    local code, out = run({ line, ok }, nil, { json = true })
    assert.equal(0, code)
    local first = out:match "^[^\n]*"
    assert.matches('"bytes":9007199254740993', first, 1, true)
    local last = cjson.decode(out:match "([^\n]*)\n$")
    assert.equal("finished", last.event)
    assert.is_true(last.ok)
    local event = cjson.decode(first)
    assert.equal("r1", event.run_id)
    assert.equal("713", event.client)
  end)

  it("cannot start a program that is not there", function()
    local made = job.new { spec = { op = "run", run_id = "r1" }, title = "713" }
    local out = support.terminal()
    local code = session.run({ out = out, err = out }, { made },
      { command = { path = "/nowhere", args = {} } })
    assert.equal(2, code)
    assert.matches("cannot start /nowhere", made.errors[1].message, 1, true)
  end)
end)

describe("several runs", function()
  it("do not stop one another, and the gravest failure decides", function()
    local out, text = support.terminal()
    local jobs = {}
    local broken = job.new { title = "712" }
    broken:finish { class = "config", message = "no such thing" }
    jobs[1] = broken
    jobs[2] = job.new { spec = { run_id = "r2" }, title = "713" }
    local code = session.run({ out = out, err = out }, jobs,
      { command = support.engine { started, done_well, ok }, with_client = true })
    assert.equal(2, code)
    local report = text()
    assert.is_true(report:find("712 +%- +FAILED") < report:find("713 +orders"))
    assert.matches("1,230", report, 1, true)
  end)
end)
