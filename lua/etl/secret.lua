-- etl.secret: methods of ctx (etl.context) that make something of secrets. What is made of a secret
-- is a handle again; what is made of plain text is plain text.
local core = ...

local context = {}

-- Options of each, and whether they must be there.
local shapes = {
  base64 = { text = true, encoding = false },
  hash = { algorithm = true, text = true, encoding = false },
  hmac = { algorithm = true, key = true, text = true, encoding = false, key_encoding = false },
  jwt = { algorithm = true, key = true, claims = true, header = false },
  field = { text = true, path = true },
}

local function derive(ctx, kind, name, given)
  if type(given) ~= "table" then
    error(("ctx:%s: its argument must be a table, not %s"):format(name, type(given)), 3)
  end
  local call = { op = "derive", kind = kind, instance = ctx.instance, resource = ctx.resource }
  for option, value in pairs(given) do
    if shapes[kind][option] == nil then
      error(("ctx:%s has no option \"%s\""):format(name, tostring(option)), 3)
    end
    call[option] = value
  end
  for option, is_needed in pairs(shapes[kind]) do
    if is_needed and call[option] == nil then
      error(("ctx:%s: %s is missing"):format(name, option), 3)
    end
  end
  return core.call(call).text
end

-- ctx:basic(user, password): what stands in the header Authorization.
function context:basic(user, password)
  local both = tostring(user) .. ":" .. tostring(password == nil and "" or password)
  return "Basic " .. derive(self, "base64", "basic", { text = both })
end

function context:base64(text, encoding)
  return derive(self, "base64", "base64", { text = text, encoding = encoding })
end

-- ctx:hash { algorithm = "sha256", text = ..., encoding = "hex" }
function context:hash(options) return derive(self, "hash", "hash", options) end

-- ctx:hmac { algorithm = "sha256", key = ..., text = ..., encoding = "hex" }
function context:hmac(options) return derive(self, "hmac", "hmac", options) end

-- ctx:jwt { algorithm = "RS256", key = ..., claims = { ... } }
function context:jwt(options) return derive(self, "jwt", "jwt", options) end

-- ctx:secret_field(secret, "private_key"): a part of a secret that is JSON.
function context:secret_field(secret, path)
  return derive(self, "field", "secret_field", { text = secret, path = path })
end

-- ctx:token(name, get): the token of that name, or what get() returns: the token (a handle that a
-- request captured), and for how many seconds it is good.
function context:token(name, get)
  if type(name) ~= "string" or not name:match "^[%w_-]+$" then
    error("ctx:token: the name must be letters, digits, _ and -", 2)
  end
  if type(get) ~= "function" then
    error("ctx:token: a function that gets the token is missing", 2)
  end
  local function call(op, more)
    more = more or {}
    more.op, more.name, more.instance, more.resource = op, name, self.instance, self.resource
    return core.call(more)
  end
  local known = call "token_get"
  if known.token then return known.token end
  local ok, token, expires_in = pcall(get)
  if ok and type(token) == "string" then
    local whole = tonumber(expires_in)
    return call("token_put", { token = token, expires_in = whole and whole // 1 | 0 }).token
  end
  call "token_fail"
  error(ok and "ctx:token: the function returned no token" or token, 0)
end

-- ctx:forget_token(name): it was refused; ctx:token gets a new one.
function context:forget_token(name)
  core.call { op = "token_drop", name = name, instance = self.instance, resource = self.resource }
end

return context
