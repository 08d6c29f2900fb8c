-- The shapes of the two kinds of configuration file: every setting, its type, its default. The page
-- docs/reference/config.md says the same in words; config/etlhost.yaml shows the defaults.

local layout = require "host.layout"
local network_shape = require "host.network_shape"
local projects_shape = require "host.projects_shape"
local secrets = require "host.secrets"
local tree = require "host.tree"
local words = require "host.words"
local zones = require "host.zones"

local settings = {}

settings.version = 1
settings.default_connection = "local"
settings.default_url = "sqlite:etlhost.db"

local function version_field()
  return {
    type = "text", as = "integer", required = true, one_of = { "1" },
    help = "write `version: 1` first",
  }
end

local timezone = {
  type = "text",
  shows = "UTC",
  check = function(node, value, found)
    local known, near = zones.look_up(value)
    if known == false then
      found:add(node, ("there is no time zone \"%s\""):format(value), {
        expected = "an IANA name such as Europe/Berlin, or UTC",
        hint = near and ("did you mean %s?"):format(near) or nil,
      })
    end
  end,
}

local month_days = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

-- The first day whose data is wanted.
local start = {
  type = "text",
  pattern = "^%d%d%d%d%-%d%d%-%d%d$",
  expected = "a day such as 2024-01-31",
  check = function(node, value, found)
    local year, month, day = value:match "^(%d+)-(%d+)-(%d+)$"
    year, month, day = tonumber(year), tonumber(month), tonumber(day)
    local is_leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
    local last = month == 2 and not is_leap and 28 or month_days[month] or 0
    if day < 1 or day > last then
      found:add(node, ("there is no day %s"):format(value),
        { expected = "a day such as 2024-01-31" })
    end
  end,
}

local schema_name = {
  type = "text", pattern = "^[%a_][%w_$]*$", expected = "a name of letters, digits, _",
}

local function only_client_in_braces(node, value, found)
  local rest = value:gsub("{client}", "")
  if not rest:find "[{}]" then return end
  found:add(node, ("\"%s\" is no name"):format(value),
    { expected = "{client}, and no other braces" })
end

local destination = {
  type = "map",
  alternatives = { "connection", "url" }, -- whoever says one takes the other's place
  fields = {
    connection = { type = "text", shows = settings.default_connection },
    url = { type = "text", secret = true },
    layout = { type = "text", shows = "shared", one_of = { "shared", "schema_per_client" } },
    schema = {
      type = "text",
      shows = function(node)
        local said = tree.get(node, "layout")
        return layout.default_schema[said and said.value] or layout.default_schema.shared
      end,
      pattern = "^[%a_{][%w_${}]*$",
      expected = "a name of letters, digits, _; {client} stands for the client's id",
      check = only_client_in_braces,
    },
    views = schema_name,
    row_security = { type = "text", one_of = { "by_client" } },
  },
  foreign = words.of "destination",
}

local limits = {
  type = "map",
  fields = {
    memory = { type = "bytes", min = 8000000 },
    deadline = { type = "duration", min = 1 },
    calls = { type = "integer", min = 1 },
    max_columns = { type = "integer", min = 1, max = 1600 },
    widen_max = { type = "integer", min = 1 },
    window_pages = { type = "integer", min = 1 },
  },
}

local max_dead = {
  type = "map",
  fields = {
    ratio = { type = "number", min = 0, max = 1, shows = 0.01 },
    rows = { type = "integer", min = 0, shows = 10 },
  },
}

local lanes = { type = "integer", min = 1, max = 16, shows = 2 }

-- With which `hash` makes its values, so that nobody finds them by trying all telephone numbers.
local hash_key = {
  type = "text",
  secret = true,
  check = function(node, _, found)
    if tree.is_secret_reference(node) then return end
    found:add(node, "a key is named here, and never written", { expected = secrets.expected })
  end,
}

-- How old the last success may be before `status` calls a stream late.
local fresh_within = {
  type = "duration", min = 1,
  expected = "a time such as 90m, 26h or 7d",
}

local kept = { type = "duration", min = 3600, expected = "a time such as 90d, an hour or more" }

-- config/etlhost.yaml
settings.project = {
  type = "map",
  fields = {
    version = version_field(),
    connections = {
      type = "map",
      key_pattern = "^[%w_-]+$",
      key_expected = "letters, digits, _ and -",
      each = {
        type = "map",
        secret = true,
        short = "url",
        expected = "an address, { url: ... }, " .. secrets.expected,
        fields = {
          url = { type = "text", secret = true, required = true },
          max_connections = { type = "integer", min = 2, max = 64 },
          wait_for_connection = { type = "duration", min = 0 },
        },
        foreign = words.of "connection",
      },
    },
    defaults = {
      type = "map",
      fields = {
        timezone = timezone, destination = destination, fresh_within = fresh_within,
        hash_key = hash_key,
      },
      foreign = words.of "defaults",
    },
    secrets = {
      type = "map",
      fields = { key = hash_key },
    },
    sandbox = { type = "text", one_of = { "strict", "weak" }, default = "strict" },
    lanes = lanes,
    limits = limits,
    max_dead = max_dead,
    network = network_shape,
    keep = {
      type = "map",
      fields = { settled_dead_rows = kept, open_dead_rows = kept, loads = kept },
      foreign = {
        dead_rows = "settled_dead_rows (resolved or discarded), or open_dead_rows",
        runs = "the word for runs is log: { keep: 90d }",
        units = "units and files are kept for ever: they are why nothing is loaded twice",
      },
    },
    log = {
      type = "map",
      fields = {
        level = { type = "text", one_of = { "debug", "info", "warning", "error" } },
        keep = { type = "duration" },
      },
    },
  },
  foreign = words.of "project",
}

local source = {
  type = "map",
  each = { type = "any" },
}

-- config/clients/*.yaml
settings.client = {
  type = "map",
  order = {
    "version", "id", "name", "extends", "timezone", "enabled", "start", "destination", "layout",
    "lanes", "max_dead",
  },
  fields = {
    version = version_field(),
    extends = { type = "text" },
    id = {
      type = "text",
      required = true,
      pattern = "^[%w_.-]+$",
      expected = "letters, digits, _ . -",
      help = "the id stands in every row as _client_id and never changes",
    },
    name = { type = "text" },
    timezone = timezone,
    start = start,
    enabled = { type = "boolean", default = true },
    destination = destination,
    fresh_within = fresh_within,
    hash_key = hash_key,
    sources = {
      type = "map",
      key_pattern = "^[%w_-]+$",
      key_expected = "letters, digits, _ and -",
      each = source,
      required = true,
      help = "a map of instance names: sources: { orders: { use: s3_exports, ... } }",
    },
    lanes = lanes,
    max_dead = max_dead,
  },
  foreign = words.of "client",
}

-- config/templates/*.yaml: as a client's file, without what one client alone has, and in parts.
settings.template = {
  type = "map",
  fields = {},
  foreign = setmetatable({
    id = "that is a client's own: each client's file has its id",
    name = "that is a client's own: each client's file has its name",
  }, { __index = settings.client.foreign }),
}
for name, shape in pairs(settings.client.fields) do
  local own = {}
  for key, value in pairs(shape) do own[key] = value end
  own.required = name == "version"
  if name ~= "id" and name ~= "name" then settings.template.fields[name] = own end
end

-- Words of etlhost.yaml itself that hold for each client which does not say otherwise.
settings.of_every_client = { lanes = true, max_dead = true }

-- Words that are about a template's file, and are not handed on.
settings.template_own = { version = true, extends = true }

settings.projects = projects_shape(version_field())

-- The words that a source entry has for the host; the others are the source's own settings.
settings.source_fields = {
  enabled = { type = "boolean" },
  start = start,
  use = {
    type = "text", pattern = "^[a-z0-9_]+$", expected = "a source's name: a-z, 0-9, _",
    answer = words.product,
  },
  resources = { type = "any", check = function(node, _, found)
    if node.kind == "map" then return end
    for _, item in ipairs(node.kind == "list" and node or {}) do
      if item.kind ~= "string" then found:add(item, "a name of a resource is expected") end
    end
    if node.kind == "string" then
      found:add(node, "this is text", { expected = "[a, b], or { a: { columns: ... }, b: false }" })
    end
  end },
  hosts = {
    type = "list",
    each = {
      type = "text", pattern = "^[%w.*:/_-]+$", expected = "a host: api.example.com, *.example.com",
    },
  },
  contract = { type = "any" }, -- its words are checked where those of resources are
  max_dead = max_dead,
  on_changed_file = { type = "text", one_of = { "replace_rows", "tail", "append", "refuse" } },
  min_ratio = { type = "number", min = 0, max = 1 },
  fresh_within = {
    type = "map",
    short = "*",
    expected = "a time such as 26h, or { RESOURCE: 2h, \"*\": 26h }",
    fields = { ["*"] = fresh_within },
    each = fresh_within,
  },
}

settings.source_order = { "use", "enabled", "start", "resources" }

settings.source_foreign = words.of "entry"

return settings
