-- Secrets are named, never written, in the configuration: { env: NAME }, { file: path } or
-- { cmd: [program, ...] }. Here the supervisor reads those that a run needs. Nothing that comes
-- out of here is ever logged.

local err = require "host.err"
local files = require "host.files"
local process = require "host.process"

local secrets = {}
secrets.__index = secrets

local VALUE_MAX = 64 * 1024
local COMMAND_MS = 60 * 1000

-- The kinds of reference, for messages.
secrets.expected = "{ env: NAME }, { file: path } or { cmd: [program, ...] }"

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

-- root: the project's folder. getenv, output: os.getenv and process.output but in tests.
function secrets.new(root, getenv, output)
  local content = root and files.read(root .. "/.env", VALUE_MAX)
  return setmetatable({
    root = root,
    getenv = getenv or os.getenv,
    output = output or process.output,
    dotenv = content and secrets.parse_env(content) or {},
    printed = {}, -- by the words of a command: it is run once
  }, secrets)
end

local function fail(message, hint)
  return nil, err.new { class = "config", message = message, hint = hint }
end

local function from_env(self, name)
  local found = self.getenv(name)
  if found == nil or found == "" then found = self.dotenv[name] end
  if found ~= nil and found ~= "" then return found end
  return fail(("the variable %s is not set"):format(name),
    ("set it in the environment, or as a line %s=... in the project's .env"):format(name))
end

local function path_of(self, path)
  return path:sub(1, 1) == "/" and path or (self.root or ".") .. "/" .. path
end

local function from_file(self, path)
  local content, problem = files.read(path_of(self, path), VALUE_MAX)
  if not content then
    problem.message = "the secret's file cannot be read: " .. problem.message
    return nil, problem
  end
  content = content:gsub("[\r\n]+$", "")
  if content == "" then return fail(("the secret's file %s is empty"):format(path)) end
  return content
end

-- The words of `cmd`: a list as it is, a text split at blanks. nil, err for a text that a shell
-- would read otherwise.
function secrets.words(cmd)
  if type(cmd) == "table" then return cmd end
  if cmd:find "[\"'\\$`|;&<>*?~]" then
    return fail("a command in one text is split at blanks, and no shell reads it",
      "write its words as a list: cmd: [program, first, second]")
  end
  local words = {}
  for word in cmd:gmatch "%S+" do words[#words + 1] = word end
  if #words == 0 then return fail "the command is empty" end
  return words
end

local function from_command(self, cmd)
  local words, problem = secrets.words(cmd)
  if not words then return nil, problem end
  local key = table.concat(words, "\0")
  local found = self.printed[key]
  if not found then
    found, problem = self.output(words, COMMAND_MS)
    if not found then return nil, problem end
    found = found:gsub("[\r\n]+$", "")
    self.printed[key] = found
  end
  if found == "" then return fail(("the command \"%s\" printed nothing"):format(words[1])) end
  return found
end

-- The value of a text or a reference: value | nil, err.
function secrets:resolve(value)
  if type(value) ~= "table" then return value end
  if value.env then return from_env(self, value.env) end
  if value.file then return from_file(self, value.file) end
  return from_command(self, value.cmd)
end

-- Why a reference cannot be resolved here and now, as far as that shows without running a command;
-- nil when it can.
function secrets:missing(value)
  local _, problem
  if type(value) ~= "table" then return nil end
  if value.env then
    _, problem = from_env(self, value.env)
  elseif value.file then
    _, problem = from_file(self, value.file)
  else
    _, problem = secrets.words(value.cmd)
  end
  return problem
end

-- The secrets of a client's sources, as a specification has them: { nonce, values } | nil, err.
-- instance: only of this source; nil: of all that are switched on.
function secrets:of_sources(client, instance)
  local values = {}
  for _, source in ipairs(client.sources) do
    local is_wanted = source.enabled ~= false and (not instance or source.instance == instance)
    for _, one in ipairs(is_wanted and source.secrets or {}) do
      local value, problem = self:resolve(one.reference)
      if not value then
        problem.place = one.place
        problem.trail = ("while resolving %s.%s"):format(source.instance, one.key)
        return nil, problem
      end
      values[#values + 1] = { instance = source.instance, key = one.key, value = value }
    end
  end
  return { nonce = client.nonce, values = values }
end

local KEY_MIN = 32

local function token_key(self, reference)
  local key, problem = self:resolve(reference)
  if not key then return nil, problem end
  if #key >= KEY_MIN then return key end
  return fail(("the key has %d bytes; %d are the least"):format(#key, KEY_MIN),
    "make one with: openssl rand -base64 32")
end

-- The key with which tokens are kept, and where, into the secrets of a specification; an error when
-- it is not to be had.
function secrets:add_token_key(into, reference, project)
  if #into.values == 0 then return nil end -- nothing to sign in with
  local folder, made = project.catalog_folder .. "/tokens", nil
  local key, problem = token_key(self, reference)
  if key then made, problem = files.make_folder(folder) end
  if not made then
    problem.trail = "while resolving secrets.key of " .. project.config_file
    return problem
  end
  into.token_folder = folder
  table.insert(into.values, { instance = "@host", key = "token_key", value = key })
end

return secrets
