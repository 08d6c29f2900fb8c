---@meta etl.context

--- What an extract function is handed. Its methods wait for the engine; an error is raised as an
--- error object (etl.err).
---@class etl.ctx
---@field instance string the name of the source in the client's file
---@field resource string
---@field settings table checked, with defaults
---@field options table the resource's options, the pipeline's changes included
---@field start? { day: string, begin_us: integer } the first day whose data is wanted
---@field client { id: string, name?: string, timezone?: string }
local ctx = {}

---@class etl.file
---@field name string
---@field size integer
---@field modified_us integer
---@field location string

--- The files below a location, in byte order of the name.
---
--- ```lua
--- for file in ctx:files { location = ctx.settings.url, prefix = "orders/", pattern = "*.csv" } do
---   ctx:load(file)
--- end
--- ```
---@param where { location: string, prefix?: string, pattern?: string, after?: string }
---@return fun(): etl.file?
function ctx:files(where) end

--- Loads one file into the resource's table. The same content is never loaded twice. `rows` and
--- `dead` say what was read of it now: 0 for a known file, the rest of one that is resumed. The
--- last of it may commit while the script goes on; when that fails, the resource fails. A row that
--- only the database refuses is counted in the summary, not here.
---
--- ```lua
--- local result = ctx:load { location = "file:exports", name = "orders/1.csv" }
--- if result.status == "known" then ctx:log "nothing new" end
--- ```
---@param file { name: string, location: string }
---@return { status: "loaded"|"resumed"|"known"|"growing"|"refused", rows: integer, dead: integer }
function ctx:load(file) end

--- A line in the log of the run; more arguments are laid into it as by string.format.
---@param format string
function ctx:log(format, ...) end

--- The same as a warning.
---@param format string
function ctx:warn(format, ...) end

return ctx
