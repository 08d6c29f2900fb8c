-- What `etlhost fetch` asks for, as the engine's `fetch` (docs/reference/messages.md): from a URL,
-- or from a source of a client, whose hosts, settings and secrets it then has.

local describing = require "host.describing"
local doc = require "host.doc"
local err = require "host.err"
local files = require "host.files"
local nearest = require "host.nearest"
local remote_inputs = require "host.remote_inputs"
local system = require "host.system"

local fetching = {}

local DATA_MAX = 2 * 1024 * 1024

local function fail(message, hint, class)
  return nil, err.new { class = class or "config", message = message, hint = hint }
end

local function join(base, path)
  if not path or path == "" then return base end
  if path:match "^https?://" then return path end
  local between = path:find "^%?" and "" or "/"
  return base:gsub("/+$", "") .. between .. path:gsub("^/+", "")
end

-- ---- a URL --------------------------------------------------------------------------------------

-- {env:NAME} and {file:PATH} become secrets of this one request.
local function secret_reader(space)
  local nonce, values, handles = system.random_hex(16), doc.list {}, {}
  local function read(text)
    local problem
    local filled = text:gsub("{(%a+):([^{}]+)}", function(kind, name)
      if kind ~= "env" and kind ~= "file" then return nil end
      local key = kind .. "_" .. name:gsub("[^%w_-]", "_")
      if not handles[key] then
        local value, why = space.secrets:resolve { [kind] = name }
        problem = problem or why
        handles[key] = ("{{secret:%s:fetch.%s}}"):format(nonce, key)
        values[#values + 1] = { instance = "fetch", key = key, value = value }
      end
      return handles[key]
    end)
    if problem then return nil, problem end
    return filled
  end
  return read, { nonce = nonce, values = values }
end

local function of_url(space, url)
  local read, secrets = secret_reader(space)
  return {
    base = url, instance = "fetch", hosts = doc.list { url:match "^https?://[^/?#]*" },
    allow = doc.list(remote_inputs.private_of(url)), allow_plain = url:match "^http:" ~= nil,
    read = read, secrets = secrets,
  }
end

-- ---- a source -----------------------------------------------------------------------------------

local function find_source(client, name)
  local names = {}
  for _, source in ipairs(client.sources) do
    if source.instance == name then return source end
    names[#names + 1] = source.instance
  end
  local near = nearest.of(name, names)
  return fail(("client %s has no source \"%s\""):format(client.id, name),
    near and ("did you mean %s?"):format(near)
      or #names > 0 and "its sources: " .. table.concat(names, ", ") or nil, "not_found")
end

-- What the client's file says, and the defaults of what it does not.
local function settings_of(source, declared)
  return function(name)
    local value = source.settings[name]
    if value == nil and declared.config and declared.config[name] then
      value = declared.config[name].default
    end
    if type(value) == "string" or type(value) == "number" then return tostring(value) end
  end
end

local function of_source(space, name, id)
  if not space.config then
    return fail(("\"%s\" is no URL, and there is no project here"):format(name),
      "etlhost fetch https://..., or name the project: --project DIR")
  end
  local client, problem = space:one_client(id)
  if not client then return nil, problem end
  local source
  source, problem = find_source(client, name)
  if not source then return nil, problem end
  local described
  described, problem = describing.sources({ source.use }, space)
  local declared = described[source.use]
  if not declared then
    return nil, problem or err.new {
      class = "script", message = ("the source %s cannot be evaluated"):format(source.use),
      hint = "`etlhost check` says why",
    }
  end
  local setting = settings_of(source, declared)
  local fields = declared.config or {}
  local names = nearest.keys(fields)
  -- Braces may well be part of what is sent; those around a misspelt setting are not.
  local function read(text)
    local misspelt
    local filled = text:gsub("{([%w_]+)}", function(word)
      local value = setting(word)
      misspelt = misspelt or (not value and not fields[word] and nearest.of(word, names))
        and word
      return value
    end)
    if not misspelt then return filled end
    return fail(("the source %s has no setting \"%s\""):format(name, misspelt),
      ("did you mean {%s}?"):format(nearest.of(misspelt, names)))
  end
  local base = setting "base_url"
  local hosts = doc.list {}
  for i, pattern in ipairs(declared.hosts or {}) do
    hosts[i] = pattern:gsub("{([%w_]+)}", setting)
  end
  if #hosts == 0 then hosts[1] = base end
  return { base = base, instance = name, hosts = hosts, read = read, client = client,
    source = source }
end

-- ---- the request --------------------------------------------------------------------------------

-- "Name: value" or "name=value" texts as a list of pairs.
local function pairs_of(words, separator, option, read)
  local list = doc.list {}
  for i, word in ipairs(words or {}) do
    local name, value = word:match("^([^" .. separator .. "]+)" .. separator .. "%s*(.*)$")
    if not name then
      return fail(("--%s \"%s\" has no \"%s\""):format(option, word, separator))
    end
    local problem
    value, problem = read(value)
    if not value then return nil, problem end
    list[i] = doc.list { name:match "^%s*(.-)%s*$", value }
  end
  return list
end

local function read_data(word)
  if word == "@-" or word == "-" then return io.read "a" end
  local path = word:match "^@(.+)$"
  if not path then return word end
  return files.read(path, DATA_MAX)
end

local function has_header(list, name)
  for _, pair in ipairs(list) do
    if pair[1]:lower() == name then return true end
  end
  return false
end

-- From where: { base, instance, hosts, read, ... } | nil, err.
function fetching.target(space, word, id)
  if word:match "^https?://" then return of_url(space, word) end
  if word:match "^%a[%w+.-]*://" then
    return fail(("\"%s\" is not fetched"):format(word), "http:// and https:// are"
      .. (word:match "^s3:" and "; `etlhost preview` shows the rows of an object" or ""))
  end
  return of_source(space, word, id)
end

-- The engine's `fetch` | nil, err. args: those of the verb.
function fetching.request(target, args)
  local path, problem = target.read(args.path or "")
  if not path then return nil, problem end
  if not target.base and not path:match "^https?://" then
    return fail(("the source %s has no base_url"):format(target.instance),
      "write the whole URL: etlhost fetch SOURCE https://...; what a bucket has, `etlhost preview "
      .. "SOURCE.RESOURCE` shows")
  end
  local base
  base, problem = target.read(target.base or "")
  if not base then return nil, problem end
  local headers, query, data
  headers, problem = pairs_of(args.header, ":", "header", target.read)
  if not headers then return nil, problem end
  query, problem = pairs_of(args.query, "=", "query", target.read)
  if not query then return nil, problem end
  if args.data then
    data, problem = read_data(args.data)
    if data then data, problem = target.read(data) end
    if not data then return nil, problem end
    if not has_header(headers, "content-type") then
      headers[#headers + 1] = doc.list { "Content-Type",
        data:match "^%s*[%[{]" and "application/json" or "application/x-www-form-urlencoded" }
    end
  end
  return {
    instance = target.instance, hosts = target.hosts, allow = target.allow,
    allow_plain = target.allow_plain,
    method = args.method and args.method:upper() or args.head and "HEAD" or data and "POST"
      or "GET",
    url = join(base, path), headers = headers, query = query, body = data,
  }
end

return fetching
