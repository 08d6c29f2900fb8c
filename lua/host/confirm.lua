-- "Shall I?": yes by --yes, or by the person at the terminal; otherwise no.

local err = require "host.err"
local system = require "host.system"

local confirm = {}

function confirm.can_ask(ctx)
  return ctx.err.is_terminal and system.is_terminal(0)
end

-- true | false (the person said no) | nil, err (nobody to ask).
function confirm.ask(ctx, args, question)
  if args.yes then return true end
  ctx.out:flush() -- what it is about comes before the question, or before the refusal
  if not confirm.can_ask(ctx) then
    return nil, err.new {
      class = "config",
      is_usage = true,
      message = "nothing was changed: this needs a yes",
      hint = "repeat the command with --yes",
    }
  end
  ctx.err:write(question .. " [y/N] ")
  ctx.err:flush()
  local answer = io.read "l"
  return answer ~= nil and answer:match "^%s*[yY]" ~= nil
end

confirm.option = { "yes", help = "do it without asking" }

return confirm
