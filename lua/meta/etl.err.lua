---@meta etl.err

---@alias etl.class
---| "transient"   # trying again may help
---| "throttled"   # the other side asked to wait
---| "auth"        # wrong or expired credentials
---| "denied"      # known, but not allowed
---| "not_found"
---| "config"      # a file or option the operator wrote is wrong
---| "script"      # a script raised, or broke a rule
---| "limit"       # a cap: memory, time, columns
---| "remote"      # the other side answered nonsense
---| "data"        # the input does not fit
---| "destination" # the database refused for good
---| "cancelled"

---@class etl.error
---@field class etl.class
---@field message string
---@field hint? string what to do next
---@field place? string "file:line"
---@field trail? string what was being done
---@field code? string
---@field status? integer the HTTP status of an answer that is an error
---@field retry_after_ms? number

---@class etl.error_fields
---@field message string
---@field class? etl.class
---@field hint? string
---@field place? string
---@field trail? string
---@field code? string
---@field retry_after_ms? number

---@class etl.err
local err = {}

--- An error object. It prints well; `error` and `assert` take it. `class` defaults to "script",
--- `place` to the line of the script that led here.
---
--- ```lua
--- return nil, err.new { class = "remote", message = "the list has no end" }
--- ```
---@param fields etl.error_fields
---@return etl.error
function err.new(fields) end

--- Raises what `err.new` makes.
---
--- ```lua
--- err.raise { class = "config", message = "no such account: " .. id }
--- ```
---@param fields etl.error_fields
function err.raise(fields) end

return err
