-- The exit codes, and which failure decides when there are several; see docs/reference/cli.md.

local exit = {
  ok = 0,
  other = 1, -- a bug of ours
  usage = 2, -- the command line, the configuration, a name that is not there
  dead_rows = 3, -- under --strict, and of preview
  auth = 4, -- and what is not allowed
  network = 5, -- trying again may help
  data = 6,
  destination = 7,
  script = 8,
  limit = 9,
  late = 10, -- of status: something is late, failing or cannot be asked
  interrupted = 130,
}

local by_class = {
  transient = exit.network,
  throttled = exit.network,
  remote = exit.network,
  auth = exit.auth,
  denied = exit.auth,
  not_found = exit.usage,
  config = exit.usage,
  script = exit.script,
  limit = exit.limit,
  data = exit.data,
  destination = exit.destination,
  cancelled = exit.interrupted,
  bug = exit.other,
}

-- Gravest first: what needs a person soonest, and what trying again cannot help.
local gravity = {
  exit.interrupted, exit.other, exit.destination, exit.data, exit.limit, exit.script, exit.auth,
  exit.usage, exit.network, exit.late, exit.dead_rows, exit.ok,
}

local rank = {}
for i, code in ipairs(gravity) do rank[code] = i end

function exit.of_class(class)
  return by_class[class] or exit.other
end

function exit.gravest(a, b)
  return rank[a] <= rank[b] and a or b
end

return exit
