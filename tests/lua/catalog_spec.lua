-- The catalog: what is kept of a run, and what is said of one whose process is gone.

local catalog = require "host.catalog"
local job = require "host.job"
local project = require "host.project"
local session = require "host.session"
local support = require "tests.lua.support"

describe("the catalog", function()
  local found, remove

  before_each(function()
    local folder
    folder, remove = support.folder { ["config/etlhost.yaml"] = "version: 1\n" }
    found = assert(project.find { folder = folder })
  end)

  after_each(function()
    remove()
  end)

  local function run(id, lines, ending, log)
    local out = support.terminal()
    local made = job.new {
      spec = { op = "run", run_id = id, pipeline = { path = "p.lua", text = "" } },
      title = "713", client = { id = "713", sources = {} },
    }
    session.run({ out = out, err = out }, { made }, {
      verb = "run", project = found, log = log, command = support.engine(lines, ending),
    })
    return assert(catalog.open(found))
  end

  local done = '{"event":"done","ok":true}'
  local counts = '{"event":"stream_done","instance":"s","resource":"r","rows_read":10,'
    .. '"rows_loaded":9,"rows_dead":1,"bytes":9007199254740993}'

  it("keeps a run with its counts and each event as it came", function()
    local handle <close> = run("20260301-1", { counts, done })
    local latest = assert(catalog.find(handle))
    assert.equal("20260301-1", latest.run_id)
    assert.equal("ok", latest.status)
    assert.equal("713", latest.client)
    assert.equal("p.lua", latest.pipeline)
    assert.equal(9, latest.rows_loaded)
    assert.is_true(latest.finished_at >= latest.started_at)
    local events = assert(catalog.events(handle, latest.run_id))
    assert.equal(2, #events)
    assert.equal(counts, events[1].json)
  end)

  it("keeps the first error, not the last", function()
    local handle <close> = run("1", {
      '{"event":"error","class":"data","message":"first","place":"a.csv:3"}',
      '{"event":"error","class":"bug","message":"second"}', '{"event":"done","ok":false}',
    })
    local latest = assert(catalog.find(handle))
    assert.equal("failed", latest.status)
    assert.equal("data", latest.class)
    assert.equal("first", latest.error)
    assert.equal("a.csv:3", latest.place)
  end)

  it("keeps of the log what was asked for, and of the progress a little", function()
    local progress = '{"event":"progress","instance":"s","resource":"r","rows":1}'
    local lines = {
      '{"event":"log","level":"info","message":"no"}', progress, progress, progress,
      '{"event":"log","level":"error","message":"yes"}', done,
    }
    local handle <close> = run("1", lines, nil, { level = "warning" })
    local names = {}
    for i, event in ipairs(assert(catalog.events(handle, "1"))) do names[i] = event.event end
    assert.same({ "progress", "log", "done" }, names)
  end)

  it("finds a run by the first letters of its id", function()
    run("20260301-aa", { done }):close()
    local handle <close> = run("20260302-bb", { done })
    assert.equal("20260301-aa", assert(catalog.find(handle, "20260301")).run_id)
    assert.equal("20260302-bb", assert(catalog.find(handle)).run_id)
    local _, problem = catalog.find(handle, "2026")
    assert.matches("20260302-bb", problem.hint, 1, true)
    _, problem = catalog.find(handle, "x")
    assert.equal("not_found", problem.class)
  end)

  it("calls a run lost whose process is gone", function()
    local handle <close> = run("1", { done })
    local gone = { "2", "run", nil, nil, require("host.system").host_name(), "1", "1", "5" }
    assert(handle:query("run_begin", gone, 8))
    assert.equal("lost", assert(catalog.find(handle, "2")).status)
    local pid, started = require("host.system").process()
    local alive = { "3", "run", nil, nil, gone[5], tostring(pid), tostring(started), "5" }
    assert(handle:query("run_begin", alive, 8))
    assert.equal("running", assert(catalog.find(handle, "3")).status)
  end)

  it("forgets runs that are older than it is told to keep", function()
    local handle = run("1", { done })
    local old = { "0", "run", nil, nil, "h", "1", "1", "5" }
    assert(handle:query("run_begin", old, 8))
    handle:close()
    local again <close> = run("2", { done })
    local ids = {}
    for i, one in ipairs(assert(catalog.runs(again, nil, 10))) do ids[i] = one.run_id end
    assert.same({ "2", "1" }, ids)
  end)

  it("does not stop a run when it cannot be written", function()
    local files = require "host.files"
    assert(files.write(found.root .. "/.etlhost", "a file where the folder should be"))
    local out, said = support.terminal()
    local made = job.new { spec = { op = "run", run_id = "1" }, title = "713" }
    local code = session.run({ out = out, err = out }, { made },
      { verb = "run", project = found, command = support.engine { done } })
    assert.equal(0, code)
    assert.matches("this run is not in the catalog", said(), 1, true)
  end)
end)
