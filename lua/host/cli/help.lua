-- etlhost help [VERB]: the same as etlhost VERB --help.

local err = require "host.err"
local exit = require "host.exit"
local lua_reference = require "host.lua_reference"
local nearest = require "host.nearest"
local options = require "host.options"
local reference = require "host.reference"

local verb = {
  name = "help",
  usage = "help [VERB]...",
  summary = "Explains a verb.",
  options = {
    { "markdown", help = "all verbs, as the page docs/reference/cli.md" },
    { "lua", help = "what scripts may use, as the page docs/reference/lua.md" },
  },
  positionals = { { "VERB", many = true, help = "such as run, or dead list" } },
}

function verb.run(args, ctx)
  local verbs = require "host.verbs" -- here: it loads this file
  if args.markdown then
    ctx.out:write(reference.page(verbs.root))
    return exit.ok
  end
  if args.lua then
    ctx.out:write(lua_reference.page())
    return exit.ok
  end
  local found = verbs.root
  for _, word in ipairs(args.verb) do
    local child = verbs.find(found, word)
    if not child then
      local names = {}
      for i, v in ipairs(found.verbs or {}) do names[i] = v.name end
      local near = nearest.of(word, names)
      return nil, err.new {
        class = "config",
        is_usage = true,
        message = ("there is no verb \"%s\""):format(word),
        hint = near and ("did you mean %s?"):format(near) or nil,
      }
    end
    found = child
  end
  local function style(name, s) return ctx.out:style(name, s) end
  for _, line in ipairs(options.help(found, ctx.out.width, style)) do ctx.out:print(line) end
  return exit.ok
end

return verb
