-- The words of other tools, wherever they are written, are answered with ours.

local checking = require "host.checking"
local options = require "host.options"
local support = require "tests.lua.support"
local verbs = require "host.verbs"
local words = require "host.words"
local workspace = require "host.workspace"

local function hint_of(path, word)
  local verb = verbs.root
  for name in path:gmatch "%S+" do verb = verbs.find(verb, name) end
  local _, problem = options.parse(verb, { "--" .. word .. "=x" })
  return problem.hint
end

describe("words of other tools", function()
  it("are answered on the command line by the verb's own option", function()
    assert.equal("the word here is --key", hint_of("load", "primary-key"))
    assert.equal("the word here is --write", hint_of("load", "write_disposition"))
    assert.equal("the word here is --cursor", hint_of("load", "cursor-path"))
    assert.equal("the word here is --into", hint_of("load", "dest-table"))
    assert.equal("the word here is --destination", hint_of("run", "dest-uri"))
    assert.equal("the word here is --resource", hint_of("run", "streams"))
    assert.equal("the word here is --parallel", hint_of("run", "threads"))
    assert.equal("the word here is --template", hint_of("client add", "extends"))
  end)

  it("say where ours belongs when it is no option", function()
    assert.matches("the word is `key`, of a resource", hint_of("run", "primary_key"), 1, true)
    assert.matches("the word is `timezone`, at the top of a client's file", hint_of("run", "tz"), 1,
      true)
  end)

  it("are answered where they stand in YAML and in Lua, all at once", function()
    local folder, remove = support.folder {
      ["config/etlhost.yaml"] = "version: 1\nprofiles: {}\n",
      ["config/clients/1.yaml"] = [[
version: 1
id: "1"
connection: pg
sources:
  shop:
    use: s3_exports
    url: file:data
    prefixes:
      orders: { primary_key: id, write_disposition: merge, sync_mode: x, cursor_path: u }
  other: { use: s3_exports, url: file:data, primaryKey: id, prefixes: {} }
  pg: { use: tap-postgres }
  hub: { use: tap_github }
  streams: { streams: [a] }
]],
      ["data/orders/a.csv"] = "a\n1\n",
      ["pipelines/a.lua"] = 'return require "etl.pipeline" { shop = { orders = {\n'
        .. '  incremental = "x", data_selector = "y", full_refresh = true } } }\n',
    }
    local space = assert(workspace.open { folder = folder })
    local result = checking.run(space, { "pipelines/a.lua" })
    remove()
    local said = {}
    for i, problem in ipairs(result.problems) do
      said[i] = problem.message .. " / " .. (problem.hint or "")
    end
    local text = table.concat(said, "\n")
    for _, expected in ipairs {
      'no setting "profiles" here / the word here is `connections`',
      'no setting "connection" here / the word here is `destination: { connection: NAME }`',
      '"primary_key": the word here is `key`', '"write_disposition": the word here is `write`',
      '"sync_mode": the word here is `write`, with', '"cursor_path": the word here is `cursor`',
      '"primaryKey": the word is `key`, of a resource',
      '"incremental": the word here is `cursor`', '"data_selector": the word here is `records`',
      '"full_refresh": that is no property of a resource',
      '"tap-postgres" does not fit / a source is a Lua file here',
      '"sources.tap_github" in the project', '"streams" is not a word of ours / the word here is',
    } do
      assert.matches(expected, text, 1, true)
    end
    assert.matches('tap_github"[^\n]* / a source is a Lua file here', text)
  end)

  it("name none that is no word of ours", function()
    -- What a section answers with one word has to be there where it is written.
    local described = require("host.describing").sources { "s3_exports" }
    local settings = require "host.settings"
    local known = {
      resource = described.s3_exports.options, client = settings.client.fields,
      project = settings.project.fields, entry = settings.source_fields,
      destination = settings.client.fields.destination.fields,
      connection = settings.project.fields.connections.each.fields,
    }
    local later = { nested = true } -- of another feature's words
    for place, names in pairs(known) do
      for word, ours in pairs(words[place]) do
        if ours:match "^[%w_-]+$" and not later[ours] then
          assert.is_truthy(names[ours], ("%s: %s -> %s"):format(place, word, ours))
          assert.is_nil(names[word], ("%s: %s is ours already"):format(place, word))
        end
      end
    end
  end)
end)
