local check = require "tests.crash.admin"
local target = require "tests.support.target"
local verb = { words = { "client", "remove", "acme", "--yes" }, exports = true, steps = 15 }
check(verb, target.list[1], 2, "kill-parent", describe, it, setup)
check(verb, target.list[2], 3, "kill", describe, it, setup)
