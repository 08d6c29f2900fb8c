-- What services do wrong, through the real program: each fault ends in a named error of its class
-- with nothing committed past it, or in the exact rows. All faults are sources of one client, so
-- that one run meets them all; then the services heal, and the next run ends with every row once.
local cjson = require "cjson"
local faults = require "tests.support.faults"
local files = require "tests.support.files"
local host = require "tests.support.host"
local http = require "tests.support.http"
local process = require "tests.support.process"
local target = require "tests.support.target"

local PAGES, SIZE = 3, 4 -- of each list

local SCENARIO = [[
local json = { ["Content-Type"] = "application/json" }
local bomb = gzip((" "):rep(8 << 20))
local healed, met, tokens = false, {}, 0
local page_of
local faults = {
%s}
function page_of(n)
  local rows = {}
  for i = 1, options.size do
    rows[i] = ('{"id":%%d,"amount":12.10,"name":"row %%d"}'):format((n - 1) * options.size + i, i)
  end
  return ('{"data":[%%s],"page":%%d,"total":%%d,"next":%%s}'):format(table.concat(rows, ","), n,
    options.pages * options.size, n < tonumber(options.pages) and n + 1 or "null")
end
return function(request, c)
  if request.path == "/heal" then
    healed = true
    return c:reply(200)
  end
  local name, what = request.path:match "^/([%%w_]+)/(.*)$"
  if what == "login" then
    tokens = tokens + 1
    return c:reply(200, json, '{"access_token":"token-of-' .. tokens .. '"}')
  end
  local n = tonumber(request.query.page)
  local page, fault = page_of(n), faults[name]
  local seen = met[request.path]
  if n ~= 2 or healed or (fault.once and seen) then return c:reply(200, json, page) end
  met[request.path] = true
  fault.run(c, page, request)
end
]]

local SOURCE = [[
local err = require "etl.err"
local etl = require "etl"
local function log_in(ctx)
  if not ctx.settings.login then return nil end
  local answer = ctx:post("/login", { form = { key = ctx.settings.api_key },
    capture = { token = "access_token" } })
  return "Bearer " .. answer.captured.token
end
-- What only a source can know of its pages.
local function look(response, asked, before)
  local page, next, total = response:value "page", response:value "next", response:value "total"
  local function wrong(message, ...)
    err.raise { class = "remote", message = response.url .. ": " .. message:format(...) }
  end
  if page and page ~= asked then wrong("page %d came for page %d", page, asked) end
  if total and before and total < before then
    wrong("%d rows in all, and %d before", total, before)
  end
  return next, total, function()
    if next == asked then wrong("the next page leads back to page %d", next) end
  end
end
local function extract(ctx)
  local next, total, check, token = 1, nil, nil, log_in(ctx)
  while next ~= etl.null do
    local request = { url = "/" .. ctx.resource, query = { page = next },
      headers = { ["X-Key"] = ctx.settings.api_key, Authorization = token }, accept = { 401 },
      method = ctx.settings.method, max_bytes = 1000000,
      deadline_ms = next == 2 and ctx.settings.deadline or 60000 }
    if type(next) == "string" then request.url, request.query = next, nil end
    if not token then request.accept = nil end
    local response = ctx:request(request)
    if response.status == 401 then
      token = log_in(ctx)
    else
      local rows = response:rows "data"
      next, total, check = look(response, next, total)
      ctx:emit(rows)
      check()
    end
  end
end
return require "etl.source" {
  name = "api",
  config = { base_url = "url", api_key = "secret", method = { type = "string", default = "POST" },
    deadline = { type = "integer", default = 60000 },
    login = { type = "boolean", default = false } },
  hosts = { "{base_url}" },
  resources = {
    appended = { write = "append", table = "{instance}_appended", extract = extract },
    merged = { key = "id", table = "{instance}_merged", extract = extract },
  },
}
]]

local function scenario()
  local lines = {}
  for name, fault in pairs(faults) do
    lines[#lines + 1] = ("  %s = { once = %s, run = function(c, page, request) %s end },\n"):format(
      name, tostring(fault.once or false), fault[1])
  end
  return SCENARIO:format(table.concat(lines))
end

-- healed: nothing has a deadline that a busy machine could miss.
local function project(folder, server, hidden, healed)
  files.write(folder .. "/config/etlhost.yaml",
    ("version: 1\nnetwork: { allow_private: ['%s'] }\n"):format(server.address))
  local lines = { "version: 1\nid: acme\nname: Acme\nsources:\n" }
  for name, fault in pairs(faults) do
    local url = fault.inside and ("https://%s:%d"):format(fault.inside, hidden.port) or server.url
    local settings = { "use: api", "api_key: { env: KEY }",
      ("base_url: '%s/%s'"):format(url, name) }
    if fault.method then settings[4] = "method: " .. fault.method end
    if fault.login then settings[#settings + 1] = "login: true" end
    if fault.deadline and not healed then
      settings[#settings + 1] = "deadline: " .. fault.deadline
    end
    lines[#lines + 1] = ("  %s: { %s }\n"):format(name, table.concat(settings, ", "))
  end
  files.write(folder .. "/config/clients/acme.yaml", table.concat(lines))
  files.write(folder .. "/sources/api.lua", SOURCE)
  files.write(folder .. "/pipelines/p.lua", 'return require "etl.pipeline" {}\n')
end

-- instance.resource -> its error.
local function errors_of(result)
  local found = {}
  for line in result.out:gmatch "[^\n]+" do
    local event = cjson.decode(line)
    if event.event == "error" and event.resource then
      local name = event.instance .. "." .. event.resource
      found[name] = found[name] or event
    end
  end
  return found
end

-- Table -> its ids in their order, of every table that is there.
local function rows_of(to)
  local parts, rows = {}, {}
  for name in to:sql("select name from sqlite_master where type = 'table' and name not like "
    .. "'\\_etl%' escape '\\' and name not like 'sqlite%'"):gmatch "[^\n]+" do
    parts[#parts + 1] = ("select '%s', group_concat(id) from (select id from %s order by id)")
      :format(name, to:name(name))
  end
  for line in to:sql(table.concat(parts, " union all ")):gmatch "[^\n]+" do
    local name, ids = line:match "^(.-)|(.*)$"
    rows[name] = ids ~= "\\N" and ids or nil
  end
  return rows
end

describe("a service that does it wrong", function()
  local server, hidden, folder, to, first, errors, rows
  setup(function()
    server = http.start(scenario(), { set = { size = SIZE, pages = PAGES } })
    hidden = http.start "return function(_, c) c:reply(200) end"
    folder = files.temp()
    project(folder, server, hidden)
    to = target.sqlite()
    first = host.run(folder, to, { more = { "--json" }, env = { KEY = "s3cret-value" } })
    errors = errors_of(first)
    rows = rows_of(to)
  end)
  teardown(function()
    server:stop()
    hidden:stop()
  end)

  local function upto(pages)
    local list = {}
    for i = 1, pages * SIZE do list[i] = tostring(i) end
    return table.concat(list, ",")
  end
  local all = upto(PAGES)

  for name, fault in pairs(faults) do
    for _, resource in ipairs { "appended", "merged" } do
      local stream = name .. "." .. resource
      it(("has one outcome: %s, %s"):format(name, resource), function()
        local error, there = errors[stream], rows[name .. "_" .. resource] or ""
        if not fault.class then
          assert.is_nil(error, error and error.message)
          assert.equal(all, there)
          return
        end
        assert.is_truthy(error, "no error for " .. stream)
        local said = error.message .. " " .. (error.place or "")
        assert.equal(fault.class, error.class, said)
        if fault.says then assert.matches(fault.says, said, 1, true) end
        local page = fault.inside and "?page=1" or "?page=2"
        assert.matches(fault.request or "/" .. name .. "/" .. resource .. page, said, 1, true)
        -- What is appended comes with the end of its window only.
        local good = { [""] = true }
        for pages = 1, resource == "merged" and (fault.pages or 1) or 0 do
          good[upto(pages)] = true
        end
        assert.is_true(good[there], there)
      end)
    end
  end

  it("is left alone inside, whatever its name", function()
    assert.same({}, hidden:events "connect")
  end)

  it("is told afterwards by its requests, without a secret", function()
    local shown = host.etlhost({ "runs", "show" }, { cwd = folder }).out
    for _, said in ipairs {
      "/storm/appended?page=2: 503 Service Unavailable (1 attempt, 15 bytes, ",
      "s): come back later", "/denied/merged?page=2: 403 Forbidden (", "no rights: ***",
      "trying again in ", "/storm_once/merged?page=2: 503 Service Unavailable (", " tried again\n",
    } do
      assert.matches(said, shown, 1, true)
    end
    assert.is_nil((first.out .. first.err .. shown):find("s3cret", 1, true))
    assert.is_nil((first.out .. first.err .. shown):find("token-of", 1, true))
  end)

  it("has every row once when it has healed", function()
    process.must { "curl", "-sSf", server.url .. "/heal" }
    project(folder, server, hidden, true)
    local second = host.run(folder, to, { env = { KEY = "s3cret-value" } })
    assert.equal(4, second.code, tostring(second)) -- of those inside
    local healed = rows_of(to)
    for name, fault in pairs(faults) do
      assert.equal(not fault.inside and all or nil, healed[name .. "_merged"], name)
      -- What was complete is appended once more: that is what append means.
      if fault.class and not fault.inside then
        assert.equal(all, healed[name .. "_appended"], name)
      end
    end
  end)
end)
