---@meta etl.fields

---@alias etl.field_type
---| "string" | "url" | "integer" | "number" | "boolean" | "secret" | "map" | "list" | "function"
---| "duration" | "instant"
---| "string or list" | "string or map" | "number or map" | "resources" | "any"

--- The long form of an option. The short form is the type alone; "?" behind it makes it optional.
---@class etl.field
---@field type etl.field_type
---@field default? any
---@field optional? boolean
---@field help? string
---@field secret? boolean never shown in a message
---@field one_of? any[]
---@field ask? boolean it is optional, and `client add` asks for it all the same

---@class etl.fields
local fields = {}

--- Checks values against declarations and returns those that are right, with defaults filled in.
--- Every problem is reported; an unknown key with the nearest name.
---
--- ```lua
--- local clean = fields.check({ url = "url", limit = { type = "integer", default = 100 } }, given,
---   function(message) problems[#problems + 1] = message end)
--- ```
---@param declarations table<string, etl.field|string>
---@param values table<string, any>?
---@param report fun(message: string)
---@param words? table<string, string> what other tools call an option -> a sentence with our word
---@return table<string, any>
function fields.check(declarations, values, report, words) end

--- The long form of a declaration; raises for one that is wrong.
---@param name string
---@param declaration etl.field|string
---@return etl.field
function fields.declare(name, declaration) end

return fields
