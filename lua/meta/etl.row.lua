---@meta etl.row

--- A row as a row function sees it: `row.amount` reads, `row.note = nil` makes NULL, a new name
--- makes a new column. Text is text and keeps its digits (`007`, `12.10`); a JSON number is an
--- integer where it is one within 64 bits, and its own text otherwise; null and absent are nil;
--- nested values are JSON text. A table that is assigned is stored as JSON.
---
--- It can be used only while the function runs. A row function cannot call the engine or `require`.
---
--- ```lua
--- row = function(row)
---   if row.status == "test" then return false end -- the row is dropped
---   row.channel = row.sub1 and row.sub1:match "^(%a+)%-" or "unknown"
---   row.gross = row:number "net" * 1.19
--- end
--- ```
---@class etl.row
---@field [string] any
local row = {}

--- All values as a plain table that may be kept.
---@return table<string, any>
function row:copy() end

--- The value as a number to calculate with; nil for null, an error where it is none.
---@param name string
---@return number?
function row:number(name) end

--- The same as functions, for rows with a column of the method's name:
--- `require("etl.row").number(row, "number")`.
---@class etl.row_functions
local functions = {}

---@param r etl.row
---@return table<string, any>
function functions.copy(r) end

---@param r etl.row
---@param name string
---@return number?
function functions.number(r, name) end

return functions
