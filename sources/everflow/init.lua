-- everflow: an affiliate network's offers, partners, advertisers, conversions, clicks and reports.
-- See README.md for the settings, limits and quirks.
local lists = require "sources.everflow.lists"
local reports = require "sources.everflow.reports"
local service = require "sources.everflow.service"
local source = require "etl.source"
local sums = require "sources.everflow.sums"

local function meta(name)
  return {
    description = "what Everflow calls its " .. name, write = "replace",
    extract = function(ctx)
      ctx:emit(service.ask(ctx, { url = "meta/" .. name }):rows(name))
    end,
  }
end

local TIME = { type = "timestamp", epoch = "s" }

-- Text whatever it looks like: what partners and advertisers put into their links.
local function with_texts(columns)
  for _, prefix in ipairs { "sub", "adv" } do
    for i = 1, 5 do columns[prefix .. i] = "text" end
  end
  for _, name in ipairs { "transaction_id", "source_id" } do columns[name] = "text" end
  return columns
end

local conversion_columns = with_texts {
  conversion_id = "text", order_id = "text", coupon_code = "text", email = "text", notes = "text",
  app_id = "text", os_version = "text", error_message = "text",
  conversion_unix_timestamp = TIME, click_unix_timestamp = TIME,
  payout = "numeric", revenue = "numeric", sale_amount = "numeric",
}

local entity_columns = {
  name = "text", internal_notes = "text", today_revenue = "text", last_login = "bigint",
  time_created = TIME, time_saved = TIME,
}

local report_columns = { date = "date" }
for _, name in ipairs { "ctr", "cvr", "evr", "cpc", "cpm", "cpa", "epc", "rpc", "rpa", "rpm",
  "payout", "revenue", "event_revenue", "gross_sales", "profit", "margin", "roas", "avg_sale_value",
  "media_buying_cost" } do
  report_columns[name] = "numeric"
end

return source {
  name = "everflow",
  help = "offers, partners, advertisers, conversions, clicks and reports of an Everflow network",
  config = {
    base_url = { type = "url", default = "https://api.eflow.team/v1",
      help = "accounts in the EU: https://api-eu.eflow.team/v1" },
    api_key = { type = "secret", secret = true, help = "a key of the Network API" },
    lag = { type = "duration", default = "30d",
      help = "how far back conversions are read again: they change until they are approved" },
    clicks_lag = { type = "duration", default = "1d", help = "the same of clicks" },
    report_lag = { type = "duration", default = "30d", help = "the same of the report's days" },
    report_columns = { type = "list", default = { "offer", "affiliate" },
      help = "what the report is by, beside the day: up to 9 names of Everflow's" },
    timezone_id = { type = "integer", default = 67, help = "of the report's days; 67 is UTC" },
    currency = { type = "string", default = "USD", help = "of the report" },
    deleted_offers = { type = "boolean", default = true,
      help = "ask for deleted offers, too, which the list of offers leaves out" },
    ["until"] = { type = "instant", optional = true,
      help = "a day or time in UTC at which reading ends; now" },
  },
  hosts = { "{base_url}" },
  rate = "20/s",
  resource_options = {
    relationships = { type = "list", optional = true,
      help = "of offers, affiliates, advertisers: related objects, such as labels" },
  },
  resources = {
    network = {
      description = "the network itself", key = "network_id", columns = entity_columns,
      extract = function(ctx) ctx:emit(service.ask(ctx, { url = "networks" }):rows()) end,
    },
    offers = {
      description = "one offer", key = "network_offer_id", columns = entity_columns,
      extract = lists.offers,
    },
    affiliates = {
      description = "one partner", key = "network_affiliate_id", columns = entity_columns,
      extract = lists.of("networks/affiliates", "affiliates", "network_affiliate_id"),
    },
    advertisers = {
      description = "one advertiser", key = "network_advertiser_id", columns = entity_columns,
      extract = lists.of("networks/advertisers", "advertisers", "network_advertiser_id"),
    },
    conversions = {
      description = "one conversion, or one event after it (is_event)", key = "conversion_id",
      columns = conversion_columns, extract = reports.conversions,
    },
    clicks = {
      description = "one click", key = "transaction_id",
      columns = with_texts { unix_timestamp = TIME }, extract = reports.clicks,
    },
    report = {
      description = "sums of one day, by report_columns", write = "restate", cursor = "date",
      columns = report_columns, extract = sums.report,
    },
    timezones = meta "timezones", currencies = meta "currencies", countries = meta "countries",
  },
}
