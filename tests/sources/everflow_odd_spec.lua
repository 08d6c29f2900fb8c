-- What is odd about Everflow, case by case (tests/support/everflow_odd.lua): exact rows, or an
-- error with a name and nothing loaded.
local everflow = require "tests.support.everflow_client"
local host = require "tests.support.host"
local http = require "tests.support.http"
local scenario = require "tests.support.everflow_odd"
local target = require "tests.support.target"

local day = everflow.day

describe("everflow", function()
  local server
  setup(function() server = http.start(scenario, { set = { first = day(3) } }) end)
  teardown(function() server:stop() end)

  local function run(...) return everflow.run(server, ...) end
  local function must(...) return everflow.must(server, ...) end
  local function asked(account, path)
    local list = {}
    for _, request in ipairs(server:requests(path)) do
      if request.headers["x-eflow-api-key"] == account then list[#list + 1] = request end
    end
    return list
  end
  local function all(result) return result.out .. result.err end
  local function ids(to)
    return table.concat(to:values("everflow_conversions", "conversion_id", "conversion_id"), " ")
  end

  describe("in pages", function()
    it("ends behind a last page that is full", function()
      assert.equal("'1' '2' '3' '4'", ids((must("full", "conversions", { upto = day(2) }))))
      assert.equal(2, #asked("full", "conversions"))
    end)

    it("goes on while the count grows, and ends when it shrinks", function()
      assert.equal("'1' '2' '3' '4' '5'", ids((must("grown", "conversions", { upto = day(2) }))))
      assert.equal("'1' '2'", ids((must("shrunk", "conversions", { upto = day(2) }))))
    end)

    it("reads the day again when a page comes twice", function()
      local to, _, result = must("twice", "conversions", { upto = day(2) })
      assert.equal("'1' '2' '3'", ids(to))
      assert.equal(4, #asked("twice", "conversions"))
      assert.is_nil(all(result):find("Everflow counts", 1, true))
    end)

    it("takes smaller pages where large ones are refused", function()
      assert.equal("'1' '2'", ids((must("small_pages", "conversions", { upto = day(2) }))))
      local sizes = {}
      for i, request in ipairs(asked("small_pages", "conversions")) do
        sizes[i] = request.target:match "page_size=(%d+)"
      end
      assert.same({ "2000", "500", "100" }, sizes)
    end)
  end)

  describe("has conversions", function()
    for i = 1, 2 do
      local fresh = target.list[i]
      it("with each digit and letter that came, in " .. fresh.name, function()
        local to, _, result = must("values", "conversions", { to = fresh.fresh() })
        assert.equal("3", to:sql("select count(*) from " .. to:name "everflow_conversions"))
        local function cell(id, column)
          return to:sql(("select %s from %s where conversion_id = '%s'"):format(column,
            to:name "everflow_conversions", id))
        end
        assert.equal("20|20.0|12.345678|EUR", table.concat({ cell("00017", "payout"),
          cell("00017", "revenue"), cell("00017", "sale_amount"), cell("00017", "currency_id") },
          "|"))
        local long = "12345678901234567890"
        assert.equal("\\N", cell(long, "revenue"))
        assert.equal(1000, tonumber(cell(long, "payout")))
        assert.equal("USD", cell(long, "currency_id"))
        assert.equal("00012345", cell(long, "order_id"))
        assert.equal("4294967297", cell(long, "network_offer_payout_revenue_id"))
        assert.equal("fb-é \u{1F600} {macro} %20", cell("u", "sub1"))
        assert.equal("007", cell("u", "sub2"))
        assert.equal("10240", cell("u", "length(http_user_agent)"))
        assert.matches("1970-01-01", cell("u", "click_unix_timestamp"), 1, true)
        -- Formatted money is no number, and no text of a database has a NUL.
        assert.matches("2 dead rows", all(result), 1, true)
        assert.matches("/reporting/conversions?page=1&page_size=2000 row 4  not a number (column "
          .. "payout)", all(result), 1, true)
        assert.matches("(column sub1)", all(result), 1, true)
      end)
    end

    it("with new keys, and those of late imports and corrections, 40 days on", function()
      local to, folder = must("more_keys", "conversions")
      must("more_keys", "conversions", { to = to, folder = folder })
      assert.same({ [['{"a":[1]}']] },
        to:values("everflow_conversions", "brand_new", "conversion_id"))
      to, folder = must("late", "conversions")
      must("late", "conversions", { to = to, folder = folder })
      assert.equal("'1' 'imported-later'", ids(to))
    end)

    it("that were corrected after 40 days, with a lag that reaches back so far", function()
      local old = http.start(scenario, { set = { first = day(42) } })
      local options = { start = day(43), settings = "    lag: 60d\n" }
      local to, folder = everflow.must(old, "approved", "conversions", options)
      assert.same({ "'pending'" }, to:values("everflow_conversions", "status", "conversion_id"))
      everflow.must(old, "approved", "conversions", { to = to, folder = folder })
      assert.same({ "'approved'" }, to:values("everflow_conversions", "status", "conversion_id"))
      assert.same({ "'13.50'" }, to:values("everflow_conversions", "payout", "conversion_id"))
      old:stop()
    end)

    it("of 365 days, whatever start says, and without the oldest when that is refused", function()
      local to, _, result = must("too_old", "conversions", { start = day(500), upto = day(362) })
      assert.matches("it is read from " .. day(364) .. " on, not from start (" .. day(500) .. ")",
        all(result), 1, true)
      assert.matches("the last 365 days", all(result), 1, true)
      assert.equal(("'%s 00:00:00'"):format(day(363)), ids(to))
      -- Without a start it is the same, and nothing to be told of.
      local again, _, said = must("too_old", "conversions", { start = "", upto = day(362) })
      assert.equal(("'%s 00:00:00'"):format(day(363)), ids(again))
      assert.is_nil(all(said):find("not from start", 1, true))
    end)

    it("and clicks in pieces when a day is too much for the service", function()
      local to = must("heavy", "conversions, clicks", { start = day(2) })
      assert.equal(("'%s 00:00:00' '%s 12:00:00'"):format(day(2), day(2)), ids(to))
      assert.equal(2, to:count "everflow_clicks")
    end)
  end)

  describe("is asked again", function()
    it("when it answers 500 with HTML, or JSON that is cut", function()
      assert.equal("'1'", ids((must("broken", "conversions", { upto = day(2) }))))
    end)

    it("when it refuses one of several requests at once", function()
      local to = must("crowded", "conversions, clicks, report", { upto = day(2) })
      assert.equal(1, to:count "everflow_conversions")
      assert.equal(1, to:count "everflow_clicks")
      assert.equal(1, to:count "everflow_report")
      assert.is_true(#asked("crowded", ".") > 3)
    end)
  end)

  it("stops at a page of HTML, and at answers of another shape", function()
    local result, to = run("down", "conversions")
    assert.equal(host.exit.network, result.code, tostring(result))
    assert.matches("HTML", all(result), 1, true)
    assert.matches("Maintenance", all(result), 1, true)
    assert.is_false(to:has_table "everflow_conversions")
    for account, expected in pairs {
      moved = "the answer has no paging.total_count",
      mapped = "affiliates is no list but a map",
    } do
      result, to = run(account, "affiliates")
      assert.equal(host.exit.network, result.code, tostring(result))
      assert.matches(expected, all(result), 1, true)
      assert.matches("the answer begins: {", all(result), 1, true)
      assert.is_false(to:has_table "everflow_affiliates")
    end
  end)

  describe("has lists", function()
    it("with deleted offers, which are asked for", function()
      local to, folder = must("offers_gone", "offers")
      assert.same({ "'active'", "'active'" },
        to:values("everflow_offers", "offer_status", "network_offer_id"))
      must("offers_gone", "offers", { to = to, folder = folder })
      assert.same({ "'active'", "'deleted'" },
        to:values("everflow_offers", "offer_status", "network_offer_id"))
      -- Its time_saved did not change.
      assert.equal("'renamed'", to:values("everflow_offers", "name", "network_offer_id")[1])
    end)

    it("without them where the filter is ignored, refused, or not wanted", function()
      for _, account in ipairs { "ignores", "refuses" } do
        assert.equal(1, (must(account, "offers")):count "everflow_offers")
        assert.equal(2, #asked(account, "offers") - (account == "refuses" and 3 or 0))
      end
      local before = #asked("ignores", "offers")
      must("ignores", "offers", { settings = "    deleted_offers: false\n" })
      assert.equal(1, #asked("ignores", "offers") - before)
    end)

    it("with related objects, which are asked for one by one", function()
      -- A map says what is different; all others are loaded, too.
      local options = "{ offers: { relationships: [ruleset, urls] }"
      for _, name in ipairs { "network", "affiliates", "advertisers", "conversions", "clicks",
        "report", "timezones", "currencies", "countries" } do
        options = options .. ", " .. name .. ": false"
      end
      local to = must("related", "", { settings = "    deleted_offers: false\n",
        resources = options .. " }" })
      assert.same({ [['{"ruleset":{},"urls":{"total":0,"entries":[]}}']], "NULL" },
        to:values("everflow_offers", "relationship", "network_offer_id"))
    end)

    it("whose rows change without a new time_saved", function()
      local to, folder = must("partners", "affiliates")
      must("partners", "affiliates", { to = to, folder = folder })
      assert.same({ "'inactive'" },
        to:values("everflow_affiliates", "account_status", "network_affiliate_id"))
      assert.same({ "'Café'" }, to:values("everflow_affiliates", "name", "network_affiliate_id"))
      assert.equal(1, to:count "everflow_affiliates")
    end)

    it("whose error is false, and a limit that is used up", function()
      assert.equal(1, (must("false_error", "affiliates")):count "everflow_affiliates")
    end)

    it("of what it calls time zones, currencies and countries", function()
      local to = must("meta", "network, timezones, currencies, countries")
      assert.same({ "67", "80" }, to:values("everflow_timezones", "timezone_id", "timezone_id"))
      assert.same({ "'EUR'" }, to:values("everflow_currencies", "currency_id", "currency_id"))
      assert.same({ "'DE'", "'FR'" }, to:values("everflow_countries", "country_code", "country_id"))
      assert.same({ "'USD'" }, to:values("everflow_network", "default_currency_id", "network_id"))
    end)
  end)

  describe("has sums", function()
    it("with each digit, of columns in any order, and of new ones", function()
      local to = must("metrics", "report", { upto = day(2) })
      local function cells(column) return to:values("everflow_report", column, "offer_id") end
      assert.same({ "'12.10'", "NULL" }, cells "payout")
      assert.same({ "'0.1'", "NULL" }, cells "roas")
      assert.same({ "'20.0'", "NULL" }, cells "rpa")
      assert.same({ "'1234567890123.4567'", "NULL" }, cells "margin")
      assert.same({ "NULL", "NULL" }, cells "profit")
      assert.equal(1000, tonumber((cells "revenue"[1]:gsub("'", ""))))
      assert.same({ "'20'", "'Spring'" }, cells "offer")
      assert.same({ "'20'", "'21'" }, cells "offer_id")
      assert.same({ "'7'", "'8'" }, cells "affiliate_id")
      assert.same({ "5", "NULL" }, cells "brand_new_metric")
    end)

    it("of nothing where the table is null", function()
      local result, to = run("empty_sums", "report")
      assert.equal(0, result.code, tostring(result))
      assert.is_false(to:has_table "everflow_report")
    end)

    it("of a day that is split by one column, and by a second one", function()
      local to = must("deep", "report", { upto = day(2) })
      assert.equal("1,1|1,2|2,2", to:sql [[select group_concat(p, '|') from (select
        offer_id || ',' || affiliate_id as p from everflow_report order by p)]])
    end)

    it("of nothing else than what it asked for", function()
      local result, to = run("unfiltered", "report")
      assert.equal(host.exit.network, result.code, tostring(result))
      assert.matches("Everflow ignored the filter", all(result), 1, true)
      assert.is_false(to:has_table "everflow_report")
    end)

    it("of no column that Everflow does not know", function()
      local result = run("misnamed", "report", { settings = "    report_columns: [ofer]\n" })
      assert.equal(host.exit.config, result.code, tostring(result))
      assert.matches("are these Everflow's names (report_columns: ofer)", all(result), 1, true)
    end)

    -- The latest n-th Sunday of a month, as seconds at its noon.
    local function changed(month, sunday)
      local now = os.date "!*t"
      for year = now.year, now.year - 1, -1 do
        local at = os.time { year = year, month = month, day = 1, hour = 12 }
        at = at + (8 - os.date("!*t", at).wday) % 7 * 86400 + (sunday - 1) * 7 * 86400
        if at < os.time() - 3 * 86400 then return at end
      end
    end

    it("of each day once where the clocks of its zone are changed", function()
      for _, at in ipairs { changed(3, 2), changed(11, 1) } do
        local function around(n) return os.date("!%Y-%m-%d", at + n * 86400) end
        local before = #asked("days", "entity")
        local to = must("days", "report", { start = around(-1), upto = around(2),
          settings = "    timezone_id: 80\n" })
        local days, list = { around(-2), around(-1), around(0), around(1) }, {}
        for i, request in ipairs(asked("days", "entity")) do
          local from = request.body:match '"from":"([%d-]+)"'
          local upto = request.body:match '"to":"([%d-]+)"'
          if i > before then
            list[#list + 1] = from
            assert.equal(from, upto)
          end
        end
        assert.same(days, list)
        assert.equal(table.concat(days, ","), to:sql [[select group_concat(date, ',') from
          (select date from everflow_report order by date)]])
      end
    end)
  end)
end)
