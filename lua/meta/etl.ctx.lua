---@meta etl.context

--- What an extract function is handed. Its methods wait for the engine; an error is raised as an
--- error object (etl.err).
---@class etl.ctx
---@field instance string the name of the source in the client's file
---@field resource string
---@field settings table checked, with defaults
---@field options table the resource's options, the pipeline's changes included
---@field start? { day: string, begin_us: integer } the first day whose data is wanted
---@field now_s integer when the run began, in seconds since 1970: the same for all its resources
---@field client { id: string, name?: string, timezone?: string }
local ctx = {}

---@class etl.file
---@field name string
---@field size integer
---@field modified_us integer
---@field location string

--- The files below a location (`file:folder`, `s3://bucket/folder`), in byte order of the name.
---
--- ```lua
--- for file in ctx:files { location = ctx.settings.url, prefix = "orders/", pattern = "*.csv" } do
---   ctx:load(file)
--- end
--- ```
---@param where { location: string, prefix?: string, pattern?: string, after?: string }
---@return fun(): etl.file?
function ctx:files(where) end

---@alias etl.status "loaded"|"resumed"|"known"|"growing"|"refused"|"replaced"|"left"

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
---@return { status: etl.status, rows: integer, dead: integer }
function ctx:load(file) end

--- Loads the files that a function gives one by one until nil, in that order. While one is loaded
--- the next ones are fetched, if they come over a network: `at_once` of them together (4).
---
--- ```lua
--- ctx:load_all(ctx:files { location = "s3://acme-exports", prefix = "orders/" }, 8)
--- ```
---@param next_file fun(): etl.file?
---@param at_once? integer
function ctx:load_all(next_file, at_once) end

--- Sends a request and waits for the answer, while other resources go on. Connections that break
--- and statuses such as 429 and 503 are tried again, as `Retry-After` says; what remains is raised,
--- as any status is but 2xx and those of `accept`. What `capture` names comes as a handle in
--- `response.captured`. Of a `stream` the head is waited for; `ctx:emit` of its rows reads the body
--- while it comes, with little memory and disk. What is cut then is not tried again.
---
--- ```lua
--- local r = ctx:request { url = "/offers", query = { page = 1 }, accept = { 404 } }
--- ```
---@param options etl.request
---@return etl.response
function ctx:request(options) end

--- `ctx:request` with the method GET.
---
--- ```lua
--- local total = ctx:get("/offers", { query = { page_size = 1 } }):value "paging.total_count"
--- ```
---@param url string
---@param options? etl.request
---@return etl.response
function ctx:get(url, options) end

--- `ctx:request` with the method POST.
---
--- ```lua
--- local r = ctx:post("/reporting/clicks", { json = { from = "2026-03-01" }, repeatable = true })
--- ```
---@param url string
---@param options? etl.request
---@return etl.response
function ctx:post(url, options) end

--- Begins a request and goes on: the next page comes while this one loads.
---
--- ```lua
--- local coming = ctx:prefetch { url = "/offers", query = { page = 2 } }
--- ctx:emit(first:rows "offers")
--- local second = coming:wait()
--- ```
---@param options etl.request
---@return etl.pending_response
function ctx:prefetch(options) end

--- Loads rows into the resource's table: those of `response:rows`, which go there without passing
--- through the script, or a list of maps (NaN, or bytes that are not UTF-8, make a dead row).
--- Outside of `ctx:windows` all that a resource emits is one window: rows with a key are merged as
--- they come, appended ones come together at its end. `position` is where to go on behind these
--- rows (a page token, say) when a run is killed. With `distinct`, a column as it is written, the
--- answer counts its different values in this window. The rows of a request that this window made
--- before, or of an answer that is the one in front of it again, are an error, unless `again` says
--- so.
---
--- ```lua
--- ctx:emit(response:rows "data.items", { position = response:value "data.next" })
--- ctx:emit { { id = 1, name = "computed" } }
--- ```
---@param rows etl.rows|table<string, any>[]
---@param options? { position?: any, label?: string, distinct?: string, again?: boolean }
---@return { rows: integer, dead: integer, distinct: integer }
function ctx:emit(rows, options) end

--- How far the resource has been read: nothing at first, and when all is loaded anew. What
--- `etlhost state set` wrote is as it was given. With order = "ascending": what was verified.
---
--- ```lua
--- local cursor = ctx:state().cursor
--- if type(cursor) == "table" then ctx:log("read until %s", cursor.value) end
--- ```
---@return { cursor?: { field?: string, value: any }|string, pending?: { name: string } }
function ctx:state() end

---@class etl.window
---@field from string "2026-03-01T00:00:00Z"; from_s: the same in seconds since 1970
---@field until string where it ends, not included; until_s: the same in seconds
---@field from_s integer
---@field until_s integer
---@field first_day string its days in the zone: "2026-03-01"
---@field last_day string
---@field position any of ctx:emit, where a killed run was in this window; nil: at its beginning
---@field name string
local window = {}

--- Begins the window again, because the service has forgotten its `position` (410 or 400 to the
--- first request). What waits of it for the window's end goes; merged rows stay, and come again.
--- `position` is nil then, and `from` the window's own. Only before its first rows are emitted.
---
--- ```lua
--- local ok, r = pcall(ask, window.position)
--- if not ok and window.position and r.status == 410 then
---   window:restart()
---   ok, r = pcall(ask)
--- end
--- if not ok then error(r, 0) end
--- ```
function window:restart() end

---@class etl.window_options
---@field span? string "1d", "6h": how much one window has; days are days of the zone. Default: all
---@field lag? string "30d": what is read again each time; default: that of the declared cursor
---@field since? string|integer default: the cursor less the lag, or the client's `start`
---@field until? string|integer default: when the run began (`ctx.now_s`)
---@field earliest? string|integer where the service begins; without a `start` so do we
---@field zone? string of the days; default "UTC"
---@field closed? boolean the service gives rows at both bounds; default: as the cursor declares

--- Spans of time from where the resource was read last to when the run began, one after the
--- other. The cursor moves to a window's end when the next one is asked for: a run that is killed
--- reads the window that it was in again, or goes on in it. A `lag` with `append` is refused, and
--- so is `closed` without a key: rows would be there twice. Of `restate`, a window's rows take the
--- place of those that its days have; a window without rows, or with far fewer than before
--- (`min_ratio`), changes nothing and warns.
---
--- ```lua
--- for window in ctx:windows { span = "1d", lag = "30d" } do
---   local r = ctx:get("/orders", { query = { from = window.from, to = window["until"] } })
---   ctx:emit(r:rows "orders")
--- end
--- ```
---@param options etl.window_options
---@return fun(): etl.window?
function ctx:windows(options) end

---@alias etl.digest "sha256"|"sha1"|"sha512"|"md5"
---@alias etl.encoding "hex"|"base64"|"base64url"|"raw"

---@class etl.hash_options
---@field algorithm etl.digest
---@field text string
---@field encoding? etl.encoding default: hex

---@class etl.hmac_options
---@field algorithm etl.digest
---@field key string
---@field key_encoding? "base64" the key is written so
---@field text string
---@field encoding? etl.encoding default: hex; raw for what is the key of the next one

---@class etl.jwt_options
---@field algorithm "RS256"|"ES256"|"HS256"
---@field key string a private key in PEM for RS256 and ES256, any text for HS256
---@field claims table
---@field header? table beside alg and typ

--- The value of a header Authorization for a user and a password. A setting that is a secret is a
--- handle, a text that stands for it; put it into a request wherever the service wants it, and
--- etlhost puts the value in on the way out. What is made of a secret here is a handle again.
---
--- ```lua
--- local headers = { Authorization = ctx:basic(ctx.settings.user, ctx.settings.password) }
--- ```
---@param user string
---@param password? string
---@return string
function ctx:basic(user, password) end

--- Base64 of a text.
---
--- ```lua
--- local id = ctx:base64(ctx.settings.client_id .. ":" .. ctx.settings.client_secret)
--- ```
---@param text string
---@param encoding? "base64"|"base64url"
---@return string
function ctx:base64(text, encoding) end

--- A digest of a text. Plain text gives plain text.
---
--- ```lua
--- local md5 = ctx:hash { algorithm = "md5", text = "a body", encoding = "base64" }
--- ```
---@param options etl.hash_options
---@return string
function ctx:hash(options) end

--- An HMAC of a text.
---
--- ```lua
--- local signature = ctx:hmac { algorithm = "sha256", key = ctx.settings.secret, text = "GET /v1" }
--- ```
---@param options etl.hmac_options
---@return string
function ctx:hmac(options) end

--- A signed JSON Web Token.
---
--- ```lua
--- local now = os.time()
--- local token = ctx:jwt {
---   algorithm = "RS256", key = ctx:secret_field(ctx.settings.account, "private_key"),
---   claims = { iss = "me@example.iam", aud = "https://x/token", iat = now, exp = now + 3600 },
--- }
--- ```
---@param options etl.jwt_options
---@return string
function ctx:jwt(options) end

--- A part of a secret that is JSON, such as a service account's file.
---
--- ```lua
--- local key = ctx:secret_field(ctx.settings.account, "private_key")
--- ```
---@param secret string
---@param path string keys with dots between
---@return string
function ctx:secret_field(secret, path) end

--- A token that a service hands out for a while. Where there is none, `get` is called to sign in;
--- it returns the token as a request captured it, and for how many seconds it is good (without a
--- number: for this run). Other resources, and other runs of this project, that want the same token
--- wait for it. With `secrets: { key: ... }` in etlhost.yaml it outlives the run, encrypted.
---
--- ```lua
--- local token = ctx:token("api", function()
---   local r = ctx:post("/oauth/token", {
---     form = { grant_type = "client_credentials", client_secret = ctx.settings.client_secret },
---     capture = { token = "access_token" }, repeatable = true,
---   })
---   return r.captured.token, r:value "expires_in"
--- end)
--- ```
---@param name string letters, digits, _ and -
---@param get fun(): string, number?
---@return string
function ctx:token(name, get) end

--- A token that the service refuses is gotten anew by the next `ctx:token`.
---
--- ```lua
--- ctx:forget_token "api"
--- ```
---@param name string
function ctx:forget_token(name) end

--- A line in the log of the run; more arguments are laid into it as by string.format.
---@param format string
function ctx:log(format, ...) end

--- The same as a warning.
---@param format string
function ctx:warn(format, ...) end

return ctx
