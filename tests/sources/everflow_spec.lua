-- Everflow as far as its documents and its users tell, against a scripted server: what comes in odd
-- ways loads exactly, or stops with a name.
local everflow = require "tests.support.everflow_client"
local host = require "tests.support.host"
local http = require "tests.support.http"
local scenario = require "tests.support.everflow"
local target = require "tests.support.target"

local day = everflow.day
local FIRST, SECOND, TODAY = day(3), day(2), day(1)

describe("everflow", function()
  local server
  setup(function()
    server = http.start(scenario, { set = { first = FIRST, second = SECOND } })
  end)
  teardown(function() server:stop() end)

  local function run(...) return everflow.run(server, ...) end
  local function must(...) return everflow.must(server, ...) end

  it("loads the network, its lists page by page, and the meta lists", function()
    local to, _, result = must("main", "network, offers, affiliates, advertisers, timezones")
    assert.is_nil((result.out .. result.err):find("Everflow counts", 1, true))
    assert.same({ "2147483649", "2147483650", "2147483651", "2147483652" },
      to:values("everflow_offers", "network_offer_id", "network_offer_id"))
    assert.equal("'$0.00'", to:values("everflow_offers", "today_revenue", "network_offer_id")[1])
    assert.equal(1, to:count "everflow_network")
    assert.equal(1, to:count "everflow_advertisers")
    assert.is_false(to:has_table "everflow_affiliates")
    assert.equal(2, to:count "everflow_timezones")
    assert.equal(2 + 1, #server:requests "^/v1/networks/offers") -- two pages, and the deleted ones
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
    assert.matches("1 of the 2 that Everflow counts came", result.out .. result.err, 1, true)
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

  it("says what base_url is to be when a path is not there", function()
    local result = run("main", "network", { base = "/v2" })
    assert.equal(host.exit.config, result.code, tostring(result))
    assert.matches("base_url ends with /v1", result.out .. result.err, 1, true)
  end)

  it("waits and asks again when Everflow has too much to do", function()
    must("busy", "network")
  end)

  it("halves the time until no answer is cut off", function()
    local to, _, result = must("main", "clicks")
    assert.equal(19003, to:count "everflow_clicks")
    assert.matches("if there were others, they are lost", result.out .. result.err, 1, true)
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
