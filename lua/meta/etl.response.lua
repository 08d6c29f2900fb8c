---@meta etl.response

--- What is asked of a service. The URL is absolute, or is appended to the setting `base_url`; only
--- hosts that the source declares (`hosts`) are spoken to. Secrets are put in on the way, wherever
--- their handle stands.
---@class etl.request
---@field url? string
---@field method? string default "GET"
---@field query? table<string, etl.scalar|etl.scalar[]> a list is sent once for each value
---@field headers? table<string, etl.scalar>
---@field body? string
---@field json? any sent as JSON
---@field form? table<string, etl.scalar> sent as a form
---@field accept? integer[] statuses beside 2xx that are no error
---@field repeatable? boolean a POST that only asks: it may be tried again
---@field deadline_ms? integer for all attempts; default ten minutes, of a stream until its head
---@field max_bytes? integer of the body; default 4 GiB, of a stream none
---@field stream? boolean the response comes with its head, and its rows load while they come
---@field as_stored? boolean do not undo a content coding
---@field capture? table<string, string> name -> path of a text of the JSON answer that is a secret

--- What a service answered. Its bytes stay outside of the script's process; a resource has its 64
--- latest responses, and loses them when it ends. Of a stream (`stream = true`) the body still
--- comes: what looks at all of it (`value`, `kind`, `json`, `each`, `text`) waits for its end,
--- up to 1 GiB, and raises once rows of it were loaded and their bytes given back.
---@class etl.response
---@field status integer
---@field url string where it came from, redirects included
---@field bytes? integer of the body; nil of a stream
---@field headers table<string, string> by lower-case name
---@field captured table<string, string> handles of what `capture` named
local response = {}

--- A header by its name, in any case.
---
--- ```lua
--- local left = tonumber(ctx:get("/offers"):header "X-RateLimit-Remaining")
--- ```
---@param name string
---@return string?
function response:header(name) end

--- The value at a path of a JSON body; nil when there is none, `etl.null` for null. Numbers keep
--- every digit: one that Lua cannot hold is text.
---
--- ```lua
--- local next_page = ctx:get("/offers"):value "paging.next"
--- ```
---@param path string keys with dots between
---@return any
function response:value(path) end

--- What the value at a path is, however large; nil when there is none.
---
--- ```lua
--- if ctx:get("/clicks"):kind "clicks" == "null" then ctx:log "no clicks" end
--- ```
---@param path string
---@return "list"|"map"|"string"|"number"|"boolean"|"null"|nil
function response:kind(path) end

--- The whole JSON body, at most 512 KB of it.
---
--- ```lua
--- local first = ctx:get("/networks"):json()
--- ```
---@return any
function response:json() end

--- The items of a list, one after the other, for scripts that make rows of them.
---
--- ```lua
--- for item in ctx:get("/report"):each "table" do ctx:log("%s", item.id) end
--- ```
---@param path string
---@return fun(): any
function response:each(path) end

--- The body as text.
---
--- ```lua
--- ctx:log("%s", ctx:get("/health"):text(100))
--- ```
---@param max? integer bytes; default and most 512 KB
---@return string
function response:text(max) end

--- The rows for `ctx:emit`: a list (or one record) at a path of a JSON body, the whole body without
--- a path; or lines of JSON, or CSV. A path that is missing, or holds no list, is an error of class
--- `remote` when the rows are emitted: never no rows. CSV is read as the resource's `format` says.
--- Lines and CSV whose end only the closing of the connection tells are refused, since a cut answer
--- would look whole; `ends_by_close` says that this service always answers so.
---
--- ```lua
--- ctx:emit(ctx:get("/offers"):rows "offers")
--- ctx:emit(ctx:get("/export.csv"):rows { format = "csv" })
--- ```
---@param path? string|{ format: "json"|"jsonl"|"csv", ends_by_close?: boolean }
---@param options? { format?: "json"|"jsonl"|"csv", ends_by_close?: boolean }
---@return etl.rows
function response:rows(path, options) end

--- Lets go of it before the resource ends.
---
--- ```lua
--- local r = ctx:get "/offers"
--- r:release()
--- ```
function response:release() end

---@class etl.rows

--- A request that is under way.
---@class etl.pending_response
local pending = {}

--- The response, when it is there; raises what `ctx:request` would have raised.
---
--- ```lua
--- local r = ctx:prefetch({ url = "/offers" }):wait()
--- ```
---@return etl.response
function pending:wait() end

--- Ends it, wherever it is.
---
--- ```lua
--- ctx:prefetch({ url = "/offers" }):release()
--- ```
function pending:release() end

return response
