-- s3:// and http:// addresses on the command line, in the place of files.
local host = require "tests.support.host"
local s3 = require "tests.support.s3"
local target = require "tests.support.target"

local csv = s3.csv

describe("an address on the command line", function()
  local store
  after_each(function() store:stop() end)
  local env = { AWS_ACCESS_KEY_ID = "AKID", AWS_SECRET_ACCESS_KEY = "se/cr+et000" }
  local function load(words, to, more)
    local arguments = { "load", words, "--into", "t", "--s3-endpoint", store.url }
    for _, word in ipairs(to:arguments()) do arguments[#arguments + 1] = word end
    for _, word in ipairs(more or {}) do arguments[#arguments + 1] = word end
    return host.etlhost(arguments, { env = env })
  end

  it("names one object, or those that fit a pattern", function()
    store = s3.start { page = 2 }
    for i = 1, 3 do store:put("orders/" .. i .. ".csv", csv(i, i)) end
    store:put("orders/deep/4.csv", csv(4, 4))
    local to = target.sqlite()
    assert.equal(0, load("s3://acme/orders/1.csv", to).code)
    assert.equal("s3://acme/orders/1.csv", to:sql "select _file from t")
    assert.equal(0, load("s3://acme/orders/*.csv", to).code)
    assert.equal(3, to:count "t")
    assert.equal(0, load("s3://acme/orders/", to).code)
    assert.equal(4, to:count "t")
    local none = load("s3://acme/nothing/*.csv", to)
    assert.equal(host.exit.config, none.code, tostring(none))
    assert.matches("no object of the bucket acme fits", none.out .. none.err, 1, true)
    local preview = host.etlhost({ "preview", "s3://acme/orders/2.csv", "--s3-endpoint", store.url,
      "--format", "csv" }, { env = env })
    assert.equal("id,name\n2,name 2\n", preview.out)
  end)

  it("of a web server is loaded once, known by its etag or by its bytes", function()
    store = s3.start { public = true }
    store:put("a.csv", csv(1, 5))
    local to, url = target.sqlite(), store.url .. "/acme/a.csv"
    assert.equal(0, load(url, to).code)
    assert.equal(url, to:sql "select _file from t limit 1")
    assert.matches("1 file already loaded", load(url, to).out, 1, true)
    assert.equal(5, to:count "t")
    store:put("a.csv", csv(1, 7))
    assert.equal(0, load(url, to).code)
    assert.equal(7, to:count "t")
    assert.equal(host.exit.config, load(store.url .. "/acme/none.csv", to).code)
  end)
end)
