-- etl.context: what an extract function is handed. Each method asks the engine and waits for the
-- answer; other resources go on meanwhile. A failure raises an error object (etl.err).
local core = ...
local response = require "etl.response"
local window = require "etl.window"

local context = {}
context.__index = context
context.__metatable = false
context.__name = "ctx"

-- ctx.instance, ctx.resource: names; ctx.settings, ctx.options: checked; ctx.client: id, name,
-- timezone; ctx.start: nil, or { day = "2024-01-31", begin_us = when it begins at the client's };
-- ctx.now_s: when the run began.
function context.new(fields) return setmetatable(fields, context) end

local function must(where, name, value, kind)
  if type(value) ~= kind then
    error(("%s: %s must be a %s, not %s"):format(where, name, kind, type(value)), 3)
  end
end

-- for file in ctx:files { location = "file:...", prefix = "orders/", pattern = "*.csv" } do
-- In byte order of the name. A file has name, size, modified_us and location.
function context:files(where)
  must("ctx:files", "its argument", where, "table")
  must("ctx:files", "location", where.location, "string")
  local after, page, index, more = where.after, {}, 0, true
  local function fetch()
    local answer = core.call {
      op = "files", instance = self.instance, location = where.location,
      prefix = where.prefix or "", pattern = where.pattern, after = after,
    }
    page, index, more = answer.files, 0, answer.more == true
    local last = answer.last or (#page > 0 and page[#page].name) or nil
    if more and (last == nil or last == after) then
      error("ctx:files: the listing does not go on", 0)
    end
    after = last
  end
  return function()
    while index >= #page do
      if not more then return nil end
      fetch()
    end
    index = index + 1
    local file = page[index]
    file.location = where.location
    return file
  end
end

-- Loads one file of ctx:files, or { location = ..., name = ... }, into the resource's table.
-- Returns { status = "loaded" | "known" | ..., rows = n, dead = n }: what was read of it now. The
-- last of it may commit while the script goes on.
function context:load(file, ahead)
  must("ctx:load", "the file", file, "table")
  must("ctx:load", "file.name", file.name, "string")
  must("ctx:load", "file.location", file.location, "string")
  return core.call {
    op = "load", instance = self.instance, resource = self.resource,
    location = file.location, file = file.name, ahead = ahead,
  }
end

-- Loads the files that a function gives one by one until nil, in that order. While one is loaded
-- the next ones are fetched, if they come over a network: at_once of them together (4).
function context:load_all(next_file, at_once)
  must("ctx:load_all", "its argument", next_file, "function")
  local waiting, done = {}, false
  while true do
    while not done and #waiting < math.max(at_once or 4, 1) do
      local file = next_file()
      done = file == nil
      waiting[#waiting + 1] = file
    end
    local file = table.remove(waiting, 1)
    if not file then return end
    local ahead = {}
    for _, other in ipairs(waiting) do
      if other.location == file.location then ahead[#ahead + 1] = other.name end
    end
    self:load(file, #ahead > 0 and ahead or nil)
  end
end

-- A map as a list of { name, text }, in the order of the names; a value that is a list is there
-- once for each.
local function pairs_of(where, name, value)
  if value == nil then return nil end
  must(where, name, value, "table")
  local names, list = {}, core.list {}
  for key in pairs(value) do names[#names + 1] = tostring(key) end
  table.sort(names)
  for _, key in ipairs(names) do
    local one = value[key]
    for _, text in ipairs(type(one) == "table" and one or { one }) do
      list[#list + 1] = core.list { key, tostring(text) }
    end
  end
  return list
end

local request_options = {
  method = true, url = true, query = true, headers = true, body = true, json = true, form = true,
  accept = true, deadline_ms = true, max_bytes = true, as_stored = true, repeatable = true,
  capture = true, stream = true,
}

local function call_of(self, op, options)
  must("a request", "its argument", options, "table")
  must("a request", "url", options.url, "string")
  for name in pairs(options) do
    if not request_options[name] then
      error(("a request has no option \"%s\""):format(tostring(name)), 3)
    end
  end
  return {
    op = op, instance = self.instance, resource = self.resource, method = options.method,
    url = options.url, base = self.settings.base_url,
    query = pairs_of("a request", "query", options.query),
    headers = pairs_of("a request", "headers", options.headers),
    form = pairs_of("a request", "form", options.form),
    body = options.body, json = options.json, capture = options.capture,
    accept = options.accept and core.list(options.accept), deadline_ms = options.deadline_ms,
    max_bytes = options.max_bytes, as_stored = options.as_stored, repeatable = options.repeatable,
    stream = options.stream,
  }
end

local function with(url, options, method)
  local all = { url = url, method = method }
  for name, value in pairs(options or {}) do all[name] = value end
  return all
end

-- One request, and its answer; other resources go on meanwhile. A status that is neither 2xx nor in
-- `accept` raises an error, once trying again does not help.
function context:request(options)
  return response.wrap(core.call(call_of(self, "request", options)))
end
function context:get(url, options) return self:request(with(url, options, "GET")) end
function context:post(url, options) return self:request(with(url, options, "POST")) end

-- The same, begun and not waited for: prefetch{...}:wait() gives the response.
function context:prefetch(options)
  return response.pending(core.call(call_of(self, "prefetch", options)).response)
end

local ROWS_BYTES = 300000 -- of one message, by estimate

local function size_of(value)
  if type(value) == "string" then return #value + 8 end
  if type(value) ~= "table" then return 16 end
  local sum = 16
  for key, one in pairs(value) do sum = sum + size_of(key) + size_of(one) end
  return sum
end

local function emit_list(self, rows, options)
  local total, list, bytes = { rows = 0, dead = 0 }, core.list {}, 0
  local function send(position)
    local answer = core.call {
      op = "emit_rows", instance = self.instance, resource = self.resource, rows = list,
      label = options.label, position = position,
    }
    total.rows, total.dead = total.rows + answer.rows, total.dead + answer.dead
    list, bytes = core.list {}, 0
  end
  for _, row in ipairs(rows) do
    local size = size_of(row)
    if bytes > 0 and bytes + size > ROWS_BYTES then send() end
    list[#list + 1], bytes = row, bytes + size
  end
  send(options.position or nil)
  return total
end

-- Loads rows: those of response:rows, which never come here, or a list of maps.
-- options.position: where to go on behind them when the run is killed, whatever says that;
-- options.distinct: a column whose different values in this window are counted; options.again: this
-- page was read before in this window, on purpose.
function context:emit(rows, options)
  options = options or {}
  must("ctx:emit", "the rows", rows, "table")
  must("ctx:emit", "its options", options, "table")
  local of = response.of_rows(rows)
  if not of then return emit_list(self, rows, options) end
  return core.call {
    op = "emit", instance = self.instance, resource = self.resource, response = of.handle,
    path = of.path, format = of.format, ends_by_close = of.ends_by_close,
    position = options.position or nil, distinct = options.distinct,
    again = options.again == true or nil,
  }
end

-- How far the resource has been read: cursor = { field, value }, pending = { name, bounds } of a
-- window that a run did not complete; both may be nil.
function context:state()
  return core.call { op = "state", instance = self.instance, resource = self.resource }
end

-- for window in ctx:windows { span = "1d", lag = "30d" } do ... end
function context:windows(options)
  must("ctx:windows", "its argument", options, "table")
  return window.each(self, options)
end

-- Sends the resource's dead rows through its declarations and row function again: what a retry
-- does in place of extract. Only the host asks for it.
function context:retry()
  return core.call { op = "retry", instance = self.instance, resource = self.resource }
end

-- ctx:log("%d files", n) and ctx:warn(...): a line in the log of the run.
function context:log(format, ...)
  core.log("info", select("#", ...) > 0 and format:format(...) or tostring(format))
end
function context:warn(format, ...)
  core.log("warning", select("#", ...) > 0 and format:format(...) or tostring(format))
end

-- basic, base64, hash, hmac, jwt, secret_field
for name, method in pairs(require "etl.secret") do context[name] = method end

return context
