---@meta etl

--- A value of a column that a declaration compares or sets.
---@alias etl.scalar string|number|boolean|etl.null

---@class etl.null: userdata

---@class etl
--- A value that is there and is null; nil is a value that is not there.
---@field null etl.null
local etl = {}

--- Marks a table as a list, so that an empty one stays a list when it is stored as JSON.
---
--- ```lua
--- row.tags = etl.list {}
--- ```
---@generic T: table
---@param t T
---@return T
function etl.list(t) end

--- Whether a table is a list: marked, or with a first element.
---@param value any
---@return boolean
function etl.is_list(value) end

return etl
