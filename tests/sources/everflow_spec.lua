-- Everflow as far as its documents and its users tell, against a scripted server: what comes in odd
-- ways loads exactly, or stops with a name.
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local process = require "tests.support.process"
local scenario = require "tests.support.everflow"
local target = require "tests.support.target"

-- The three days before today, since clicks are kept for some months only.
local function day(back) return os.date("!%Y-%m-%d", os.time() - back * 86400) end
local FIRST, SECOND, TODAY = day(3), day(2), day(1)

describe("everflow", function()
  local server
  setup(function()
    server = http.start(scenario, { set = { first = FIRST, second = SECOND } })
  end)
  teardown(function() server:stop() end)

  -- Runs some resources of the account that a key stands for. options: settings, to, folder.
  local function run(account, resources, options)
    options = options or {}
    local folder = options.folder or files.temp()
    if not options.folder then
      files.write(folder .. "/config/etlhost.yaml",
        ('version: 1\nnetwork: { allow_private: ["%s"] }\n'):format(server.address))
      files.write(folder .. "/config/clients/acme.yaml", ([[
version: 1
id: "acme"
start: %s
sources:
  everflow:
    base_url: "%s/v1"
    api_key: { env: EVERFLOW_KEY }
    until: "%s"
    resources: [%s]
%s]]):format(FIRST, server.url, TODAY, resources, options.settings or ""))
      files.write(folder .. "/pipelines/p.lua", 'return require "etl.pipeline" {}\n')
    end
    local to = options.to or target.sqlite()
    process.run { "curl", "-s", server.url .. "/run?account=" .. account }
    local result = host.run(folder, to, { env = { EVERFLOW_KEY = account } })
    return result, to, folder
  end

  local function must(account, resources, options)
    local result, to, folder = run(account, resources, options)
    assert.equal(0, result.code, tostring(result))
    return to, folder, result
  end

  it("loads the network, its lists page by page, and the meta lists", function()
    local to = must("main", "network, offers, affiliates, advertisers, timezones")
    assert.same({ "2147483649", "2147483650", "2147483651", "2147483652" },
      to:values("everflow_offers", "network_offer_id", "network_offer_id"))
    assert.equal("'$0.00'", to:values("everflow_offers", "today_revenue", "network_offer_id")[1])
    assert.equal(1, to:count "everflow_network")
    assert.equal(1, to:count "everflow_advertisers")
    assert.is_false(to:has_table "everflow_affiliates")
    assert.equal(2, to:count "everflow_timezones")
    assert.equal(3, #server:requests "^/v1/networks/offers" + 1)
  end)

  it("reads a slice again whose pages shift, and keeps events beside their conversions", function()
    local to = must("unstable", "conversions", { to = target.postgres {} })
    assert.equal(4, to:count "everflow_conversions")
    assert.equal("a,b,c,d", to:sql [[select string_agg(conversion_id, ',' order by conversion_id)
      from etl.everflow_conversions]])
    assert.equal("007|00012345|12.5", to:sql [[select sub1, order_id, payout
      from etl.everflow_conversions where conversion_id = 'a']])
    assert.equal("1", to:sql "select count(*) from etl.everflow_conversions where is_event")
  end)

  it("merges a conversion that was approved later", function()
    local to, folder = must("approved", "conversions")
    must("approved", "conversions", { to = to, folder = folder })
    assert.same({ "'approved'" }, to:values("everflow_conversions", "status", "conversion_id"))
    assert.same({ "'13'" }, to:values("everflow_conversions", "payout", "conversion_id"))
    local cursor = to:sql("select cursor from " .. to:book "streams")
    assert.matches(TODAY .. "T00:00:00Z", cursor, 1, true)
  end)

  it("takes a null list for none where nothing is counted", function()
    local to = must("none", "conversions")
    assert.is_false(to:has_table "everflow_conversions")
  end)

  it("says when rows that are counted do not come", function()
    local _, _, result = must("missing", "conversions")
    assert.matches("1 conversions came of the 2", result.out .. result.err, 1, true)
  end)

  it("stops with a name where an answer is not what was asked for", function()
    for account, expected in pairs {
      stuck = { host.exit.network, "page 1 came where page 2 was asked for" },
      lying = { host.exit.network, "Internal trouble" },
      revoked = { host.exit.auth, "is the key right" },
      wrong = { host.exit.auth, "api-eu.eflow.team" },
      partner = { host.exit.auth, "must be one of the Network API" },
    } do
      local result, to = run(account, "conversions")
      assert.equal(expected[1], result.code, tostring(result))
      assert.matches(expected[2], result.out .. result.err, 1, true)
      -- The cursor stays where it was.
      if to:has_table(to:book "streams") then
        assert.equal("\\N", to:sql("select max(cursor) from " .. to:book "streams"))
      end
    end
  end)

  it("waits and asks again when Everflow has too much to do", function()
    must("busy", "network")
  end)

  it("halves the time until no answer is cut off", function()
    local to, _, result = must("main", "clicks")
    assert.equal(19003, to:count "everflow_clicks")
    assert.matches("others are lost", result.out .. result.err, 1, true)
  end)

  it("restates the days of the report, but none that comes back empty", function()
    local to, folder = must("numbers", "report")
    assert.equal(4, to:count "everflow_report")
    local _, _, result = must("numbers", "report", { to = to, folder = folder })
    assert.equal(4, to:count "everflow_report")
    assert.same({ "2", "5", "1", "5" }, to:values("everflow_report", "cv", "date, affiliate_id"))
    assert.same({ "'Spring \"sale\"'" },
      { to:values("everflow_report", "offer", "date, affiliate_id")[1] })
    assert.matches("is left as it was", result.out .. result.err, 1, true)
  end)

  it("splits a day of the report that has too many rows", function()
    local to = must("wide", "report")
    assert.equal(4, to:count "everflow_report")
    assert.same({ "'7'", "'8'", "'7'", "'8'" },
      to:values("everflow_report", "affiliate_id", "date, affiliate_id"))
  end)

  it("has the days of the report's own zone", function()
    local before = #server:requests "entity/table"
    must("numbers", "report", { settings = "    timezone_id: 80\n" })
    local asked = server:requests "entity/table"
    assert.matches('"timezone_id":80', asked[before + 1].body, 1, true)
    assert.matches('"from":"' .. day(4), asked[before + 1].body, 1, true)
  end)
end)
