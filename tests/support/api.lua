-- tests/support/api.lua: a project with one client `acme` whose source `shop` speaks to a scripted
-- HTTP server.
local files = require "tests.support.files"

local api = {}

-- server: of tests.support.http. resources: Lua text, the source's resources. options: settings
-- (more YAML of the source, indented by four), head (more Lua text of it), start (the client's).
function api.project(server, resources, options)
  options = options or {}
  local folder = files.temp()
  files.write(folder .. "/config/etlhost.yaml",
    ('version: 1\nnetwork: { allow_private: ["%s"] }\n'):format(server.address)
      .. (options.config or ""))
  files.write(folder .. "/config/clients/acme.yaml", ([[
version: 1
id: "acme"
start: %s
sources:
  shop:
    base_url: "%s/v1"
%s]]):format(options.start or "2026-03-01", server.url, options.settings or ""))
  files.write(folder .. "/sources/shop.lua", ([[
local source = require "etl.source"
%s
return source {
  name = "shop",
  config = { base_url = "url", api_key = { type = "secret", optional = true },
    page = { type = "string", optional = true } },
  hosts = { "{base_url}" },
  resources = {
%s
  },
}
]]):format(options.head or "", resources))
  files.write(folder .. "/pipelines/p.lua", 'return require "etl.pipeline" {}\n')
  return folder
end

return api
