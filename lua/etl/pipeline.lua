-- etl.pipeline: what a client's data goes through. `pipeline {}` loads every resource of every
-- source of the client as it is; a pipeline of one's own names what is to be different:
--
--   return pipeline {
--     client = "713",                            -- optional: runs for this client only
--     everflow = {
--       conversions = { hash = { "email" }, row = function(row) ... end },
--       clicks = false,                          -- not loaded
--     },
--   }
--
-- What may be said of a resource is in etl.resource.
local core = ...
local check_changes = require "etl.changes".check
local fields = require "etl.fields"
local problems = require "etl.problems"

local made = setmetatable({}, { __mode = "k" }) -- the pipelines made in this run
local meta = { __name = "pipeline", __metatable = false }

local pipeline = {}

local function make(given, place)
  local self = { place = place, problems = {}, changes = {}, client = nil }
  local function report(message) self.problems[#self.problems + 1] = message end
  if not fields.is_map(given) then
    report "pipeline takes a map: source = { resource = { ... } }"
    given = {}
  end
  for name, value in pairs(given) do
    if name == "client" then
      self.client = tostring(value)
    elseif type(name) ~= "string" then
      report("a source is named by text, not by " .. tostring(name))
    elseif value ~= false and not fields.is_map(value) then
      report(("%s must be a map of resources, or false"):format(name))
    else
      self.changes[name] = value
    end
  end
  made[self] = true
  return setmetatable(self, meta)
end

function pipeline.is(value) return made[value] == true end

-- What the pipeline was told about the sources as a whole, against those the client has.
function pipeline.check(self, client_id, instances, report)
  for _, message in ipairs(self.problems) do report(message, self.place) end
  if self.client and client_id and self.client ~= client_id then
    report(("this pipeline is for client %s, not for %s"):format(self.client, client_id),
      self.place)
  end
  for _, name in ipairs(problems.sorted(self.changes)) do
    if not instances[name] then
      report(("the client has no source \"%s\"%s"):format(name,
        problems.suggest(name, instances)), self.place)
    end
  end
end

-- The changes of one source, checked against the resources it has. A resource that is switched off
-- is false; report(resource_name, message).
function pipeline.changes_for(self, instance, resources, extra, report)
  local changes = self.changes[instance]
  if changes == false then
    local off = {}
    for name in pairs(resources) do off[name] = false end
    return off
  end
  return check_changes(changes or {}, resources, extra, report)
end

return setmetatable(pipeline, { __call = core.placed(make) })
