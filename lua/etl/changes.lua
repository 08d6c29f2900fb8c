-- etl.changes: what a pipeline, or a client's file, says of the resources of a source: name ->
-- options that are to be different, or false. How they are laid over is etl.resource's.
local core = ...
local fields = require "etl.fields"
local problems = require "etl.problems"
local resource = require "etl.resource"

local changes = {}

-- All options of a resource; since each that is given changes something, none is missing.
local function all_optional(extra)
  local optional = {}
  for name, declared in pairs(resource.declarations(extra, true)) do
    local copy = {}
    for key, value in pairs(fields.declare(name, declared)) do copy[key] = value end
    copy.optional, copy.default = true, nil
    optional[name] = copy
  end
  return optional
end

local words = setmetatable({
  extract = "how the rows are fetched is the source's to say",
}, { __index = resource.words })

-- given: name -> options or false. Returns those that are right; report(name or nil, message).
function changes.check(given, resources, extra, report)
  local result, optional = {}, all_optional(extra)
  for _, name in ipairs(problems.sorted(given)) do
    local options = given[name]
    local function report_here(message) report(name, message) end
    if resources[name] == nil then
      report(nil, ("there is no resource \"%s\"%s"):format(tostring(name),
        problems.suggest(name, resources)))
    elseif options == false or options == "false" then
      result[name] = false
    else
      result[name] = fields.check(optional, options ~= core.null and options or {}, report_here,
        words)
      -- Only to see what is inside the options; what counts is declared after the merge.
      resource.declare({}, result[name], report_here)
    end
  end
  return result
end

return changes
