---@meta etl.pipeline

---@class etl.pipeline
---@overload fun(changes: table<string, false|table<string, false|etl.resource_options>>): table
local pipeline = {}

--- Loads every resource of every source of the client, with the changes named: source instance ->
--- resource -> options, or false to leave it out. `client` ties the pipeline to one client.
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
---@param value any
---@return boolean
function pipeline.is(value) end

return pipeline
