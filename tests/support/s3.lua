-- tests/support/s3.lua: an object store for specs, on the scripted HTTP server: listings by pages,
-- ranges, If-Match, and whatever a test tells it to do wrong. It looks at signatures no further
-- than who signed, when and for which region: real stores check them (tests/real).
local cjson = require "cjson"
local files = require "tests.support.files"
local http = require "tests.support.http"

local s3 = {}

-- Rows [from, to] of a file.
function s3.csv(from, to)
  local lines = { "id,name" }
  for i = from, to do lines[#lines + 1] = ("%d,name %d"):format(i, i) end
  return table.concat(lines, "\n") .. "\n"
end
local store = {}
store.__index = store

-- What the server runs. It reads the store anew for each request, so that a test can change it.
local SCENARIO = [==[
local cjson = require "cjson"
local DAY = "!%a, %d %b %Y %H:%M:%S GMT"
local seen = {} -- how often each fault's pattern was met
local reads = 0 -- of objects

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end
local function encode(text)
  return (text:gsub("[^%w%-._~/]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function refuse(connection, store, status, code, more, headers)
  headers = headers or {}
  headers["Content-Type"] = "application/xml"
  headers["Date"] = os.date(DAY, os.time() + (store.clock or 0))
  connection:reply(status, headers, ('<?xml version="1.0"?><Error><Code>%s</Code><Message>no: %s'
    .. '</Message>%s</Error>'):format(code, code, more or ""))
end

-- Who asks, as far as that can be told without the secret. True when it was answered.
local function refused(request, connection, store)
  local key, region =
    (request.headers.authorization or ""):match "Credential=([^/]+)/%d+/([^/]+)/s3/"
  if not key then
    if store.public then return false end
    refuse(connection, store, 403, "AccessDenied")
    return true
  end
  local at = request.headers["x-amz-date"]
  local year, month, day, hour, minute, second =
    at:match "^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$"
  local signed = os.time { year = year, month = month, day = day, hour = hour, min = minute,
    sec = second } + os.time() - os.time(os.date("!*t", os.time()))
  if math.abs(signed - (os.time() + (store.clock or 0))) > 900 then
    refuse(connection, store, 403, "RequestTimeTooSkewed")
  elseif store.key_id and key ~= store.key_id then
    refuse(connection, store, 403, "InvalidAccessKeyId")
  elseif store.token ~= request.headers["x-amz-security-token"] then
    refuse(connection, store, 400, store.token and "ExpiredToken" or "InvalidToken")
  elseif store.region and region ~= store.region then
    refuse(connection, store, 400, "AuthorizationHeaderMalformed",
      "<Region>" .. store.region .. "</Region>", { ["x-amz-bucket-region"] = store.region })
  else
    return false
  end
  return true
end

local function list(request, connection, store)
  local query = request.query
  local prefix = query.prefix or ""
  local size = math.min(tonumber(query["max-keys"] or 1000), store.page or 1000)
  local after = query["continuation-token"]
  if after then
    after = after:match "^t/%+=(.*)$"
    if not after or store.forgets_tokens then
      return refuse(connection, store, 400, "InvalidArgument")
    end
  else
    after = query["start-after"] or ""
  end
  local keys = {}
  for key in pairs(store.objects) do
    if key:sub(1, #prefix) == prefix and key > after then keys[#keys + 1] = key end
  end
  table.sort(keys)
  local parts, encoded = {}, query["encoding-type"] == "url"
  for i = 1, math.min(size, #keys) do
    local object = store.objects[keys[i]]
    parts[i] = ("<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>&quot;%s&quot;</ETag>"
      .. "<Size>%d</Size><StorageClass>%s</StorageClass></Contents>"):format(
      escape(encoded and encode(keys[i]) or keys[i]), object.modified, object.etag,
      object.listed_size or object.size, object.class or "STANDARD")
  end
  local more = #keys > size
  local token = more and ("<NextContinuationToken>%s</NextContinuationToken>"):format(
    escape("t/+=" .. keys[size])) or ""
  connection:reply(200, { ["Content-Type"] = "application/xml" }, ('<?xml version="1.0"?>\n'
    .. '<ListBucketResult>%s<IsTruncated>%s</IsTruncated>%s%s</ListBucketResult>'):format(
    encoded and "<EncodingType>url</EncodingType>" or "", tostring(more), table.concat(parts),
    token))
end

-- Sends the body, or what a fault leaves of it.
local function send(connection, status, headers, body, fault)
  if not fault then return connection:reply(status, headers, body) end
  headers["Content-Length"] = #body
  connection:head(status, headers)
  connection:send(body:sub(1, fault.after or 0))
  if fault.act == "reset" then connection:reset() else connection:cut() end
end

local function get(request, connection, store, key, fault)
  local object = store.objects[key]
  if not object then return refuse(connection, store, 404, "NoSuchKey") end
  if object.class == "GLACIER" then return refuse(connection, store, 403, "InvalidObjectState") end
  local match = request.headers["if-match"]
  if match and match ~= '"' .. object.etag .. '"' then
    return refuse(connection, store, 412, "PreconditionFailed")
  end
  local body = read(object.file)
  local headers = { ETag = '"' .. object.etag .. '"' }
  local first, last = (request.headers.range or ""):match "^bytes=(%d+)%-(%d*)$"
  if not first or store.no_ranges then return send(connection, 200, headers, body, fault) end
  first, last = tonumber(first), math.min(tonumber(last) or math.huge, #body - 1)
  if first >= #body then return refuse(connection, store, 416, "InvalidRange") end
  local said = first + (store.wrong_range or 0)
  headers["Content-Range"] = ("bytes %d-%d/%d"):format(said, last, #body)
  send(connection, 206, headers, body:sub(first + 1, last + 1), fault)
end

return function(request, connection)
  local store = cjson.decode(read(options.store))
  local fault
  for i, one in ipairs(store.faults or {}) do
    if request.target:find(one.target) then
      seen[i] = (seen[i] or 0) + 1
      if seen[i] >= (one.from or 1) and seen[i] <= (one.to or one.from or 1) then fault = one end
    end
  end
  if fault and fault.status then
    return refuse(connection, store, fault.status, fault.code, fault.more, fault.headers)
  end
  if fault and fault.reply then return connection:reply(200, {}, fault.reply) end
  if refused(request, connection, store) then return end
  local bucket, key = request.path:match "^/([^/]+)/?(.*)$"
  if bucket ~= store.bucket then return refuse(connection, store, 404, "NoSuchBucket") end
  if key == "" then return list(request, connection, store) end
  reads = reads + 1
  -- Until so many objects have been asked for.
  if fault and fault.hold then
    connection:until_true(function() return reads >= fault.hold end)
    fault = nil
  end
  get(request, connection, store, key, fault)
end
]==]

-- options: bucket ("acme"), page (keys of a page), and others that the scenario above reads.
function s3.start(options)
  local self = setmetatable({ folder = files.temp(), count = 0 }, store)
  self.state = { bucket = "acme", objects = {} }
  for name, value in pairs(options or {}) do self.state[name] = value end
  self.path = self.folder .. "/store.json"
  self:save()
  self.server = http.start(SCENARIO, { set = { store = self.path } })
  self.url, self.address = self.server.url, self.server.address
  return self
end

-- Written aside first: the server may be reading.
function store:save()
  local state = {}
  for name, value in pairs(self.state) do state[name] = value end
  files.write(self.path .. ".new", cjson.encode(state))
  assert(os.rename(self.path .. ".new", self.path))
end

function store:set(name, value)
  self.state[name] = value
  self:save()
end

-- options: etag, class, modified.
function store:put(key, body, options)
  options = options or {}
  self.count = self.count + 1
  self.state.objects[key] = {
    file = files.write(("%s/objects/%d"):format(self.folder, self.count), body), size = #body,
    etag = options.etag or ("%032x-%d"):format(self.count, #body), class = options.class,
    modified = options.modified or "2026-03-01T01:02:03.000Z", listed_size = options.listed_size,
  }
  self:save()
end

function store:remove(key)
  self.state.objects[key] = nil
  self:save()
end

-- The keys that were asked for, in order.
function store:fetched()
  local result = {}
  for _, request in ipairs(self.server:requests "^/[^/]+/.") do
    result[#result + 1] = request.path:match "^/[^/]+/(.*)$"
  end
  return result
end

-- The settings of a source that reads it, as YAML. more: further lines.
function store:settings(more)
  return ([[
    bucket: %s
    endpoint: %s
    access_key_id: AKIAIOSFODNN7EXAMPLE
    secret_access_key: { env: TEST_S3_SECRET }
%s]]):format(self.state.bucket, self.url, more or "")
end

s3.environment = { TEST_S3_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" }

function store:stop() self.server:stop() end

return s3
