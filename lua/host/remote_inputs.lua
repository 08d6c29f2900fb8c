-- What `load` and `preview` read that is no file: https:// and s3:// addresses. The credentials of
-- a store come from the environment under Amazon's own names, or from its credentials file.

local err = require "host.err"
local files = require "host.files"
local system = require "host.system"

local remote_inputs = {}

remote_inputs.options = {
  { "s3-endpoint", value = "URL",
    help = "the store that s3:// means (default: AWS_ENDPOINT_URL_S3, or Amazon's)" },
  { "s3-region", value = "NAME", help = "its region (default: AWS_REGION, or us-east-1)" },
  { "s3-profile", value = "NAME",
    help = "of ~/.aws/credentials (default: AWS_PROFILE; then AWS_ACCESS_KEY_ID and its like)" },
  { "anonymous", help = "an s3:// bucket is public: sign nothing" },
  { "allow-host", value = "HOST", many = true,
    help = "a host that an https:// address may redirect to" },
}

function remote_inputs.is(path)
  return path:match "^https?://." ~= nil or path:match "^s3://[^/]" ~= nil
end

local function variable(...)
  for _, name in ipairs { ... } do
    local value = os.getenv(name)
    if value and value ~= "" then return value end
  end
end

-- The secrets that a run needs, as handles in `settings`, and their values.
local function credentials(args, settings)
  local values = {}
  local nonce = system.random_hex(16)
  local function hide(key, value)
    if not value then return end
    settings[key] = ("{{secret:%s:load.%s}}"):format(nonce, key)
    values[#values + 1] = { instance = "load", key = key, value = value }
  end
  local profile = args.s3_profile or os.getenv "AWS_PROFILE"
  local key = variable "AWS_ACCESS_KEY_ID"
  if args.anonymous then
    settings.anonymous = true
  elseif key and not args.s3_profile then
    local secret = variable "AWS_SECRET_ACCESS_KEY"
    if not secret then
      return nil, err.new { class = "config", message = "AWS_SECRET_ACCESS_KEY is not set",
        hint = "it belongs to AWS_ACCESS_KEY_ID, which is set" }
    end
    settings.access_key_id = key
    hide("secret_access_key", secret)
    hide("session_token", variable "AWS_SESSION_TOKEN")
  else
    local path = variable "AWS_SHARED_CREDENTIALS_FILE"
      or (os.getenv "HOME" or "") .. "/.aws/credentials"
    local content = files.read(path, 64 * 1024)
    if not content then
      return nil, err.new {
        class = "config",
        message = "there are no credentials for s3:// addresses: there is no file " .. path,
        hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials; "
          .. "a public bucket is read with --anonymous",
      }
    end
    settings.profile = profile
    hide("credentials", content)
  end
  return { nonce = nonce, values = values }
end

-- An address that the operator wrote out is the operator's word: "127.0.0.1:9000" of a URL whose
-- host is an IP address or localhost.
function remote_inputs.private_of(url)
  local scheme, host = url:match "^(https?)://([^/?#]+)"
  if not host then return {} end
  local name, port = host:match "^(%[[%x:.]+%]):?(%d*)$"
  if not name then name, port = host:match "^([^:]+):?(%d*)$" end
  if not name then return {} end
  port = port ~= "" and port or (scheme == "https" and "443" or "80")
  if name == "localhost" then return { "127.0.0.1:" .. port, "[::1]:" .. port } end
  if name:match "^%[" or name:match "^%d+%.%d+%.%d+%.%d+$" then return { name .. ":" .. port } end
  return {}
end

local function allow(s, url)
  local list = remote_inputs.private_of(url)
  if #list == 0 then return end
  local network = {}
  for key, value in pairs(s.network or {}) do network[key] = value end
  network.allow_private = table.move(list, 1, #list, #(network.allow_private or {}) + 1,
    { table.unpack(network.allow_private or {}) })
  s.network = network
end

-- Puts into s, and into `options` (its load or preview), what these paths need. true | nil, err
function remote_inputs.prepare(s, options, args, paths)
  local has_s3 = false
  for _, path in ipairs(paths) do
    if path:match "^https?://" then allow(s, path) end
    has_s3 = has_s3 or path:match "^s3://" ~= nil
  end
  options.allow_hosts = args.allow_host
  if not has_s3 then return true end
  local settings = {
    endpoint = args.s3_endpoint or variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    region = args.s3_region or variable("AWS_REGION", "AWS_DEFAULT_REGION"),
  }
  local found, problem = credentials(args, settings)
  if not found then return nil, problem end
  if settings.endpoint then allow(s, settings.endpoint) end
  options.s3 = settings
  s.secrets = found
  return true
end

return remote_inputs
