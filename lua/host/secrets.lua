-- Secrets are named, never written, in the configuration: { env: NAME } or { file: path }. Here the
-- supervisor reads the one that it needs itself, the destination's address. Those of the sources
-- stay handles. Nothing that comes out of here is ever logged.

local err = require "host.err"
local files = require "host.files"

local secrets = {}
secrets.__index = secrets

local FILE_MAX = 64 * 1024

-- "NAME=value" lines of a .env file; quotes are taken off, `export ` is allowed before a name.
function secrets.parse_env(content)
  local values = {}
  for line in content:gmatch "[^\r\n]+" do
    local name, value = line:match "^%s*e?x?p?o?r?t?%s*([%a_][%w_]*)%s*=%s*(.-)%s*$"
    if name and not line:match "^%s*#" then
      local quoted = value:match '^"(.*)"$' or value:match "^'(.*)'$"
      values[name] = quoted or (value:gsub("%s+#.*$", ""))
    end
  end
  return values
end

-- root: the project's folder. getenv: os.getenv but in tests.
function secrets.new(root, getenv)
  local content = root and files.read(root .. "/.env", FILE_MAX)
  return setmetatable({
    root = root,
    getenv = getenv or os.getenv,
    dotenv = content and secrets.parse_env(content) or {},
  }, secrets)
end

local function from_file(self, path)
  local full = path:sub(1, 1) == "/" and path or (self.root or ".") .. "/" .. path
  local content, problem = files.read(full, FILE_MAX)
  if not content then
    problem.message = "the secret's file cannot be read: " .. problem.message
    return nil, problem
  end
  return (content:gsub("[\r\n]+$", ""))
end

-- The value of a text or a reference: value | nil, err.
function secrets:resolve(value)
  if type(value) ~= "table" then return value end
  local found, problem
  if value.env then
    found = self.getenv(value.env)
    if found == nil or found == "" then found = self.dotenv[value.env] end
    if found == nil or found == "" then
      problem = err.new {
        class = "config",
        message = ("the variable %s is not set"):format(value.env),
        hint = ("set it in the environment, or as a line %s=... in the project's .env"):format(
          value.env),
      }
    end
  else
    found, problem = from_file(self, value.file)
    if found == "" then
      problem = err.new {
        class = "config",
        message = ("the secret's file %s is empty"):format(value.file),
      }
    end
  end
  if problem then return nil, problem end
  return found
end

return secrets
