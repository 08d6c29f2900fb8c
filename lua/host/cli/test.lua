-- etlhost test: busted, inside this executable: specs see what the host's own Lua sees.

local err = require "host.err"

local verb = {
  name = "test",
  usage = "test [busted options] FILE|FOLDER...",
  summary = "Runs tests written for busted inside etlhost.",
  about = {
    "Specs are files named *_spec.lua. They may `require` what the host requires (host.*), and "
      .. "modules from the current folder. All options go to busted; its package is lua-busted.",
  },
  raw = true,
  examples = { "etlhost test tests/lua", "etlhost test -o TAP tests/lua/options_spec.lua" },
}

function verb.run(args)
  local found, runner = pcall(require, "busted.runner")
  if not found then
    return nil, err.new {
      class = "config",
      message = "busted is not installed",
      hint = "apt-get install lua-busted",
    }
  end
  package.path = "./?.lua;./?/init.lua;" .. package.path
  -- busted reads the global `arg`, and exits by itself.
  _G.arg = table.move(args.words, 1, #args.words, 1, { [0] = "etlhost test" })
  -- Specs are given by name, so the pattern that suits a whole tree is set here.
  runner { standalone = false, pattern = "_spec%.lua$" }
  return 0
end

return verb
