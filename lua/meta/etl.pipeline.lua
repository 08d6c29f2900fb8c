---@meta etl.pipeline

---@alias etl.resource_change false|etl.resource_options

--- `pipeline { ... }` is what a file of `pipelines/` returns: it loads every resource of every
--- source of the client, with the changes named: source instance -> resource -> options, or false
--- to leave it out. `client` makes it that client's own: it runs for no other, and no other
--- pipeline loads it.
---
--- ```lua
--- return pipeline {
---   client = "713",
---   everflow = {
---     conversions = { hash = { "email" }, keep = { is_scrub = false } },
---     clicks = false,
---   },
--- }
--- ```
---@class etl.pipeline
---@overload fun(changes: table<string, string|false|table<string, etl.resource_change>>): table
local pipeline = {}

--- Whether a value was made by `pipeline`.
---@param value any
---@return boolean
function pipeline.is(value) end

return pipeline
