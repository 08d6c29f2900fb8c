-- The verbs, in the order in which help lists them. Each is a file in lua/host/cli/.

local verbs = {}

local names = {
  "run",
  "load",
  "preview",
  "fetch",
  "check",
  "init",
  "status",
  "client",
  "adopt",
  "config",
  "schema",
  "project",
  "state",
  "dead",
  "erase",
  "prune",
  "runs",
  "completion",
  "test",
  "version",
  "help",
}

local function set_paths(verb, path)
  verb.path = path
  for _, child in ipairs(verb.verbs or {}) do set_paths(child, path .. " " .. child.name) end
end

local function load_verb(name)
  local verb = require("host.cli." .. name)
  if not verb.path then set_paths(verb, name) end
  return verb
end

-- Read when somebody looks: a command needs one of them, help needs all.
local function load_all()
  local list = {}
  for i, name in ipairs(names) do list[i] = load_verb(name) end
  return list
end

verbs.root = {
  name = "",
  path = "",
  usage = "VERB ...",
  summary = "Loads data into a database, exactly once, by pipelines written in Lua.",
  exits = {
    { "0", "success" },
    { "1", "a bug of etlhost's own" },
    { "2", "the command line, the configuration, or a name that is not there" },
    { "3", "rows did not fit, with --strict or in a preview" },
    { "4", "credentials refused, or access not allowed" },
    { "5", "network, another passing trouble, another run at work: trying again may help" },
    { "6", "data that cannot be loaded" },
    { "7", "the destination refused" },
    { "8", "a script failed" },
    { "9", "a limit was reached" },
    { "10", "status: something is late, failing, or in a destination that cannot be asked" },
    { "130", "interrupted, or taken over by another run" },
  },
  examples = {
    "etlhost load orders.csv --into orders       a file into a table, in ./etlhost.db",
    "etlhost init shop && cd shop                a project with a client and a pipeline",
    "etlhost run pipelines/sync.lua              all clients of a project",
    "etlhost VERB --help                         more about a verb",
  },
}

setmetatable(verbs.root, {
  __index = function(root, key)
    if key ~= "verbs" then return nil end
    root.verbs = load_all()
    return root.verbs
  end,
})

function verbs.find(verb, name)
  if verb == verbs.root then
    for _, one in ipairs(names) do
      if one == name then return load_verb(name) end
    end
    return nil
  end
  for _, child in ipairs(verb.verbs or {}) do
    if child.name == name then return child end
  end
end

return verbs
