local check = require "tests.crash.admin"
local target = require "tests.support.target"
local verb = { steps = 11,
  words = { "erase", "--client", "acme", "--key", "email=jo@a.com", "--yes" } }
check(verb, target.list[1], 2, "kill-parent", describe, it, setup)
check(verb, target.list[2], 3, "kill", describe, it, setup)
