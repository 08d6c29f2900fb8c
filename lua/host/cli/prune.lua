-- etlhost prune: forgets what is older than it is to be kept.

local admin = require "host.admin"
local exit = require "host.exit"
local retention = require "host.retention"
local streams = require "host.streams"
local text = require "host.text"

local verb = {
  name = "prune",
  usage = "prune [--dry-run]",
  summary = "Forgets old dead rows, loads that loaded nothing, and old runs.",
  about = {
    "For how long they are kept is `keep` in etlhost.yaml, and `log: { keep }` for runs. What says "
      .. "which files are loaded is never pruned, nor is a load that rows may point to. A run does "
      .. "the same at its end, once a day for each destination.",
  },
  options = {
    { "dry-run", help = "only say what would go" },
    table.unpack(admin.options),
  },
  examples = { "etlhost prune --dry-run" },
}

local function age(seconds)
  return seconds and text.age(seconds) or "for ever"
end

function verb.run(args, ctx)
  local space, targets = streams.open(args, ctx)
  if not space then return nil, targets end
  local keep = retention.keep(space.config)
  local total = { settled = 0, open = 0, loads = 0, runs = 0 }
  for _, target in ipairs(targets) do
    local counts, problem = retention.prune(space, target, args.dry_run)
    if not counts and not admin.goes_on(targets, problem) then return nil, problem end
    for key, value in pairs(counts or {}) do total[key] = total[key] + value end
  end
  local runs, problem = retention.prune_catalog(space, args.dry_run)
  if not runs then return nil, problem end
  local gone = args.dry_run and "would go" or "gone"
  local columns = { { "what" }, { "kept" }, { gone, right = true } }
  local cells = {
    { "dead rows, resolved or discarded", age(keep.settled), text.count(total.settled) },
    { "dead rows, open", age(keep.open), text.count(total.open) },
    { "loads that loaded nothing", age(keep.loads), text.count(total.loads) },
    { "signs of life of runs", age(keep.loads), text.count(total.runs) },
    { "runs in the catalog", age(keep.runs), text.count(runs) },
  }
  for _, line in ipairs(text.table(columns, cells)) do ctx.out:print(line) end
  if args.dry_run then ctx.out:print "nothing was changed (--dry-run)" end
  return exit.ok
end

return verb
