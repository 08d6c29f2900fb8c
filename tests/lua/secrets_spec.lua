-- Where secrets come from: variables, files, and what a program prints.
local files = require "tests.support.files"
local secrets = require "host.secrets"

describe("a secret", function()
  local folder, from
  setup(function()
    folder = files.temp()
    files.write(folder .. "/.env", "FROM_FILE='quoted # text'\n")
    files.write(folder .. "/key", "of a file\r\n\n")
    files.write(folder .. "/nothing", "\n")
    files.write(folder .. "/keeper", "#!/bin/sh\necho asked >>" .. folder .. "/log\n"
      .. "echo 's3cret $HOME'\n")
    files.write(folder .. "/refuses", "#!/bin/sh\necho 's3cret'\necho 'vault is\n locked' >&2\n"
      .. "exit 3\n")
    files.write(folder .. "/much", "#!/bin/sh\nwhile echo 0123456789012345678901234567; do :; done")
    os.execute(("chmod +x %s/keeper %s/refuses %s/much"):format(folder, folder, folder))
    from = secrets.new(folder, function(name) return name == "SET" and "of a variable" or nil end)
  end)

  local function refused(reference, ...)
    local value, problem = from:resolve(reference)
    assert.is_nil(value)
    for _, words in ipairs { ... } do assert.matches(words, problem.message, 1, true) end
    assert.not_matches("s3cret", tostring(problem), 1, true)
    assert.equal("config", problem.class)
    return problem
  end

  it("is a variable, a line of .env, or a file without its last line break", function()
    assert.equal("of a variable", from:resolve { env = "SET" })
    assert.equal("quoted # text", from:resolve { env = "FROM_FILE" })
    assert.equal("of a file", from:resolve { file = "key" })
    refused({ env = "UNSET" }, "the variable UNSET is not set")
    refused({ file = "nothing" }, "nothing is empty")
    assert.matches("cannot be read", select(2, from:resolve { file = "absent" }).message, 1, true)
  end)

  it("is what a program prints, which is run once and without a shell", function()
    assert.equal("s3cret $HOME", from:resolve { cmd = { folder .. "/keeper" } })
    assert.equal("s3cret $HOME", from:resolve { cmd = folder .. "/keeper" })
    assert.equal("asked\n", files.read(folder .. "/log"))
    assert.equal("a  $HOME", from:resolve { cmd = { "printf", "%s", "a  $HOME" } })
    assert.equal("a", from:resolve { cmd = "printf a" })
  end)

  it("is refused when the program fails, with its complaint and not its output", function()
    refused({ cmd = { folder .. "/refuses" } }, "exit status 3", "vault is locked")
    refused({ cmd = { "true" } }, '"true" printed nothing')
    refused({ cmd = { folder .. "/much" } }, "prints more than a secret")
    refused({ cmd = { "no-such-program" } }, '"no-such-program" cannot be run')
    refused({ cmd = { folder .. "/key" } }, "Permission denied")
    assert.matches("write its words as a list", refused({ cmd = "echo 'a b'" }, "blanks").hint, 1,
      true)
  end)

  it("that takes too long is ended", function()
    local process = require "host.process"
    local value, problem = process.output({ "sleep", "50" }, 50)
    assert.is_nil(value)
    assert.matches('"sleep" did not end within', problem.message, 1, true)
  end)

  it("of a source is resolved when the source is needed, and its place told", function()
    local client = { nonce = "ab", sources = {
      { instance = "a", secrets = {
        { key = "key", reference = { env = "SET" }, place = "c.yaml:1:1" } } },
      { instance = "b", secrets = {
        { key = "deep.key", reference = { env = "UNSET" }, place = "c.yaml:7:10" } } },
      { instance = "c", enabled = false, secrets = { { key = "key", reference = {} } } },
    } }
    local _, problem = from:of_sources(client)
    assert.equal("c.yaml:7:10", problem.place)
    assert.matches("b.deep.key", problem.trail, 1, true)
    assert.same({ nonce = "ab", values = {
      { instance = "a", key = "key", value = "of a variable" } } }, from:of_sources(client, "a"))
  end)
end)

describe("the secrets of a source", function()
  local spec = require "host.spec"

  local function hosts(fields)
    fields.addresses = fields.addresses or {}
    fields.instance, fields.roots, fields.settings = "a", {}, {}
    return spec.sources({ sources = { fields } })[1].hosts
  end

  it("may go to the hosts and addresses that the operator writes in the entry", function()
    assert.same({ "https://a.com/v1" }, hosts { use = "crm", addresses = { "https://a.com/v1" } })
    assert.same({ "b.com", "https://a.com" },
      hosts { use = "crm", hosts = { "b.com" }, addresses = { "https://a.com" } })
    assert.same({}, hosts { use = "crm" })
  end)

  it("of etlhost's own sources may go to their service", function()
    assert.same({ "api.eflow.team", "api-eu.eflow.team" }, hosts { use = "everflow" })
    assert.same({ "b.com", "api.eflow.team", "api-eu.eflow.team" },
      hosts { use = "everflow", hosts = { "b.com" } })
  end)
end)
