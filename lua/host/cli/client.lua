-- etlhost client: the clients of a project. Each verb is a file in lua/host/cli/client/.

local verbs = {}
for i, name in ipairs { "list", "show", "add", "disable", "enable", "remove" } do
  verbs[i] = require("host.cli.client." .. name)
end

return {
  name = "client",
  usage = "client list|show|add|disable|enable|remove ...",
  summary = "Lists, shows, adds, pauses and removes the clients of a project.",
  verbs = verbs,
}
