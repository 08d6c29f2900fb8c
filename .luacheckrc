-- luacheck: no globals but Lua's own; what a script or a spec gets on top is named per folder.
std = "lua54"
max_line_length = 100
codes = true
self = false -- a method may not need its object
-- Scripts that mean harm are not to be in good style.
exclude_files = { "build/**", "tests/fixtures/hostile/**" }
files["tests/**/*_spec.lua"] = { std = "lua54+busted" }
-- A scenario of the tests' HTTP server (tests/support/README.md).
files["tests/bench/*.lua"] = { read_globals = { "options" } }
files["sources/**/*_spec.lua"] = { std = "lua54+busted" }
-- LuaLS definitions declare functions without bodies.
files["lua/meta/**"] = { ignore = { "211", "212", "213", "231", "241", "122", "142" } }
