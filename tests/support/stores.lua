-- tests/support/stores.lua: real object stores that check signatures, from the folder
-- $ETLHOST_STORES (`make test-real` fills it), and what puts objects into them: curl.
local files = require "tests.support.files"
local process = require "tests.support.process"
local wait = require "tests.support.wait"

local stores = {}
local store = {}
store.__index = store

stores.folder = os.getenv "ETLHOST_STORES"

-- etlhost and its children must not see the credentials of whoever runs the tests.
local KEY, SECRET = "etlhosttest", "a/secret+of=the/tests"

local function free_port()
  local socket = process.must { "python3", "-c",
    "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])" }
  return tonumber(socket)
end

local kinds = {
  versitygw = function(self)
    return { stores.folder .. "/versitygw", "--access", KEY, "--secret", SECRET,
      "--region", self.region, "--port", self.address, "--iam-dir", self.folder .. "/iam",
      "--virtual-domain", self.host, "posix", self.folder .. "/data" }, {}
  end,
  minio = function(self)
    return { stores.folder .. "/minio", "server", "--quiet", "--address", self.address,
      "--console-address", "127.0.0.1:" .. free_port(), self.folder .. "/data" },
      { MINIO_ROOT_USER = KEY, MINIO_ROOT_PASSWORD = SECRET, MINIO_REGION = self.region,
        MINIO_BROWSER = "off", MINIO_DOMAIN = "localhost", HOME = self.folder }
  end,
}
stores.kinds = { "versitygw", "minio" }

-- A store has url, address ("127.0.0.1:PORT"), and host ("localhost:PORT"), below which each bucket
-- has a host of its own: libcurl knows that names below localhost are this machine's.
function stores.start(kind)
  local port = free_port()
  local self = setmetatable({
    kind = kind, key = KEY, secret = SECRET, region = "eu-central-1", folder = files.temp(),
    address = "127.0.0.1:" .. port, host = "localhost:" .. port,
  }, store)
  self.url = "http://" .. self.address
  files.make_folder(self.folder .. "/data")
  files.make_folder(self.folder .. "/iam")
  local argv, env = kinds[kind](self)
  self.program = process.spawn(argv, { env = env, cwd = self.folder })
  wait.until_true(kind .. " to start", 60, function()
    if self.program:ended() then error(self.program:output()) end
    return self:curl("GET", "/").code == 0
  end)
  return self
end

function store:stop()
  self.program:signal "TERM"
  self.program:wait(30)
end

-- A signed request. options: body (text), headers, service.
function store:curl(method, target, options)
  options = options or {}
  local argv = { "curl", "-sS", "--fail-with-body", "--noproxy", "*", "--path-as-is",
    "--globoff", "-X", method, "--max-time", "20",
    "--aws-sigv4", ("aws:amz:%s:%s"):format(self.region, options.service or "s3"),
    "--user", self.key .. ":" .. self.secret }
  local function add(...)
    for _, word in ipairs { ... } do argv[#argv + 1] = word end
  end
  if not options.service then add("-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD") end
  for _, header in ipairs(options.headers or {}) do add("-H", header) end
  if options.body then
    add("--data-binary", "@" .. files.write(self.folder .. "/body", options.body))
    if not options.service then add("-H", "Content-Type: application/octet-stream") end
  end
  add(self.url .. target)
  return process.run(argv)
end

function store:must(method, target, options)
  local result = self:curl(method, target, options)
  if result.code ~= 0 then error(tostring(result), 2) end
  return result.out
end

local function encode(text)
  return (text:gsub("[^%w%-._~/]", function(c) return ("%%%02X"):format(c:byte()) end))
end

function store:bucket(name) self:must("PUT", "/" .. name) end
function store:put(bucket, key, body)
  self:must("PUT", "/" .. bucket .. "/" .. encode(key), { body = body })
end
-- So many objects with the same content, by one curl.
function store:put_many(bucket, prefix, count, body)
  local lines, url = {}, self.url .. "/" .. bucket .. "/" .. encode(prefix)
  local path = files.write(self.folder .. "/body", body)
  for i = 1, count do
    lines[#lines + 1] = ('url = "%s%05d.csv"\nupload-file = "%s"\naws-sigv4 = "aws:amz:%s:s3"\n'
      .. 'user = "%s:%s"\nheader = "x-amz-content-sha256: UNSIGNED-PAYLOAD"\n'
      .. 'fail\nsilent\nshow-error\nnoproxy = "*"'):format(
      url, i, path, self.region, self.key, self.secret)
  end
  local list = files.write(self.folder .. "/many", table.concat(lines, "\nnext\n"))
  process.must({ "curl", "-K", list }, { seconds = 120 })
end

-- In parts of 5 MiB, the smallest that stores take; its etag is no MD5.
function store:put_parts(bucket, key, body)
  local path = "/" .. bucket .. "/" .. encode(key)
  local id = self:must("POST", path .. "?uploads="):match "<UploadId>(.-)</UploadId>"
  local parts, size = {}, 5 * 1024 * 1024
  for i = 1, (#body + size - 1) // size do
    local part = self:curl("PUT", ("%s?partNumber=%d&uploadId=%s"):format(path, i, encode(id)), {
      body = body:sub((i - 1) * size + 1, i * size)
    })
    assert(part.code == 0, tostring(part))
    parts[i] = i
  end
  local listed = self:must("GET", path .. "?uploadId=" .. encode(id))
  local xml = {}
  for part in listed:gmatch "<Part>(.-)</Part>" do
    xml[#xml + 1] = ("<Part><PartNumber>%s</PartNumber><ETag>%s</ETag></Part>"):format(
      part:match "<PartNumber>(%d+)<", part:match "<ETag>(.-)</ETag>")
  end
  assert(#xml == #parts, listed)
  self:must("POST", path .. "?uploadId=" .. encode(id),
    { body = "<CompleteMultipartUpload>" .. table.concat(xml) .. "</CompleteMultipartUpload>" })
end

-- Somebody may list and read the bucket: a user of store:user, or anybody ("*").
function store:grant(bucket, who)
  self:must("PUT", "/" .. bucket .. "?policy=", { body = ([[{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Principal":{"AWS":["%s"]},"Action":["s3:ListBucket"],
     "Resource":["arn:aws:s3:::%s"]},
    {"Effect":"Allow","Principal":{"AWS":["%s"]},"Action":["s3:GetObject"],
     "Resource":["arn:aws:s3:::%s/*"]}]}]]):format(who, bucket, who, bucket) })
end
function store:revoke(bucket) self:must("DELETE", "/" .. bucket .. "?policy=") end
function store:publish(bucket) self:grant(bucket, "*") end

-- Users of VersityGW: MinIO's are made by a program of its own only.
local function admin(self, ...)
  process.must { stores.folder .. "/versitygw", "admin", "--access", self.key, "--secret",
    self.secret, "--region", self.region, "--endpoint-url", self.url, ... }
end
function store:user(name, secret)
  admin(self, "create-user", "--access", name, "--secret", secret, "--role", "user")
end
function store:remove_user(name) admin(self, "delete-user", "--access", name) end

-- Temporary credentials: key, secret, token (MinIO only).
function store:session()
  local xml = self:must("POST", "/", { service = "sts",
    body = "Action=AssumeRole&Version=2011-06-15&DurationSeconds=900" })
  return xml:match "<AccessKeyId>(.-)<", xml:match "<SecretAccessKey>(.-)<",
    xml:match "<SessionToken>(.-)<"
end

return stores
