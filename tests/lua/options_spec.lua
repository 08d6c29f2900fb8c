-- The command line: what is understood, and what is answered to what is not.

local options = require "host.options"

local verb = {
  name = "load",
  path = "load",
  usage = "load FILE... --into TABLE",
  summary = "Loads.",
  positionals = { { "FILE", required = true, many = true, help = "a file" } },
  options = {
    { "into", value = "TABLE", help = "the table" },
    { "client", value = "C", many = true, help = "whose" },
    { "limit", value = "N", integer = true, help = "how many" },
    { "format", value = "F", one_of = { "table", "csv" }, help = "how" },
    { "dry-run", help = "write nothing" },
  },
  foreign = { table = "the word here is --into" },
}

local function refused(words)
  local args, problem = options.parse(verb, words)
  assert.is_nil(args)
  assert.equal("config", problem.class)
  return problem
end

describe("the command line", function()
  it("takes options in both spellings, between the arguments", function()
    local args = options.parse(verb, {
      "a.csv", "--into", "t", "--client=1", "b.csv", "--client", "2", "--dry-run", "--limit", "10",
    })
    assert.same({ "a.csv", "b.csv" }, args.file)
    assert.same({ "1", "2" }, args.client)
    assert.equal("t", args.into)
    assert.is_true(args.dry_run)
    assert.equal(10, args.limit)
  end)

  it("takes what follows -- as it is, and - as an argument", function()
    local args = options.parse(verb, { "-", "--", "--into" })
    assert.same({ "-", "--into" }, args.file)
  end)

  it("answers an unknown option with the nearest one", function()
    assert.equal("did you mean --client?", refused({ "a", "--cleint", "1" }).hint)
    assert.equal("did you mean --dry-run?", refused({ "a", "--dryrun" }).hint)
  end)

  it("answers another tool's word with ours", function()
    assert.equal("the word here is --into", refused({ "a", "--table", "t" }).hint)
  end)

  it("refuses values that do not fit, and options twice", function()
    assert.matches("table, csv", refused({ "a", "--format", "xml" }).message, 1, true)
    assert.matches("takes a number", refused({ "a", "--limit", "-1" }).message, 1, true)
    assert.matches("needs a value", refused({ "a", "--into" }).message, 1, true)
    assert.matches("takes no value", refused({ "a", "--dry-run=yes" }).message, 1, true)
    assert.matches("twice", refused({ "a", "--into", "x", "--into", "y" }).message, 1, true)
  end)

  it("names a missing argument", function()
    assert.matches("FILE is missing", refused({ "--into", "t" }).message, 1, true)
  end)
end)

describe("every verb", function()
  local verbs = require "host.verbs"

  local function each(list, visit)
    for _, v in ipairs(list) do
      visit(v)
      each(v.verbs or {}, visit)
    end
  end

  it("has a summary, help for each word, and something to run", function()
    each(verbs.root.verbs, function(v)
      assert.is_string(v.summary, v.path)
      assert.is_true(v.run ~= nil or v.verbs ~= nil, v.path)
      for _, option in ipairs(v.options or {}) do
        assert.is_string(option.help, v.path .. option[1])
      end
      for _, p in ipairs(v.positionals or {}) do assert.is_string(p.help, v.path .. p[1]) end
    end)
  end)

  it("has no word of another tool that is also ours", function()
    each(verbs.root.verbs, function(v)
      for _, option in ipairs(v.options or {}) do
        assert.is_nil((v.foreign or {})[option[1]], v.path .. " --" .. option[1])
      end
    end)
  end)
end)
