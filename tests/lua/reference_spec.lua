-- The pages that describe the program are about this program.

local config = require "host.config"
local files = require "host.files"
local project = require "host.project"
local reference = require "host.reference"
local settings = require "host.settings"
local support = require "tests.lua.support"
local template = require "host.template"
local verbs = require "host.verbs"

local root = os.getenv "ETLHOST_TEST_ROOT" or "."

describe("docs/reference/cli.md", function()
  it("is what `etlhost help --markdown` writes", function()
    assert.equal(reference.page(verbs.root), assert(files.read(root .. "/docs/reference/cli.md")))
  end)
end)

describe("docs/reference/config.md", function()
  local page = assert(files.read(root .. "/docs/reference/config.md"))

  it("names every setting", function()
    local function each(shape)
      for name, field in pairs(shape.fields or {}) do
        assert.matches("`" .. name .. "`", page, 1, true)
        each(field)
        if field.each then each(field.each) end
      end
    end
    each(settings.project)
    each(settings.client)
  end)
end)

describe("config/etlhost.yaml", function()
  it("shows every setting, and says nothing but the defaults", function()
    local text = assert(files.read(root .. "/config/etlhost.yaml"))
    for name in pairs(settings.project.fields) do
      assert.matches("\n" .. name .. ":", text, 1, true)
    end
    local spec = require "host.spec"
    local full, remove_full = support.folder { ["config/etlhost.yaml"] = text }
    local bare, remove_bare = support.folder { ["config/etlhost.yaml"] = "version: 1\n" }
    local a = config.load(assert(project.find { folder = full }))
    local b = config.load(assert(project.find { folder = bare }))
    remove_full()
    remove_bare()
    assert.same({}, a:all_problems())
    assert.same(spec.limits(b), spec.limits(a))
    assert.equal(spec.defaults.lanes, a.lanes)
    assert.equal(b.sandbox, a.sandbox)
    assert.equal(b.connections["local"].url, a.connections["local"].url)
  end)
end)

describe("what init writes", function()
  it("has no mistakes", function()
    local content = {}
    for _, file in ipairs(template.files()) do content[file[1]] = assert(file[2], file[1]) end
    local folder, remove = support.folder(content)
    local loaded = config.load(assert(project.find { folder = folder }))
    remove()
    assert.same({}, loaded:all_problems())
  end)
end)

describe("completion", function()
  it("is a script that bash takes", function()
    local out, said = support.terminal()
    assert.equal(0, require("host.cli.completion").run({ shell = "bash" }, { out = out }))
    local path, remove = support.folder { ["c.bash"] = said() }
    local asked = path .. "/c.bash; COMP_WORDS=(etlhost run --cl); COMP_CWORD=2; _etlhost; "
      .. 'echo "${COMPREPLY[*]}"; COMP_WORDS=(etlhost dead ""); COMP_CWORD=2; _etlhost; '
      .. 'echo "${COMPREPLY[*]}"; COMP_WORDS=(etlhost preview --format n); COMP_CWORD=3; _etlhost; '
      .. 'echo "${COMPREPLY[*]}"'
    local script = "complete() { :; }; . " .. asked
    local pipe = assert(io.popen("bash -c '" .. script:gsub("'", "'\\''") .. "'"))
    local answers = { pipe:read "l", pipe:read "l", pipe:read "l" }
    pipe:close()
    remove()
    assert.same({ "--client", "list show export retry discard", "ndjson" }, answers)
  end)
end)
