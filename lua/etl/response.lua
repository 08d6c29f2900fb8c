-- etl.response: what a service answered. The bytes stay with the engine; a response is asked for
-- what the script wants to know of it, and its rows go into the table without coming here.
local core = ...

local response = {}
response.__index = response
response.__metatable = false
response.__name = "response"

local pending = {}
pending.__index = pending
pending.__metatable = false
pending.__name = "pending response"

local rows = setmetatable({}, { __mode = "k" }) -- what :rows() made
local rows_meta = { __name = "rows", __metatable = false }

local function wrap(answer)
  return setmetatable({
    handle = answer.response, status = answer.status, url = answer.url, bytes = answer.bytes,
    headers = answer.headers, captured = answer.captured or {},
  }, response)
end

response.wrap = wrap

-- The value of a header by its name, nil when there is none.
function response:header(name) return self.headers[name:lower()] end

-- The value at a path of a JSON body ("paging.total"), nil when there is none; null is etl.null.
function response:value(path)
  local answer = core.call { op = "value", response = self.handle, path = path }
  if not answer.found then return nil end
  if answer.value == nil then return core.null end
  return answer.value
end

-- What the value at a path is: "list", "map", "string", "number", "boolean" or "null"; nil when
-- there is none.
function response:kind(path)
  return core.call { op = "value", response = self.handle, path = path, kind = true }.kind
end

-- The whole body as JSON.
function response:json() return self:value "" end

-- for item in response:each "data.items" do: the items of a list, for scripts that make rows.
function response:each(path)
  local page, index, more = {}, 0, true
  local first = true
  return function()
    while index >= #page do
      if not more then return nil end
      local answer = core.call { op = "items", response = self.handle, path = path, first = first }
      page, index, more, first = answer.items, 0, answer.more, false
    end
    index = index + 1
    return page[index]
  end
end

-- The body as text, at most max bytes of it.
function response:text(max)
  return core.call { op = "text", response = self.handle, max = max }
end

-- The rows for ctx:emit: at a path of a JSON body, or { format = "csv" | "jsonl" }. Those of a
-- stream (a request with stream = true) are loaded while they come.
function response:rows(path, options)
  if type(path) == "table" then path, options = nil, path end
  if path ~= nil and type(path) ~= "string" then
    error("response:rows: the path must be text, not a " .. type(path), 2)
  end
  local made = setmetatable({}, rows_meta)
  options = options or {}
  rows[made] = { handle = self.handle, path = path, format = options.format,
    ends_by_close = options.ends_by_close }
  return made
end

-- Lets go of it; without that the engine does, with the end of the resource.
function response:release()
  if not self.released then
    self.released = true
    core.tell { op = "release", response = self.handle }
  end
end

-- What stands behind rows of response:rows; nil for anything else.
function response.of_rows(value) return rows[value] end

function response.pending(handle) return setmetatable({ handle = handle }, pending) end

-- Waits for a request that is under way.
function pending:wait() return wrap(core.call { op = "wait", response = self.handle }) end

-- Lets go of it, wherever it is.
function pending:release() core.tell { op = "release", response = self.handle } end

return response
