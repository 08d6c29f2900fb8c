-- What an operator asks afterwards: what is loaded, what ran, and how to do it again.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

for _, make in ipairs { target.list[1], target.list[2] } do
  describe("an operator with " .. make.name, function()
    local project, to
    before_each(function()
      to = make.fresh()
      project = host.project {
        config = host.connected(to),
        exports = { ["orders/1.csv"] = "id,v\n1,a\n2,b\n", ["orders/2.csv"] = "id,v\n3,c\n4\n" },
        pipeline = 'return require "etl.pipeline" { s3_exports = { orders = { table = "t" } } }\n',
      }
    end)

    local function ok(...)
      local result = host.etlhost({ ... }, { cwd = project })
      assert.equal(0, result.code, tostring(result))
      return result.out
    end

    it("sees what is loaded, and makes one file load again", function()
      ok("run", "pipelines/p.lua")
      assert.equal(3, to:count "t")
      local shown = ok("state", "show", "--files")
      assert.matches("orders/1.csv", shown, 1, true)
      -- It says what it will do, and without a word from the operator does nothing.
      local asked = host.etlhost({ "state", "reset", "orders", "--file", "orders/1.csv" },
        { cwd = project })
      assert.not_equal(0, asked.code, tostring(asked))
      assert.matches("orders/1.csv", asked.out .. asked.err, 1, true)
      ok("run", "pipelines/p.lua")
      assert.equal(3, to:count "t")
      ok("state", "reset", "orders", "--file", "orders/1.csv", "--yes")
      ok("run", "pipelines/p.lua")
      assert.equal(5, to:count "t")
    end)

    it("makes a whole stream load again after its rows are deleted", function()
      ok("run", "pipelines/p.lua")
      to:sql("delete from " .. to:name "t")
      ok("state", "reset", "orders", "--yes")
      ok("run", "pipelines/p.lua")
      assert.equal(3, to:count "t")
    end)

    it("finds each run with its outcome and its errors", function()
      ok("run", "pipelines/p.lua")
      files.write(project .. "/pipelines/p.lua", "error 'no such luck'\n")
      assert.not_equal(0, host.etlhost({ "run", "pipelines/p.lua" }, { cwd = project }).code)
      local list = ok("runs", "list")
      assert.equal(2, select(2, list:gsub("acme", "")), list)
      assert.matches("failed", list)
      assert.matches("no such luck", ok("runs", "show"), 1, true)
    end)

    it("sees the healthy clients when one file is broken", function()
      ok("run", "pipelines/p.lua")
      files.write(project .. "/config/clients/bad.yaml", "version: 1\nid: bad\nsorces: {}\n")
      files.write(project .. "/config/clients/far.yaml", "version: 1\nid: far\nsources: {}\n"
        .. "destination: { url: 'sqlite:config/etlhost.yaml' }\n")
      for _, words in ipairs { { "state", "show" }, { "dead", "list" } } do
        local result = host.etlhost(words, { cwd = project })
        assert.equal(0, result.code, tostring(result))
        assert.matches("acme", result.out, 1, true)
        assert.matches("left out client bad: .* %(config/clients/bad.yaml:3:1%)", result.err)
        assert.matches("left out a destination: ", result.err, 1, true)
        table.insert(words, "--client")
        table.insert(words, "bad")
        assert.equal(host.exit.config, host.etlhost(words, { cwd = project }).code)
      end
    end)

    it("sees one dead row whole", function()
      ok("run", "pipelines/p.lua")
      local id = to:sql("select dead_id from " .. to:book "dead_rows")
      local shown = ok("dead", "show", id)
      assert.matches("orders/2.csv:3", shown, 1, true)
      assert.matches("4", shown, 1, true)
    end)
  end)
end

describe("completion", function()
  it("is a script that bash takes, and completes verbs", function()
    local script = host.etlhost { "completion", "bash" }
    assert.equal(0, script.code, tostring(script))
    local folder = files.temp()
    files.write(folder .. "/c.bash", script.out)
    process.must { "bash", "-n", folder .. "/c.bash" }
    local reply = process.must({ "bash", "-c", "source ./c.bash; COMP_WORDS=(etlhost pre); "
      .. "COMP_CWORD=1; COMP_LINE='etlhost pre'; COMP_POINT=11; "
      .. "f=$(complete -p etlhost | sed 's/.*-F \\([^ ]*\\).*/\\1/'); $f etlhost pre etlhost; "
      .. "echo ${COMPREPLY[@]}" }, { cwd = folder,
      env = { PATH = host.program:match "^(.*)/" .. ":/usr/bin:/bin" } })
    assert.matches("preview", reply, 1, true)
  end)
end)
