-- etl.source: declares where rows come from.
--
--   return source {
--     name = "shop",
--     config = { url = "url", page = { type = "integer", default = 100 } },
--     resources = { orders = { key = "id", extract = function(ctx) ... end } },
--   }
--
-- resources may be a function of the settings. Nothing runs here: mistakes are collected and shown
-- all at once, by `check` and before a run.
local core = ...
local fields = require "etl.fields"
local problems = require "etl.problems"
local resource = require "etl.resource"
local words = require "etl.words"

local made = {} -- every source made in this run
local meta = { __name = "source", __metatable = false }

local options = {
  name = "string",
  help = "string?",
  config = { type = "map", default = {} },
  hosts = "list?",
  rate = "string?",
  resources = "any", -- a map, or a function of the settings
  -- of resources that say nothing
  contract = "string or map?", max_dead = "number or map?", min_ratio = "number?",
  on_changed_file = { type = "string", optional = true,
    one_of = { "replace_rows", "tail", "append", "refuse" } },
  resource_options = "map?", -- options of resources that this source adds to the common ones
}

local source = {}

-- Whether settings can be checked against it.
local function check_config(config, report)
  local usable = true
  for name, declaration in pairs(config) do
    local ok, why = pcall(fields.declare, name, declaration)
    if not ok then report("config: " .. tostring(why)) end
    usable = usable and ok
  end
  return usable
end

local function make(given, place)
  local self = { place = place, problems = {} }
  local function report(message) self.problems[#self.problems + 1] = message end
  local clean = fields.check(options, given, report, words.of "source")
  for name, value in pairs(clean) do self[name] = value end
  self.name = self.name or "?"
  self.config = self.config or {}
  self.is_usable = check_config(self.config, report)
  if type(self.resources) ~= "table" and type(self.resources) ~= "function" then
    if self.resources then report "resources must be a map, or a function of the settings" end
    self.resources = {}
  end
  made[self] = true
  return setmetatable(self, meta)
end

function source.is(value) return made[value] == true end

-- The resources of a source for these settings: name -> options, checked.
local function list(self, settings, report)
  local all = self.resources
  if type(all) == "function" then
    local ok, result = pcall(all, settings, report)
    if not ok then
      local message, place = problems.split(result)
      report("resources: " .. message, place)
      return {}
    end
    all = result
  end
  if type(all) ~= "table" then
    report "resources: the function must return a map"
    return {}
  end
  return all
end

-- settings checked, and the raw options of every resource. report(message) collects.
function source.open(self, settings, report)
  for _, message in ipairs(self.problems) do report(message, self.place) end
  if not self.is_usable then return {}, {} end
  local failed = false
  local clean = fields.check(self.config, settings, function(message)
    failed = true
    report(message)
  end, words.of "entry")
  -- Resources that follow from settings mean nothing while the settings are wrong.
  if failed then return clean, {} end
  return clean, list(self, clean, report)
end

-- The hosts that it may speak to: "{base_url}" is the setting of that name.
function source.hosts_of(self, settings)
  if not self.hosts then return nil end
  local hosts = core.list {}
  for _, host in ipairs(self.hosts) do
    hosts[#hosts + 1] = (tostring(host):gsub("{([%w_]+)}", function(name)
      local value = settings[name]
      return value ~= nil and tostring(value) or ""
    end))
  end
  return hosts
end

-- What a source understands, as plain data: its settings, and the options of its resources.
function source.describe(self)
  return {
    name = self.name, help = self.help, hosts = self.hosts,
    config = fields.describe(self.config),
    options = fields.describe(resource.declarations(self.resource_options, true)),
  }
end

-- The options of one resource after a pipeline's changes, checked.
function source.check(self, raw, report)
  return fields.check(resource.declarations(self.resource_options), raw, report, resource.words)
end

return setmetatable(source, { __call = core.placed(make) })
