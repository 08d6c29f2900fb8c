-- etl.plan: from a script and the client's sources to what is declared to the engine. Called by the
-- host only. Everything that is wrong is collected; only a script that cannot be evaluated at all
-- ends here.
local core = ...
local check_changes = require "etl.changes".check
local context = require "etl.context"
local fields = require "etl.fields"
local pipeline = require "etl.pipeline"
local problems = require "etl.problems"
local resource = require "etl.resource"
local source = require "etl.source"
local writing = require "etl.writing"

local plan = {}

-- What the script returned, as a pipeline, and the sources that it defines itself.
local function read_result(result, found)
  if pipeline.is(result) then return result, {} end
  if source.is(result) then return pipeline {}, { [result.name] = result } end
  local hint = "end the file with `return pipeline { ... }` (etl.pipeline) or `return source "
    .. "{ ... }` (etl.source)"
  found:add(nil, "the script returned %s; %s",
    result == nil and "nothing" or "a " .. type(result), hint)
  return pipeline {}, {}
end

-- The source that an entry of the client's file uses, or nil.
local function find_source(entry, own, report)
  if own[entry.use] then return own[entry.use] end
  if not tostring(entry.use):match "^[a-z0-9_]+[a-z0-9_.]*$" then
    report(("\"%s\" cannot be the name of a source"):format(tostring(entry.use)))
    return nil
  end
  local ok, result = pcall(require, "sources." .. entry.use)
  if not ok then
    report(problems.split(result))
    return nil
  end
  if not source.is(result) then
    report(("sources/%s does not return a source (etl.source)"):format(entry.use))
    return nil
  end
  return result
end

-- The resources the client's file lists, as a set; nil for all. (A map says what is different.)
local function selection(entry, resources, report)
  if not fields.is_list(entry.resources or nil) then return nil end
  local chosen = {}
  for _, name in ipairs(entry.resources) do
    if resources[name] == nil then
      report(("there is no resource \"%s\"%s"):format(tostring(name),
        problems.suggest(name, resources)))
    end
    chosen[name] = true
  end
  return chosen
end

local function make_run(ctx, extract)
  return function() extract(ctx) end
end

local function silent() end

-- One resource: its declaration, and the functions that stay here.
local function declare(plan_state, names, settings, options)
  local ctx = context.new {
    instance = names.instance, resource = names.resource, settings = settings, options = options,
    client = plan_state.client, start = names.start, now_s = plan_state.now_s,
  }
  local declared, entries = plan_state.declared, plan_state.entries
  declared[#declared + 1] = resource.declare(names, options, silent)
  entries[#entries + 1] = {
    instance = names.instance, resource = names.resource,
    run = make_run(ctx, options.extract or silent),
    retry = function() ctx:retry() end, row = options.row,
  }
end

-- The options of one resource as its source says, checked; nil when there is nothing to check.
local function open_resource(from, name, given, report)
  if type(name) ~= "string" or not fields.is_map(given) then
    report "a resource is a name and a map of options"
    return nil
  end
  local options = source.check(from, given, report)
  resource.declare({}, options, report)
  if not options.extract then report "extract is missing: nothing says how the rows are fetched" end
  return options
end

-- What holds for all resources of a source, and is laid below what they say themselves.
local function common(from)
  local result = {}
  for _, name in ipairs { "contract", "max_dead", "on_changed_file", "min_ratio" } do
    if from[name] ~= core.null then result[name] = from[name] end
  end
  return result
end

-- What the client's file says of the source's resources: name -> options or false.
local function client_changes(entry, from, resources, report)
  local all = common(entry)
  resource.declare({}, all, report)
  local given = fields.is_map(entry.resources) and not fields.is_list(entry.resources)
    and entry.resources or {}
  local result = check_changes(given, resources, from.resource_options, function(name, message)
    report(name and ("resource %s: %s"):format(name, message) or message)
  end)
  for name in pairs(resources) do
    if result[name] ~= false then result[name] = resource.merge(all, result[name] or {}) end
  end
  return result
end

local function plan_source(plan_state, entry, own)
  local found, pipe = plan_state.found, plan_state.pipe
  local scope = "source " .. entry.instance
  local function report(message, place) found:add(place, "%s: %s", scope, message) end
  local from = find_source(entry, own, report)
  if not from then return end
  if plan_state.described then
    plan_state.described[entry.instance] = source.describe(from)
    return
  end
  local before = #found.list
  local settings, resources = source.open(from, entry.settings, report)
  -- With wrong settings there are no resources: that was told.
  local chosen = selection(entry, resources, #found.list > before and silent or report)
  local changes = pipeline.changes_for(pipe, entry.instance, resources, from.resource_options,
    function(name, message)
      found:add(pipe.place, "%s%s: %s", scope, name and ", resource " .. name or "", message)
    end)
  local by_client = client_changes(entry, from, resources, report)
  for _, name in ipairs(problems.sorted(resources)) do
    if changes[name] ~= false and by_client[name] ~= false and not (chosen and not chosen[name])
    then
      local options = open_resource(from, name, resources[name], function(message)
        found:add(from.place, "%s, resource %s: %s", scope, tostring(name), message)
      end)
      if options then
        options = resource.merge(common(from), options)
        local merged = resource.merge(resource.merge(options, by_client[name]),
          changes[name] or {})
        writing.check(merged, function(message)
          found:add(nil, "%s, resource %s: %s", scope, tostring(name), message)
        end)
        local names = { instance = entry.instance, resource = name, source = from.name,
          start = entry.start, hosts = source.hosts_of(from, settings), rate = from.rate }
        declare(plan_state, names, settings, merged)
      end
    end
  end
end

-- chunk: the script as a function; start: the START message. Returns what DECLARED says, and the
-- functions of each resource in the same order.
function plan.run(chunk, start)
  local found = problems.new()
  local pipe, own = read_result(chunk(), found)
  local instances = {}
  for _, entry in ipairs(start.sources or {}) do instances[entry.instance] = true end
  pipeline.check(pipe, start.client and start.client.id, instances,
    function(message, place) found:add(place, "%s", message) end)
  local plan_state = {
    found = found, pipe = pipe, client = start.client or {},
    now_s = start.now or os.time(),
    declared = core.list {}, entries = {},
    described = start.describe and {} or nil, -- only what the sources understand is wanted
  }
  for _, entry in ipairs(start.sources or {}) do
    if entry.enabled ~= false then plan_source(plan_state, entry, own) end
  end
  return plan_state.entries,
    { resources = plan_state.declared, problems = found.list, client = pipe.client,
      sources = plan_state.described }
end

return plan
