-- tests/support/everflow_client.lua: a project with one client whose source is an Everflow that a
-- scripted HTTP server plays, and runs of it.
local files = require "tests.support.files"
local host = require "tests.support.host"
local process = require "tests.support.process"
local target = require "tests.support.target"

local everflow = {}

-- The day so many days ago, since some things are kept for some months only.
function everflow.day(back) return os.date("!%Y-%m-%d", os.time() - back * 86400) end

-- Runs some resources ("a, b"; or options.resources, YAML) of the account that a key stands for.
-- options: settings (further lines), to, folder (of a run before), start and upto (days; the three
-- days before today), base ("/v1").
function everflow.run(server, account, resources, options)
  options = options or {}
  local folder = options.folder or files.temp()
  if not options.folder then
    files.write(folder .. "/config/etlhost.yaml",
      ('version: 1\nnetwork: { allow_private: ["%s"] }\n'):format(server.address))
    files.write(folder .. "/config/clients/acme.yaml", ([[
version: 1
id: "acme"
%ssources:
  everflow:
    base_url: "%s%s"
    api_key: { env: EVERFLOW_KEY }
    until: "%s"
    resources: %s
%s]]):format(options.start == "" and "" or "start: " .. (options.start or everflow.day(3)) .. "\n",
      server.url, options.base or "/v1",
      options.upto or everflow.day(1),
      options.resources or "[" .. resources .. "]", options.settings or ""))
    files.write(folder .. "/pipelines/p.lua", 'return require "etl.pipeline" {}\n')
  end
  local to = options.to or target.sqlite()
  process.run { "curl", "-s", server.url .. "/run?account=" .. account }
  local result = host.run(folder, to, { env = { EVERFLOW_KEY = account } })
  return result, to, folder
end

function everflow.must(server, account, resources, options)
  local result, to, folder = everflow.run(server, account, resources, options)
  if result.code ~= 0 then error(tostring(result), 2) end
  return to, folder, result
end

return everflow
