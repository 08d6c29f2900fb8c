-- tests/support/wait.lua: waiting for a condition, bounded. The one place in the tests that lets
-- time pass; a test says what it waits for, never how long.
local system = require "system"

local wait = {}

-- Returns what `condition` returns once that is truthy; after `seconds` raises, naming `what`.
function wait.until_true(what, seconds, condition)
  local deadline = system.monotime() + seconds
  while true do
    local result = condition()
    if result then return result end
    if system.monotime() > deadline then
      error(("waited %g s in vain for %s"):format(seconds, what), 2)
    end
    system.sleep(0.005)
  end
end

return wait
