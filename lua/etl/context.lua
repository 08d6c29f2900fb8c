-- etl.context: what an extract function is handed. Each method asks the engine and waits for the
-- answer; other resources go on meanwhile. A failure raises an error object (etl.err).
local core = ...

local context = {}
context.__index = context
context.__metatable = false
context.__name = "ctx"

-- ctx.instance, ctx.resource: names; ctx.settings, ctx.options: checked; ctx.client: id, name,
-- timezone; ctx.start: nil, or { day = "2024-01-31", begin_us = when it begins at the client's }.
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
function context:load(file)
  must("ctx:load", "the file", file, "table")
  must("ctx:load", "file.name", file.name, "string")
  must("ctx:load", "file.location", file.location, "string")
  return core.call {
    op = "load", instance = self.instance, resource = self.resource,
    location = file.location, file = file.name,
  }
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

return context
