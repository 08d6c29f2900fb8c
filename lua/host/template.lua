-- What `etlhost init` writes. etlhost.yaml and the pipeline are those that etlhost itself carries.

local embedded = require "host.embedded"

local template = {}

local client = [[
# yaml-language-server: $schema=../schema/client.json
# A client: whose rows, and where they come from. A second client is a second file like this one.
version: 1
id: example                   # stands in every row as _client_id; never changes
name: Example Shop
timezone: Europe/Berlin
sources:
  shop:                       # an instance, with a name of your choice
    use: s3_exports           # files below a folder, by prefix
    url: file:exports
    prefixes:                 # each is a resource with a table of its own: shop's are
      orders: {}              #   exports/orders/* -> s3_exports_orders
      customers: {}           #   exports/customers/* -> s3_exports_customers
]]

local orders = [[
order_id,customer_id,ordered_at,amount,currency,note
1001,501,2026-03-01T09:15:00Z,49.90,EUR,
1002,502,2026-03-01T10:02:11Z,129.00,EUR,"gift wrap, please"
1003,501,2026-03-01T18:40:57Z,12.10,EUR,
]]

local customers = [[
customer_id,name,country,since
501,Ada Example,DE,2024-11-05
502,Björn Beispiel,NO,2025-02-28
]]

local ignore = [[
# secrets, data and bookkeeping stay out of the repository
/.env
/secrets/
/.etlhost/
*.db
*.db-wal
*.db-shm
]]

local env = [[
# Values that the configuration names as { env: NAME }. Read by etlhost, never exported.
# WAREHOUSE_URL=postgres://loader:password@db.example:5432/warehouse
]]

-- A list of { path, text, mode }.
function template.files()
  return {
    { "config/etlhost.yaml", embedded.read "config/etlhost.yaml" },
    { "config/clients/example.yaml", client },
    { "config/schema/config.json", embedded.read "config/schema/config.json" },
    { "config/schema/client.json", embedded.read "config/schema/client.json" },
    { "config/schema/projects.json", embedded.read "config/schema/projects.json" },
    { "config/schema/template.json", embedded.read "config/schema/template.json" },
    { "pipelines/sync.lua", embedded.read "pipelines/sync.lua" },
    { "exports/orders/2026-03-01.csv", orders },
    { "exports/customers/2026-03-01.csv", customers },
    { ".gitignore", ignore },
    { ".env", env, tonumber("600", 8) },
  }
end

return template
