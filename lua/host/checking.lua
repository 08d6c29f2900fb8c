-- Every mistake of a project at once: its YAML, and each script evaluated in a jail for each
-- client, without network and without a destination.

local batch = require "host.batch"
local embedded = require "host.embedded"
local err = require "host.err"
local files = require "host.files"
local job = require "host.job"
local ownership = require "host.ownership"
local nearest = require "host.nearest"
local places = require "host.places"
local source_names = require "host.source_names"
local spec = require "host.spec"
local supervisor = require "host.supervisor"
local text = require "host.text"

local checking = {}

local AT_ONCE = 2

-- The project's sources that stand in front of one that etlhost ships, with different text.
function checking.shadowing(project)
  local list = {}
  for _, source in ipairs(source_names.of_project(project)) do
    for _, ending in ipairs { ".lua", "/init.lua" } do
      local shipped = embedded.read("sources/" .. source.name .. ending)
      local own = shipped and files.read(project:path(source.path))
      if shipped and shipped ~= own then list[#list + 1] = source end
    end
  end
  return list
end

-- A script by itself, for no client.
local function script_job(space, script, kind)
  local s = spec.new { op = "check", config = space.config, pipeline = script }
  s.pipeline.kind = kind
  return job.new { spec = s, title = "", places = space.places }
end

-- What evaluates everything: the engines to run, and a job for each script and client, in which
-- what was found is kept. Problems of what cannot be read go to `found`.
local function jobs_of(space, paths, found)
  local engines, jobs = {}, {}
  local function add(made)
    engines[#engines + 1], jobs[#jobs + 1] = made, made
  end
  -- A client with a mistake in its file is good enough to evaluate scripts for, as far as it goes.
  local clients = {}
  for _, client in ipairs(space.config.clients) do
    if client.is_readable then clients[#clients + 1] = client end
  end
  for _, path in ipairs(paths) do
    local pipeline, problem = spec.read_pipeline(path, space.config)
    if problem then found[#found + 1] = problem end
    if pipeline and #space.config.clients == 0 then
      add(script_job(space, pipeline, "pipeline"))
    elseif pipeline then
      local batches, members = batch.of(space, pipeline, clients)
      table.move(batches, 1, #batches, #engines + 1, engines)
      table.move(members, 1, #members, #jobs + 1, jobs)
    end
  end
  for _, source in ipairs(source_names.of_project(space.project)) do
    local script, problem = spec.read_pipeline(source.path, space.config)
    if problem then found[#found + 1] = problem end
    if script then add(script_job(space, script, "source")) end
  end
  return engines, jobs
end

-- By file, line and column; what has no place comes last.
local function order(found)
  local keys = {}
  for i, problem in ipairs(found) do
    local name, line, column = places.split(problem.place or "\255")
    keys[problem] = ("%s\0%08d\0%08d\0%08d"):format(name, line or 0, column or 0, i)
  end
  table.sort(found, function(a, b) return keys[a] < keys[b] end)
end

local function add_once(found, seen, problem, who)
  -- A source that cannot be read is a mistake of its own, and of the client that uses it.
  local key = problem.message:gsub("^source [%w_-]+: ", "") .. "\0" .. (problem.place or "")
  local same = seen[key]
  if not same then
    seen[key] = problem
    found[#found + 1] = problem
    problem.clients = {}
    same = problem
  end
  if who ~= "" then table.insert(same.clients, who) end
end

-- Whose own each pipeline is: problems for two of one client, and for a client that is not there.
local function check_owners(space, jobs, found, seen)
  local owners = ownership.of(jobs)
  for _, id in ipairs(nearest.keys(owners.paths)) do
    local problem = owners:conflict(id, space.places)
    if problem then add_once(found, seen, problem, id) end
  end
  for _, problem in ipairs(owners:unknown_clients(space.config, space.places)) do
    add_once(found, seen, problem, "")
  end
  return owners.paths
end

-- paths: pipelines; command: of a test's engine. Gives { problems, notes, owners (client ->
-- pipelines of its own), crashed }.
function checking.run(space, paths, command)
  local found, seen, notes = {}, {}, {}
  for _, problem in ipairs(space.config:all_problems()) do add_once(found, seen, problem, "") end
  local unread = {}
  local engines, jobs = jobs_of(space, paths, unread)
  for _, problem in ipairs(unread) do add_once(found, seen, problem, "") end
  local finished = supervisor.run(engines, { at_once = AT_ONCE, command = command })
  local bug, unanswered, unkeyed = false, 0, {}
  for _, made in ipairs(jobs) do
    for _, problem in ipairs(made.errors) do
      bug = bug or problem.class == "bug"
      add_once(found, seen, problem, made.title)
    end
    for _, warning in ipairs(made.warnings) do notes[#notes + 1] = warning.message end
    if made.hashing and made.client and made.client.hash_key == nil then
      unkeyed[#unkeyed + 1] = made.title .. " " .. table.concat(made.hashing, ", ")
    end
    if made.unanswered then unanswered = unanswered + 1 end
  end
  if unanswered > 0 then
    notes[#notes + 1] = ("scripts were not evaluated for %s more: mend what stopped them first")
      :format(text.plural(unanswered, "client"))
  end
  if #unkeyed > 0 then
    notes[#notes + 1] = ("hashes without a key can be found again by trying all values (%s%s): say "
      .. "hash_key: { env: NAME } in `defaults:` of etlhost.yaml, or for a client"):format(
      table.concat(unkeyed, "; ", 1, math.min(3, #unkeyed)), #unkeyed > 3 and "; ..." or "")
  end
  for _, client in ipairs(space.config.clients) do
    for _, source in ipairs(client.sources) do
      for _, folder in ipairs(source.enabled ~= false and source.missing or {}) do
        notes[#notes + 1] = folder.place .. ": " .. folder.message
      end
    end
  end
  for _, source in ipairs(checking.shadowing(space.project)) do
    notes[#notes + 1] = ("%s is used instead of the source \"%s\" that etlhost ships"):format(
      source.path, source.name)
  end
  local owners = check_owners(space, jobs, found, seen)
  order(found)
  if not finished then
    add_once(found, seen, err.new { class = "cancelled", message = "stopped early" }, "")
  end
  return { problems = found, notes = notes, owners = owners, crashed = bug, stopped = not finished }
end

return checking
