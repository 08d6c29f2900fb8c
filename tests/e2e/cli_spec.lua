-- The verbs around a load: preview, check, init, help.
local files = require "tests.support.files"
local host = require "tests.support.host"

local function ok(arguments, options)
  local result = host.etlhost(arguments, options)
  assert.equal(0, result.code, tostring(result))
  return result
end

describe("preview", function()
  local CSV = "id,big,amount\n007,12345678901234567890,12.10\n008,1,3\n"

  it("shows the rows and the reason for each type, and writes nothing", function()
    local folder = files.temp()
    files.write(folder .. "/a.csv", CSV)
    local result = ok({ "preview", "a.csv" }, { cwd = folder })
    assert.matches("007", result.out, 1, true)
    assert.matches("numeric", result.out .. result.err)
    assert.matches("leading zero", (result.out .. result.err):lower())
    local left = {}
    for name in require "lfs".dir(folder) do
      if not name:find "^%.%.?$" then left[#left + 1] = name end
    end
    assert.same({ "a.csv" }, left)
  end)

  it("prints NDJSON that keeps every digit", function()
    local result = ok { "preview", host.file("a.csv", CSV), "--format", "ndjson" }
    local first = files.lines(result.out)[1]
    assert.matches('"007"', first, 1, true)
    assert.matches("12345678901234567890", first, 1, true)
    assert.matches("12.10", first, 1, true)
  end)

  it("prints CSV that loads again, and stops at --limit", function()
    local result = ok { "preview", host.file("a.csv", CSV), "--format", "csv", "--limit", "1" }
    assert.equal(2, #files.lines(result.out))
    assert.matches("007", result.out, 1, true)
  end)

  it("lists broken rows on standard error, and its exit code says so", function()
    local result = host.etlhost { "preview", host.file("a.csv", "a,b\n1,2\n3\n4,5\n") }
    assert.equal(host.exit.dead_rows, result.code, tostring(result))
    assert.matches("a.csv:3", result.err, 1, true)
    assert.not_matches("a.csv:3", result.out, 1, true)
  end)
end)

describe("init", function()
  it("writes a project whose check and run pass", function()
    local folder = files.temp()
    ok({ "init", "shop" }, { cwd = folder })
    for _, name in ipairs { "config/etlhost.yaml", ".gitignore", ".env" } do
      assert.is_true(files.exists(folder .. "/shop/" .. name), name)
    end
    ok({ "check" }, { cwd = folder .. "/shop" })
    ok({ "run", "pipelines/sync.lua" }, { cwd = folder .. "/shop" })
  end)

  it("overwrites nothing", function()
    local folder = files.temp()
    files.write(folder .. "/config/etlhost.yaml", "version: 1 # mine\n")
    host.etlhost({ "init" }, { cwd = folder })
    assert.equal("version: 1 # mine\n", files.read(folder .. "/config/etlhost.yaml"))
  end)
end)

describe("check", function()
  it("passes on the project of the repository", function()
    ok({ "check" }, { cwd = host.root })
  end)

  it("gives all errors at once, with place, line, caret and the nearest name", function()
    local project = host.project {
      client = "timezone: Europe/Belrin\ndestinatoin: x\n",
      pipeline = 'return require "etl.pipeline" { s3_exports = { orders = { colums = {} } } }\n',
    }
    local result = host.etlhost({ "check" }, { cwd = project })
    assert.equal(host.exit.config, result.code, tostring(result))
    local said = result.out .. result.err
    assert.matches("config/clients/acme.yaml:5", said, 1, true)
    assert.matches("destination", said, 1, true)
    assert.matches("columns", said, 1, true)
    assert.matches("p.lua:1", said, 1, true)
    assert.matches("^", said, 1, true)
  end)

  it("answers the words of other tools with ours", function()
    local project = host.project {
      pipeline = [[return require "etl.pipeline" {
        s3_exports = { orders = { primary_key = "id" } } }]],
    }
    local result = host.etlhost({ "check" }, { cwd = project })
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("key", result.out .. result.err)
  end)

  it("evaluates scripts behind the wall: one that loops is a named failure", function()
    local project = host.project { pipeline = "while true do end\n",
      config = "limits: { deadline: 1s }\n" }
    local result = host.etlhost({ "check" }, { cwd = project })
    assert.not_equal(0, result.code)
  end)
end)

describe("help", function()
  it("is there for the program and for every verb", function()
    local all = ok { "--help" }
    for _, verb in ipairs { "run", "load", "preview", "init", "check", "state", "dead", "runs" } do
      assert.matches(verb, all.out, 1, true)
      assert.matches(verb, ok({ verb, "--help" }).out, 1, true)
    end
  end)

  it("names the nearest pipeline", function()
    local result = host.etlhost({ "run", "pipelines/q.lua" }, { cwd = host.project {} })
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("did you mean pipelines/p.lua?", result.err, 1, true)
  end)

  it("names the nearest verb", function()
    local result = host.etlhost { "laod" }
    assert.equal(host.exit.config, result.code)
    assert.matches("load", result.err, 1, true)
  end)
end)
