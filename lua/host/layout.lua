-- Where in the database a client's tables are: in one schema that all clients share, or in a schema
-- of its own, with a view over all of them.

local layout = {}

local SCHEMA_MAX = 63 -- bytes of a name in PostgreSQL
layout.default_schema = { shared = "etl", schema_per_client = "client_{client}" }
local VIEWS = "etl"
-- Nobody's client has these by a pattern; `public` may be written out.
local TAKEN = { public = true, information_schema = true, _etl = true }

-- What a client's own file says, then the defaults of the project.
local function settings_of(config, client)
  local own = client and client.destination or {}
  local default = config.defaults.destination or {}
  local function setting(name)
    if own[name] ~= nil then return own[name] end
    return default[name]
  end
  return {
    layout = setting "layout" or "shared", schema = setting "schema", views = setting "views",
    row_security = setting "row_security",
  }
end

-- A client's id as a part of a name: small letters, digits and _.
local function name_part(id)
  return (id:lower():gsub("[^%w]", "_"))
end

-- The name of the schema, and why it cannot be one (nil when it can).
local function expand(pattern, client)
  local name = pattern:gsub("{client}", name_part(client.id))
  if name == pattern then return name end
  if TAKEN[name] or name:match "^pg_" then return name, "that name is taken" end
  if #name > SCHEMA_MAX then
    return name, ("a name in PostgreSQL has at most %d bytes"):format(SCHEMA_MAX)
  end
  return name
end

-- What of it an engine needs, to be laid into a specification's destination. client may be nil.
-- Without a client there is one schema.
function layout.of(config, client)
  local said = settings_of(config, client)
  if not client or said.layout == "shared" then
    local pattern = said.schema or layout.default_schema.shared
    local schema = client and expand(pattern, client) or pattern
    return { schema = schema, row_security = said.row_security }
  end
  return {
    schema = expand(said.schema or layout.default_schema.schema_per_client, client),
    views = said.views or VIEWS,
    row_security = said.row_security,
  }
end

-- Says what is wrong with a client's layout: report(message, more). seen: a table that is the same
-- for all clients of a project.
function layout.check(config, client, seen, report)
  local said = settings_of(config, client)
  local per_client = said.layout == "schema_per_client"
  local schema, why = expand(said.schema or layout.default_schema[said.layout], client)
  if why then
    report(("the schema of client %s would be \"%s\": %s"):format(client.id, schema, why))
  end
  if not per_client then return end
  if schema == (said.views or VIEWS) then
    report(("the schema of client %s would be \"%s\", which is that of the views over all clients")
      :format(client.id, schema), { hint = "name one of them otherwise: schema, or views" })
  end
  local other = seen[schema]
  seen[schema] = other or client
  if not other then return end
  report(("clients %s and %s would both have the schema \"%s\""):format(other.id, client.id,
    schema), { hint = "with layout: schema_per_client it has {client} in it: client_{client}" })
end

return layout
