-- etl.words: the words that users of dlt, Airbyte, Meltano, Sling, ingestr and dbt bring, and ours
-- for them: one table for YAML, for declarations in Lua and for the command line. The host reads
-- this file, too (lua/host/words.lua).
--
-- A section is a place where words are written. A word there is answered by ours, by a sentence
-- where one word would not do, or by where ours belongs when it belongs elsewhere.

local words = {}

-- Options of a resource: in a source, in a pipeline, below a source of a client's file.
words.resource = {
  primary_key = "key", primary_keys = "key", merge_key = "key", unique_key = "key", keys = "key",
  id_column = "key", natural_key = "key", source_defined_primary_key = "key",
  key_properties = "key", table_key = "key",
  write_disposition = "write", disposition = "write", load_strategy = "write", mode = "write",
  sync_mode = "`write`, with `cursor` for what is read again",
  destination_sync_mode = "write", incremental_strategy = "write", materialized = "write",
  load_method = "write", replication_method = "write",
  merge_strategy = "merge", upsert = "`write = \"merge\"`, with `key`",
  scd2 = "`write = \"history\"`, with `key`", snapshot = "`write = \"history\"`, with `key`",
  incremental = "cursor", cursor_field = "cursor", cursor_path = "cursor",
  cursor_column = "cursor", replication_key = "cursor", update_key = "cursor",
  updated_at = "cursor", bookmark = "cursor", dedup_sort = "cursor", incremental_key = "cursor",
  initial_value = "`start`, of a client or a source in its file",
  start_date = "`start`, of a client or a source in its file",
  deleted_column = "hard_delete", hard_delete_column = "hard_delete",
  deleted_at = "hard_delete",
  data_selector = "`records`, in sources made with etl.rest",
  data_path = "`records`, in sources made with etl.rest",
  record_selector = "`records`, in sources made with etl.rest",
  paginator = "`paginate`, in sources made with etl.rest",
  table_name = "table", destination_table = "table", dest_table = "table", object = "table",
  target_table = "table", alias = "table",
  name = "a resource is called by its key in the map",
  stream = "a resource is called by its key in the map",
  column_types = "columns", types = "columns", schema = "columns", json_schema = "columns",
  column_casing = "names become snake_case; `rename` gives one another name",
  schema_contract = "contract", on_schema_change = "contract",
  exclude = "drop", exclude_columns = "drop", columns_to_drop = "drop", ignore_columns = "drop",
  rename_columns = "rename", aliases = "rename", mappings = "rename",
  stream_maps = "`rename`, `drop`, `hash`, or a function `row`",
  filter = "`keep` and `discard`", where = "`keep` and `discard`", filters = "`keep` and `discard`",
  transform = "row", transformer = "row", add_map = "row", transforms = "row", map = "row",
  selected = "write `name = false` in a pipeline, or `resources: [a, b]` in the client's file",
  enabled = "write `name = false` in a pipeline, or `resources: [a, b]` in the client's file",
  file_format = "format", encoding = "`format: { encoding: ... }`",
  full_refresh = "that is no property of a resource: run with --full-refresh",
  max_table_nesting = "nested",
  chunk_size = "units close by themselves, at about 64 MB; `--unit-bytes` says otherwise",
  batch_size = "units close by themselves, at about 64 MB; `--unit-bytes` says otherwise",
}

-- A source of a client's file.
words.entry = {
  type = "`use`: the name of the source", connector = "`use`: the name of the source",
  plugin = "`use`: the name of the source", image = "`use`: the name of the source",
  pip_url = "`use`: the name of the source", docker_repository = "`use`: the name of the source",
  inherit_from = "`use`: the name of the source, and `extends` of the client",
  variant = "`use`: the name of the source",
  source_definition = "`use`: the name of the source",
  stream = "resources", streams = "resources", tables = "resources", select = "resources",
  entities = "resources", endpoints = "resources",
  selected = "enabled", active = "enabled", disabled = "enabled",
  start_date = "start", initial_value = "start", backfill_start = "start",
  configuration = "the settings stand right below the source, without a word in between",
  config = "the settings stand right below the source, without a word in between",
  settings = "the settings stand right below the source, without a word in between",
  connection_configuration = "the settings stand right below the source, without a word in between",
}

-- The top of a client's file, and of a template.
words.client = {
  client_id = "id", tenant = "id", tenant_id = "id", workspace = "id", workspace_id = "id",
  client = "id", account = "id",
  tz = "timezone", time_zone = "timezone", active = "enabled", disabled = "enabled",
  status = "enabled", paused = "enabled",
  start_date = "start", backfill_start = "start", since = "start",
  source = "sources", extractors = "sources", taps = "sources", connectors = "sources",
  streams = "`resources: [a, b]`, below their source",
  stream = "`resources: [a, b]`, below their source",
  tables = "`resources: [a, b]`, below their source",
  target = "destination", loader = "destination", loaders = "destination",
  connection = "`destination: { connection: NAME }`", dest = "destination",
  destinations = "destination",
  schema = "`destination: { schema: NAME }`", dataset_name = "`destination: { schema: NAME }`",
  template = "extends", inherit_from = "extends", base = "extends", include = "extends",
  schedule = "pipelines are run on a schedule, see docs/how-to/run-on-a-schedule.md",
  cron = "pipelines are run on a schedule, see docs/how-to/run-on-a-schedule.md",
  threads = "lanes", workers = "lanes", parallelism = "lanes", freshness = "fresh_within",
}

-- config/etlhost.yaml
words.project = {
  destinations = "connections", profiles = "connections", targets = "connections",
  connection = "connections", loaders = "connections", databases = "connections",
  clients = "each client has a file of its own in config/clients/",
  tenants = "each client has a file of its own in config/clients/",
  plugins = "each source stands in the files of the clients that use it, config/clients/",
  sources = "each source stands in the files of the clients that use it, config/clients/",
  streams = "each source stands in the files of the clients that use it, config/clients/",
  parallelism = "lanes", workers = "lanes", threads = "lanes", concurrency = "lanes",
  env = "values of the environment are named where they are used: { env: NAME }, and .env is read",
  tz = "`defaults: { timezone: ... }`", timezone = "`defaults: { timezone: ... }`",
  destination = "`defaults: { destination: ... }`", target = "`defaults: { destination: ... }`",
  log_level = "`log: { level: ... }`", logging = "`log: { level: ... }`",
  retention = "keep", retain = "keep", ttl = "keep",
}

-- `defaults:` of etlhost.yaml
words.defaults = {
  tz = "timezone", time_zone = "timezone", target = "destination", connection = "destination",
  schema = "`destination: { schema: NAME }`", freshness = "fresh_within",
}

-- `destination:`
words.destination = {
  dsn = "`url`, or `connection`: a name from `connections:`",
  uri = "`url`, or `connection`: a name from `connections:`",
  name = "`connection`: a name from `connections:`",
  dataset_name = "schema", dataset = "schema", default_target_schema = "schema",
  target_schema = "schema", namespace = "schema", database_schema = "schema",
  database = "`url: postgres://user@host/database`",
  credentials = "put them into `connections:` of etlhost.yaml, and write connection: NAME here",
  type = "the kind is in the url: sqlite:... or postgres://...",
}

-- One of `connections:`
words.network = {
  allow_local = "allow_private", allow_localhost = "allow_private", allow_hosts = "allow_private",
  http_proxy = "proxy", https_proxy = "proxy", proxies = "proxy",
  ca = "ca_file", cafile = "ca_file", ca_bundle = "ca_file", cacert = "ca_file",
  verify = "certificates are always checked; `ca_file` names an authority of your own",
  insecure = "certificates are always checked; `ca_file` names an authority of your own",
}

words.connection = {
  dsn = "url", uri = "url", connection_string = "url", address = "url",
  pool_size = "max_connections", threads = "max_connections",
  credentials = "`url: { env: NAME } or { file: path }`",
  password = "put it into the url, and the url into { env: NAME } or { file: path }",
  host = "`url: postgres://user@host/database`", user = "`url: postgres://user@host/database`",
  type = "the kind is in the url: sqlite:... or postgres://...",
  schema = "`destination: { schema: NAME }`, of a client or of defaults",
}

-- What source { ... } takes.
words.source = {
  spec = "config", settings = "config", config_jsonschema = "config", parameters = "config",
  connection_specification = "config",
  streams = "resources", stream = "resources", tables = "resources", endpoints = "resources",
  stream_types = "resources",
  base_url = "`config = { base_url = \"url\" }`: a setting of the client's file",
  url_base = "`config = { base_url = \"url\" }`: a setting of the client's file",
  allowed_hosts = "hosts", domains = "hosts", rate_limit = "rate", api_budget = "rate",
}

-- Options of the command line: the first of ours that the verb has.
words.option = {
  primary_key = "key", unique_key = "key", merge_key = "key",
  write_disposition = "write", incremental_strategy = "write", mode = "write",
  disposition = "write",
  incremental_key = "cursor", update_key = "cursor", cursor_field = "cursor",
  cursor_path = "cursor", replication_key = "cursor",
  table = "into", dest_table = "into", table_name = "into", tgt_object = "into", object = "into",
  dest_uri = "destination", dest = "destination", target = "destination", tgt_conn = "destination",
  connection = "destination", dataset_name = "schema", dataset = "schema",
  sep = "delimiter", separator = "delimiter", format = "input-format",
  tenant = "client", tag = "client", profile = "client",
  select = "resource", stream = "resource", streams = "resource", source_table = "resource",
  workers = { "parallel", "lanes" }, threads = { "parallel", "lanes" },
  jobs = { "parallel", "lanes" }, j = { "parallel", "lanes" },
  concurrency = { "parallel", "lanes" },
  force = { "take-over", "yes" }, confirm = "yes", y = "yes",
  full_refresh = { "full-refresh", "write" }, refresh = { "full-refresh", "write" },
  state = "see `etlhost state show`: what is loaded; `etlhost state reset` forgets it",
  config = { "set", "project" }, project_dir = "project", cwd = "project",
  output = "format", n = "limit", rows = "limit", json = "format", limit_rows = "limit",
  extends = "template", tz = "timezone", connector = "source",
}

-- Verbs.
words.verb = {
  sync = "run: etlhost run pipelines/sync.lua", el = "run: etlhost run pipelines/sync.lua",
  elt = "run: etlhost run pipelines/sync.lua", invoke = "run: etlhost run pipelines/sync.lua",
  pipeline = "run: etlhost run pipelines/sync.lua", job = "run: etlhost run pipelines/sync.lua",
  ingest = "load: etlhost load FILE --into TABLE", copy = "load: etlhost load FILE --into TABLE",
  extract = "run, or preview to look without writing",
  read = "run, or preview to look without writing",
  discover = "preview, or client show", show = "client show, config show, or state show",
  validate = "check", lint = "check", test_connection = "check", debug = "check", spec = "schema",
  new = "init", history = "runs", health = "status", monitor = "status", freshness = "status",
  logs = "runs: etlhost runs show ID", errors = "dead: etlhost dead list",
  dead_letters = "dead: etlhost dead list",
  clients = "client: etlhost client list", tenant = "client: etlhost client list",
  add = "client: etlhost client add", env = "config: etlhost config show --client C",
  reset = "state: etlhost state reset",
}

-- How a place is named to somebody who wrote the word elsewhere.
local places = {
  { "resource", "of a resource: in its source, in a pipeline, or below its source in the file" },
  { "entry", "of a source in a client's file" },
  { "client", "at the top of a client's file" },
  { "destination", "below destination" },
  { "connection", "below connections, in etlhost.yaml" },
  { "project", "in etlhost.yaml" },
}

-- primaryKey, primary-key -> primary_key
local function normal(word)
  word = word:gsub("(%l)(%u)", "%1_%2"):lower():gsub("[- ]", "_")
  return word
end

local function is_word(text) return text:match "^[%w_-]+$" ~= nil end

-- What begins with a word of ours goes on from "the word here is"; other sentences stand alone.
local function say(text)
  if is_word(text) then return ("the word here is `%s`"):format(text) end
  if text:match "^`[^`]+` and `" then return "the words here are " .. text end
  if text:match "^`" then return "the word here is " .. text end
  return text
end

-- Taps and targets are programs of other systems: what to say to the name of one, or nil.
function words.product(word)
  word = normal(word)
  if word:match "^tap_%w" or word:match "^source_%w" then
    return "a source is a Lua file here, named by `use` in a client's file; connectors of other "
      .. "tools are not run"
  end
  if word:match "^target_%w" or word:match "^destination_%w" then
    return "where rows go is a connection of etlhost.yaml, sqlite: or postgres:"
  end
end

-- What to say to a word written in a place; nil when nobody knows it. is_known(name), for options:
-- whether the verb has it.
function words.answer(place, word, is_known)
  local key = normal(tostring(word))
  local ours = words[place][key]
  if place == "verb" then return ours and "the verb here is " .. ours end
  if type(ours) == "string" and not (is_known and is_word(ours)) then return say(ours) end
  for _, one in ipairs(type(ours) == "table" and ours or { ours }) do
    if is_known(one) then return ("the word here is --%s"):format(one) end
  end
  for _, other in ipairs(places) do
    local text = other[1] ~= place and words[other[1]][key]
    if text and is_word(text) then return ("the word is `%s`, %s"):format(text, other[2]) end
  end
  return words.product(key)
end

-- A section as fields.check takes it: word -> what to say.
function words.of(place)
  return setmetatable({}, {
    __index = function(_, word)
      return type(word) == "string" and words.answer(place, word) or nil
    end,
  })
end

return words
