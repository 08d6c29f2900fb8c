-- Where rows go: what was asked for, as an address that the engine can open.

local err = require "host.err"
local files = require "host.files"
local layout = require "host.layout"
local settings = require "host.settings"

local destination = {}

-- A relative SQLite path means: from the folder of whoever wrote it.
local function absolute(url, folder)
  local path = url:match "^sqlite:(.+)$"
  if not path then return url end
  path = path:match "^//(/.*)$" or path
  if path:sub(1, 1) == "/" then return "sqlite:" .. path end
  return "sqlite:" .. folder .. "/" .. path
end

local function check_url(url)
  if url:match "^sqlite:." or url:match "^postgres://" or url:match "^postgresql://" then
    return true
  end
  -- It may hold a password, or be one: only what is plainly a scheme may be shown.
  local scheme = url:match "^%l[%l%d+.-]*://"
  return nil, err.new {
    class = "config",
    message = scheme and ("a destination cannot begin with \"%s\""):format(scheme)
      or "what is given as the destination is no address",
    expected = "sqlite:PATH or postgres://...",
    hint = "postgres:// alone takes the rest from PGHOST, PGUSER, PGDATABASE or PGSERVICE",
  }
end

-- where: schema and the like, which the address is added to. shared: what `connections:` says of
-- the connections that all runs share; may be nil.
local function finish(url, folder, where, shared)
  local ok, problem = check_url(url)
  if not ok then return nil, problem end
  local wait = shared and shared.wait_for_connection
  where.url = absolute(url, folder)
  where.max_connections = shared and shared.max_connections
  where.wait_ms = wait and wait * 1000
  return where
end

-- The word of --destination: from the current folder. schema may be nil.
function destination.from_option(url, schema)
  local here, problem = files.current_folder()
  if not here then return nil, problem end
  return finish(url, here, { schema = schema,
    written = "the address of --destination, PGPASSWORD or ~/.pgpass" })
end

-- What a client's file, or the defaults, say of where rows go: the name of the connection (nil for
-- an address), and the address or the secret's reference as it is written. client may be nil.
function destination.written(config, client)
  local own = client and client.destination or {}
  local default = config.defaults.destination or {}
  local url = own.url or (own.connection == nil and default.url) or nil
  if url then return nil, url end
  local name = own.connection or default.connection or settings.default_connection
  local connection = config.connections[name]
  return name, connection.url or connection
end

-- Where its address stands, for errors of signing in.
local function source_of(name, value)
  local of = name and (" (connection \"%s\")"):format(name) or ""
  if type(value) ~= "table" then return "the address" .. of end
  if value.env then return "the variable " .. value.env .. of end
  if value.file then return "the file " .. value.file .. of end
  return "what the command prints" .. of
end

-- A client's destination, by its file, the defaults, and the connections. client may be nil.
function destination.of(config, client, secrets)
  local name, value = destination.written(config, client)
  local url, problem = secrets:resolve(value)
  if not url then
    if name then problem.trail = "while resolving the connection \"" .. name .. "\"" end
    return nil, problem
  end
  local where = layout.of(config, client)
  where.written = source_of(name, value)
  if where.views and url:match "^sqlite:" then
    return nil, err.new {
      class = "config",
      message = "an SQLite file has no schemas, so layout: schema_per_client needs Postgres",
      hint = "give each client a file of its own (destination: { url: \"sqlite:NAME.db\" }), or "
        .. "leave the layout shared",
    }
  end
  return finish(url, config.project.root, where, name and config.connections[name] or nil)
end

-- Without a project: etlhost.db in the current folder.
function destination.fallback()
  return destination.from_option(settings.default_url)
end

return destination
