-- etl.err: errors as objects: class, message, and what helps a person: hint, place, trail. They
-- print well, and `error` and `assert` take them. The classes are those of design section 7.
local core = ...

local err = {}

local classes = {
  transient = true, throttled = true, auth = true, denied = true, not_found = true,
  config = true, script = true, limit = true, remote = true, data = true,
  destination = true, cancelled = true,
}

local known = {
  class = "string", message = "string", hint = "string", place = "string", trail = "string",
  code = "string", retry_after_ms = "number",
}

-- err.new { class = "config", message = "...", hint = "..." }: class defaults to "script", place
-- to the line of the script that led here.
function err.new(fields)
  local object = {}
  for name, value in pairs(fields) do
    if not known[name] then error("err.new: there is no field \"" .. tostring(name) .. "\"", 2) end
    if type(value) ~= known[name] then
      error(("err.new: %s must be a %s, not a %s"):format(name, known[name], type(value)), 2)
    end
    object[name] = value
  end
  if not object.message then error("err.new: message is missing", 2) end
  object.class = object.class or "script"
  if not classes[object.class] then
    error("err.new: there is no class \"" .. object.class .. "\"", 2)
  end
  object.place = object.place or core.where()
  return core.error(object)
end

-- Raises what err.new makes.
function err.raise(fields) error(err.new(fields)) end

return err
