-- tests/support/http.lua: the scripted HTTP server for specs; README.md beside this file tells what
-- a scenario can do. A server ends with stop(), and with this process at the latest.
local cjson = require "cjson"
local files = require "tests.support.files"
local process = require "tests.support.process"
local wait = require "tests.support.wait"

local http = {}
local server = {}
server.__index = server

local root = os.getenv "ETLHOST_TEST_ROOT" or "."
local built = (os.getenv "ETLHOST" or root .. "/build/etlhost"):match "^(.*)/[^/]*$"

local function command_line(self, options)
  local argv = { built .. "/tests/http_server", self.folder .. "/scenario.lua", "--log", self.log }
  local function add(...)
    for _, word in ipairs { ... } do argv[#argv + 1] = word end
  end
  for name, value in pairs(options.set or {}) do add("--set", name .. "=" .. tostring(value)) end
  if options.tls then add("--tls", "--ca", self.ca_file) end
  if options.name then add("--name", options.name) end
  if options.expired then add "--expired" end
  for i, word in ipairs(argv) do argv[i] = process.quote(word) end
  return table.concat(argv, " ")
end

-- scenario: Lua text. options: set (name -> value: `options` of the scenario), tls (a second port
-- with a certificate of its own), name (whom it is for; 127.0.0.1), expired.
-- The server has url, port, address ("127.0.0.1:PORT"), and with tls: tls_url, tls_port,
-- tls_address, ca_file.
function http.start(scenario, options)
  options = options or {}
  assert(files.exists(built .. "/tests/http_server"), "no http_server: make test-build")
  local self = setmetatable({ folder = files.temp() }, server)
  self.log, self.ca_file = self.folder .. "/log", self.folder .. "/ca.pem"
  files.write(self.folder .. "/scenario.lua", scenario)
  -- Its standard input is ours to hold: the server ends when that does.
  self.input = assert(io.popen(("exec %s >%s/ports 2>%s/errors"):format(
    command_line(self, options), self.folder, self.folder), "w"))
  self.input:setvbuf "no"
  local ports = wait.until_true("the HTTP server to start", 20, function()
    local said = files.read(self.folder .. "/errors")
    if said and said ~= "" then error(said) end
    return (files.read(self.folder .. "/ports") or ""):match "^(.*)\n"
  end)
  local port, tls_port = ports:match "^(%d+) ?(%d*)$"
  self.port, self.tls_port = tonumber(port), tonumber(tls_port)
  self.address = "127.0.0.1:" .. port
  self.url = "http://" .. self.address
  if options.tls then
    self.tls_address = "127.0.0.1:" .. tls_port
    self.tls_url = "https://" .. self.tls_address
  end
  return self
end

-- What happened, oldest first: { event = "connect" | "request" | "close" | "garbage" | "error",
-- connection, at_ms, ... }.
function server:events(kind)
  local result = {}
  for line in (files.read(self.log) or ""):gmatch "[^\n]+" do
    local event = cjson.decode(line)
    if not kind or event.event == kind then result[#result + 1] = event end
  end
  return result
end

-- The requests: { method, target, path, headers (lower case -> value), list (of { name, value } as
-- sent), body, tls, number, connection, at_ms }. path: only those whose path has this pattern.
function server:requests(path)
  local result = {}
  for _, one in ipairs(self:events "request") do
    one.list, one.headers = one.headers, {}
    for _, header in ipairs(one.list) do
      local name = header[1]:lower()
      one.headers[name] = one.headers[name] and one.headers[name] .. ", " .. header[2] or header[2]
    end
    one.path = one.target:match "^[^?]*"
    if not path or one.path:find(path) then result[#result + 1] = one end
  end
  return result
end

-- Raises when the scenario itself went wrong.
function server:stop()
  if not self.input then return end
  pcall(self.input.write, self.input, "quit\n")
  self.input:close()
  self.input = nil
  local wrong = self:events "error"[1]
  if wrong then error("the scenario failed: " .. wrong.why, 2) end
end

return http
