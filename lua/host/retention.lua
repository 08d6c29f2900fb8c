-- What is old is forgotten: dead rows that are settled, loads that loaded nothing, what runs said.
-- Never units and files: they are why nothing is loaded twice. `etlhost prune` does it when asked;
-- a run does it at its end, once a day for each destination.

local admin = require "host.admin"
local catalog = require "host.catalog"
local clock = require "host.clock"
local files = require "host.files"
local text = require "host.text"

local retention = {}

local DUE_US = 86400 * 1000000

retention.defaults = { settled_dead_rows = 180 * 86400, loads = 400 * 86400 }

-- What is kept for how long, in seconds; open_dead_rows nil: for ever.
function retention.keep(config)
  local given = config and config.keep or {}
  return {
    settled = given.settled_dead_rows or retention.defaults.settled_dead_rows,
    open = given.open_dead_rows,
    loads = given.loads or retention.defaults.loads,
    runs = config and config.log.keep or catalog.keep_seconds,
  }
end

local function ask(space, target, verb)
  local keep = retention.keep(space.config)
  local rows, problem = admin.ask(space, target, verb, {
    settled = tostring(keep.settled), open = keep.open and tostring(keep.open),
    loads = tostring(keep.loads),
  })
  if not rows then return nil, problem end
  local counts = { settled = 0, open = 0, loads = 0, runs = 0 }
  for key in pairs(counts) do
    counts[key] = math.tointeger(tonumber(rows[1] and rows[1][key])) or 0
  end
  return counts
end

-- What is, or would be (dry), deleted in a destination: { settled, open, loads, runs } | nil, err.
-- Looked at first: where nothing is old, nothing is written.
function retention.prune(space, target, dry)
  local counts, problem = ask(space, target, "prune_count")
  if not counts or dry then return counts, problem end
  if counts.settled + counts.open + counts.loads + counts.runs == 0 then return counts end
  return ask(space, target, "prune")
end

-- How many runs the catalog forgets, or would forget | nil, err
function retention.prune_catalog(space, dry)
  if not space.project or not files.stat(space.project.catalog_folder .. "/catalog.db") then
    return 0
  end
  local handle, problem = catalog.open(space.project)
  if not handle then return nil, problem end
  local before = tostring(clock.wall_us() - retention.keep(space.config).runs * 1000000)
  local rows
  rows, problem = handle:query("expire_count", { before }, 1)
  if rows and not dry then
    local done
    done, problem = handle:query("expire", { before }, 1)
    if not done then rows = nil end
  end
  handle:close()
  if not rows then return nil, problem end
  return math.tointeger(tonumber(rows[1].runs)) or 0
end

-- "12 resolved or discarded dead rows, 3 loads that loaded nothing"; nil when there is nothing.
function retention.words(counts)
  local words = {}
  if counts.settled > 0 then
    words[#words + 1] = text.plural(counts.settled, "resolved or discarded dead row")
  end
  if counts.open > 0 then words[#words + 1] = text.plural(counts.open, "open dead row") end
  if counts.loads > 0 then
    words[#words + 1] = text.plural(counts.loads, "load that loaded nothing",
      "loads that loaded nothing")
  end
  return #words > 0 and table.concat(words, ", ") or nil
end

-- ---- at the end of a run -----------------------------------------------------------------------

-- The destinations of these jobs that were not pruned for a day; they count as pruned from now on.
local function due(handle, jobs)
  local list, seen, now = {}, {}, clock.wall_us()
  for _, job in ipairs(jobs) do
    local where = job.spec and job.spec.destination
    if where and job.ok and not job.skipped and not seen[where.url] then
      seen[where.url] = true
      local hash = files.hash(where.url)
      local rows = handle:query("prune_get", { hash }, 1)
      local at = rows and rows[1] and tonumber(rows[1].at) or 0
      if rows and now - at > DUE_US and handle:query("prune_set", { hash, tostring(now) }, 2) then
        list[#list + 1] = { destination = where }
      end
    end
  end
  return list
end

-- After a run. It says what it deleted; what hinders it is a warning, the run is over.
function retention.prune_when_due(ctx, space, jobs)
  if not space.project then return end
  local handle = catalog.open(space.project)
  if not handle then return end -- the run itself has said so
  local targets = due(handle, jobs)
  handle:close()
  for _, target in ipairs(targets) do
    local counts, problem = retention.prune(space, target)
    if not counts then
      ctx.err:print(ctx.err:style("yellow", "warning") .. " nothing was pruned: "
        .. text.safe(problem.message))
    elseif retention.words(counts) then
      ctx.err:print("pruned: " .. retention.words(counts))
    end
  end
end

return retention
