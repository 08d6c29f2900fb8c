-- Secrets of a client's sources: where they may come from, and that no trace of them stays.
local files = require "tests.support.files"
local host = require "tests.support.host"
local target = require "tests.support.target"

local VALUE = "s3cr3t/value+of-acme"

local SOURCE = [[
local source = require "etl.source"
return source {
  name = "crm",
  config = { url = "url", key = "secret", other = "secret?", deep = "map?" },
  resources = { people = {
    key = "id", row = function(row) if row.name == "raise" then error("row " .. row.id) end end,
    extract = function(ctx)
      ctx:log("the key is %s", ctx.settings.key)
      ctx:log("basic is %s", ctx:basic("me", ctx.settings.key))
      ctx:log("of plain text: %s", ctx:hash { algorithm = "sha1", text = "abc" })
      local ok, problem = pcall(ctx.hmac, ctx, { algorithm = "sha256", text = "x" })
      ctx:log("refused: %s", tostring(problem))
      for file in ctx:files { location = ctx.settings.url } do ctx:load(file) end
      if ctx.settings.deep then error("failed with " .. ctx.settings.deep.token) end
    end,
  } },
}
]]

local function project(settings, rows)
  local folder = host.project { exports = { ["people.csv"] = rows or "id,name\n1,Ada\n" } }
  files.write(folder .. "/sources/crm.lua", SOURCE)
  files.write(folder .. "/secrets/key", VALUE .. "\n")
  files.write(folder .. "/config/clients/acme.yaml",
    'version: 1\nid: acme\nname: Acme\nsources:\n  crm:\n    url: "file:exports"\n' .. settings)
  return folder
end

describe("a source's secrets", function()
  it("reach the script as handles, from a variable, a file or a program", function()
    for _, said in ipairs { "{ env: CRM_KEY }", "{ file: secrets/key }",
      "{ cmd: [printf, '%s', " .. VALUE .. "] }", "{ cmd: printf " .. VALUE .. " }" } do
      local result = host.run(project("    key: " .. said .. "\n"), target.sqlite(),
        { env = { CRM_KEY = VALUE }, more = { "--json" } })
      assert.equal(0, result.code, tostring(result))
      assert.matches("the key is {{secret:%x+:crm%.key}}", result.out)
      assert.matches("basic is Basic {{secret:%x+:crm%.@base64%-1}}", result.out)
      assert.matches("a9993e364706816aba3e25717850c26c9cd0d89d", result.out, 1, true)
      assert.matches("ctx:hmac: key is missing", result.out, 1, true)
      assert.not_matches(VALUE, tostring(result.out .. result.err), 1, true)
    end
  end)

  it("that are missing stop the run before it begins; check only notes it", function()
    local folder = project "    key: { file: secrets/key }\n    other: { env: NOT_SET }\n"
    local result = host.run(folder, target.sqlite())
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("the variable NOT_SET is not set", result.out, 1, true)
    assert.matches("config/clients/acme.yaml:8:12", result.out, 1, true)
    local check = host.etlhost({ "check" }, { cwd = folder })
    assert.equal(0, check.code, tostring(check))
    assert.matches("the variable NOT_SET is not set (config/clients/acme.yaml:8:12)", check.out, 1,
      true)
  end)

  it("are not run by check, which refuses one that is written", function()
    local folder = project "    key: { cmd: [touch, ran] }\n    other: { cmd: \"a | b\" }\n"
    local check = host.etlhost({ "check" }, { cwd = folder })
    assert.equal(host.exit.config, check.code, tostring(check))
    assert.matches("no shell reads it", check.out, 1, true)
    assert.is_false(files.exists(folder .. "/ran"))
    check = host.etlhost({ "check" }, { cwd = project("    key: " .. VALUE .. "\n") })
    assert.equal(host.exit.config, check.code)
    assert.matches("key must be named: { env: NAME }", check.out, 1, true)
  end)

  it("are masked in dead rows, errors, events and the preview", function()
    local base64 = "eHMzY3IzdC92YWx1ZStvZi1hY21l" -- of "x" and the value
    local rows = ("id,name\n1,%s\n2,raise\n3,%s,ragged\n4,%s,ragged\n"):format(VALUE, VALUE,
      base64) .. "5,s3cr3t%2Fvalue%2Bof-acme,r\n"
    local folder = project("    key: { file: secrets/key }\n    max_dead: { ratio: 1 }\n", rows)
    local to = target.sqlite()
    local result = host.run(folder, to, { more = { "--json" } })
    assert.equal(0, result.code, tostring(result))
    local preview = host.etlhost({ "preview", "crm.people" },
      { cwd = folder })
    local dead = to:sql "select group_concat(raw, char(10)) from _etl_dead_rows"
    assert.matches("3,***,ragged", dead, 1, true)
    assert.matches("4,eH***,ragged", dead, 1, true)
    assert.matches("5,***,r", dead, 1, true)
    assert.matches("***", preview.out, 1, true)
    for _, text in ipairs { result.out, result.err, dead, preview.out, preview.err,
      files.read(folder .. "/.etlhost/catalog.db") } do
      assert.not_matches("s3cr3t", text, 1, true)
      assert.not_matches("czNjcjN0", text, 1, true)
      assert.not_matches("MzY3IzdC92YW", text, 1, true)
    end
  end)
end)
