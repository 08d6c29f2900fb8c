---@meta etl.source

---@alias etl.column_type
---| "boolean" | "bigint" | "numeric" | "double" | "date" | "time" | "timestamp" | "datetime"
---| "json" | "text" | "binary"

---@class etl.column
---@field type? etl.column_type
---@field description? string the comment on the column, where the database has comments
---@field zone? string IANA name, "UTC" or "account": what a datetime without zone means
---@field epoch? "s"|"ms" the column holds a number of seconds or milliseconds since 1970

---@alias etl.policy "evolve"|"freeze"|"discard_row"|"discard_value"

--- What may happen when data and table disagree: `evolve` changes the table or keeps the value in a
--- column of its own, `freeze` stops, `discard_row` sends the row to the dead rows, `discard_value`
--- loads NULL. One word in place of the map stands for tables, columns and types.
---@class etl.contract
---@field tables? etl.policy a table that is not there; default "evolve"
---@field columns? etl.policy a column that the table lacks, variant columns included
---@field types? etl.policy values that do not fit their column
---@field column? table<string, etl.policy> for single columns, there or not
---@field type? table<etl.column_type, etl.policy> for values of a type that do not fit

---@alias etl.write "merge"|"append"|"insert_only"|"history"|"replace"|"restate"

---@class etl.cursor
---@field field string the column
---@field lag? string "30d": of `ctx:windows`, unless that is told another
---@field closed? boolean the same: the service gives rows at both bounds
---@field order? "ascending" rows come in its order, which is verified: a killed run goes on there

--- What may be said of a resource, by its source and by a pipeline.
---@class etl.resource_options
---@field table? string default `<source>_<resource>`; knows {client} {source} {instance} {resource}
---@field description? string what a row is: the comment on the table, where there are comments
---@field write? etl.write merge, or append without a key
---@field merge? "upsert"|"delete_insert" how merge changes a row; default "upsert"
---@field hard_delete? string column whose true value deletes the row
---@field key? string|string[]
---@field cursor? string|etl.cursor how far it is read, and which of two rows is the newer
---@field columns? table<string, etl.column_type|etl.column>
---@field rename? table<string, string> written name -> new name
---@field drop? string|string[] columns that are not loaded; a pipeline adds to a source's
---@field hash? string|string[] columns that become SHA-256; a pipeline adds to a source's
---@field mask? string|string[] columns that are made unreadable; a pipeline adds to a source's
---@field keep? table<string, etl.condition> only rows that meet all of these
---@field discard? table<string, etl.condition> no rows that meet any of these
---@field constants? table<string, etl.scalar> columns with one value
---@field contract? etl.policy|etl.contract what happens when data and table disagree
---@field extras? "json" columns that are not declared load into one json column, `_extra`
---@field nested? "tables"|"json"|table<string, "tables"|"json"> lists become rows of child tables
---@field row? fun(row: etl.row): boolean? called for each row; false drops it
---@field on_row_error? "dead"|"stop" what an error of `row` does; default "dead"
---@field on_changed_file? "replace_rows"|"tail"|"append"|"refuse" default "replace_rows"
---@field format? "csv"|"jsonl"|"json"|etl.format
---@field max_dead? number|{ ratio?: number, rows?: integer } a share, or a number of rows
---@field min_ratio? number a replacement that leaves fewer of the rows is refused; default 0.5
---@field extract? fun(ctx: etl.ctx) how the rows are fetched; the source's alone

---@class etl.comparison all that are given must hold
---@field lt? number|string numbers, or ISO dates and times
---@field le? number|string
---@field gt? number|string
---@field ge? number|string
---@field ne? etl.scalar
---@field in? etl.scalar[]

---@alias etl.condition etl.scalar|etl.scalar[]|etl.comparison

---@class etl.format
---@field type? "csv"|"jsonl"|"json" default: by name and content
---@field delimiter? string
---@field quote? string
---@field header? boolean
---@field nulls? string[] texts that mean null
---@field path? string where the rows are in a JSON document
---@field encoding? "utf-8"|"utf-16le"|"utf-16be"|"latin1"|"windows-1252" of CSV; else by its mark
---@field compression? "plain"|"gzip"|"zstd"|"brotli" default: seen; brotli by the name's `.br` only

---@class etl.source_options
---@field name string
---@field help? string
---@field config? table<string, etl.field|string> the settings of the client's file
---@field hosts? string[] all that it may talk to
---@field rate? string
---@field resources etl.resources|fun(settings: table, report: fun(message: string)): etl.resources
---@field contract? etl.policy|etl.contract for resources that say nothing
---@field max_dead? number|{ ratio?: number, rows?: integer } for resources that say nothing
---@field on_changed_file? "replace_rows"|"tail"|"append"|"refuse" for resources that say nothing
---@field min_ratio? number for resources that say nothing
---@field resource_options? table<string, etl.field|string> options that this source adds

---@alias etl.resources table<string, etl.resource_options>

--- `source { ... }` declares where rows come from; a source's file ends with it. Nothing runs while
--- a source is declared.
---
--- ```lua
--- return source {
---   name = "shop",
---   config = { url = "url" },
---   resources = {
---     orders = { key = "id", extract = function(ctx)
---       for file in ctx:files { location = ctx.settings.url } do ctx:load(file) end
---     end },
---   },
--- }
--- ```
---@class etl.source
---@overload fun(options: etl.source_options): table
local source = {}

--- Whether a value was made by `source`.
---@param value any
---@return boolean
function source.is(value) end

return source
