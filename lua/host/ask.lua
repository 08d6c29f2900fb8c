-- Questions to the person at the terminal.

local err = require "host.err"

local ask = {}

-- The answer to a question; the default, or nil, for an empty one. options: default, help,
-- required, check (nil when it is well, else what to say). nil, err when the terminal was closed.
function ask.line(ctx, label, options)
  options = options or {}
  while true do
    local shown = options.default and (" [%s]"):format(options.default) or ""
    if options.help then ctx.err:print(ctx.err:style("dim", options.help)) end
    ctx.err:write(label .. shown .. ": ")
    ctx.err:flush()
    local answer = io.read "l"
    if not answer then
      ctx.err:print ""
      return nil, err.new { class = "cancelled", message = "nothing was written" }
    end
    answer = answer:match "^%s*(.-)%s*$"
    if answer == "" then answer = options.default or "" end
    local problem = answer ~= "" and options.check and options.check(answer)
    if answer == "" and options.required then problem = "an answer is needed" end
    if not problem then return answer ~= "" and answer or nil end
    ctx.err:print(ctx.err:style("red", problem))
  end
end

return ask
