-- etlhost version

local exit = require "host.exit"

local verb = {
  name = "version",
  usage = "version",
  summary = "Prints the version.",
}

function verb.run(_, ctx)
  ctx.out:print("etlhost " .. ctx.version)
  return exit.ok
end

return verb
