-- Files at addresses: whole and exact, or an error that says why, whatever the server does.
local host = require "tests.support.host"
local http = require "tests.support.http"
local target = require "tests.support.target"

local ROWS = 20000

local SCENARIO = [[
local lines = { "id,name" }
for i = 1, tonumber(options.rows) do lines[i + 1] = i .. ",row " .. i end
local csv = table.concat(lines, "\n") .. "\n"
local met = {}
local function cut(c) -- what came is enough to be used
  c:head(200, { ETag = '"1"', ["Content-Length"] = #csv })
  c:send(csv:sub(1, 150000))
  c:cut()
end
local function rest(r, c, etag)
  local from = tonumber((r.headers.range or ""):match "^bytes=(%d+)%-")
  if not from then return c:reply(200, { ETag = etag }, csv) end
  c:reply(206, { ETag = etag,
    ["Content-Range"] = ("bytes %d-%d/%d"):format(from, #csv - 1, #csv) }, csv:sub(from + 1))
end
local paths = {
  plain = function(_, c) c:reply(200, { ETag = '"1"' }, csv) end,
  chunked = function(_, c)
    c:head(200, { ["Transfer-Encoding"] = "chunked" })
    c:chunk(csv)
    c:chunk()
  end,
  encoded = function(_, c)
    c:reply(200, { ETag = '"1"', ["Content-Encoding"] = "gzip" }, gzip(csv))
  end,
  until_close = function(_, c) c:head(200) c:send(csv) c:close() end,
  cut = function(r, c, again) if again then rest(r, c, '"1"') else cut(c) end end,
  no_ranges = function(_, c, again)
    if again then c:reply(200, { ETag = '"1"' }, csv) else cut(c) end
  end,
  other_range = function(_, c, again)
    if not again then return cut(c) end
    c:reply(206, { ETag = '"1"', ["Content-Range"] = "bytes 1-9/10" }, csv:sub(2, 10))
  end,
  replaced = function(r, c, again)
    if not again then return cut(c) end
    if r.headers["if-match"] == '"1"' then return c:reply(412) end
    c:reply(200, { ETag = '"2"' }, (csv:gsub("row", "new")))
  end,
  html = function(_, c)
    c:reply(200, { ["Content-Type"] = "text/html; charset=utf-8" }, "<html>\nPlease sign in\n")
  end,
  gone = function(_, c) c:reply(404, nil, "no such file") end,
  denied = function(_, c) c:reply(403, nil, "not for you") end,
  elsewhere = function(_, c) c:reply(302, { Location = "https://other.example/x.csv" }) end,
}
return function(request, connection)
  local name = request.path:match "^/([%a_]+)%.csv$"
  local again = met[name]
  met[name] = true
  paths[name](request, connection, again)
end
]]

-- name -> the names of the rows ("row", "new"), or { exit code, what is said }.
local expected = {
  plain = "row", chunked = "row", encoded = "row", cut = "row", no_ranges = "row",
  replaced = "new",
  until_close = { 5, "does not say where the file ends" },
  other_range = { 5, "the server answers with \"bytes 1-9/10\"" },
  html = { 5, "a web page, not" },
  gone = { 2, "404 Not Found (1 attempt, 12 bytes" },
  denied = { 4, "403 Forbidden" },
  elsewhere = { 4, "\"other.example\" is not a host" },
}

describe("a file at an address", function()
  local server
  setup(function() server = http.start(SCENARIO, { set = { rows = ROWS } }) end)
  teardown(function() server:stop() end)

  for name, what in pairs(expected) do
    it("is exact, or refused with its reason: " .. name, function()
      local to = target.sqlite()
      local result = host.load(("%s/%s.csv"):format(server.url, name), "t", to)
      if type(what) == "table" then
        assert.equal(what[1], result.code, tostring(result))
        assert.matches(what[2], result.err .. result.out, 1, true)
        assert.is_true(not to:has_table "t" or to:count "t" == 0)
        return
      end
      assert.equal(0, result.code, tostring(result))
      assert.equal(("%d|%d|%s %d"):format(ROWS, ROWS, what, ROWS), to:sql(
        "select count(*), count(distinct id), (select name from t where id = 20000) from t"))
    end)
  end

  it("is previewed too", function()
    local result = host.etlhost { "preview", server.url .. "/plain.csv", "--limit", "2",
      "--format", "ndjson" }
    assert.equal(0, result.code, tostring(result))
    assert.equal('{"id":1,"name":"row 1"}\n{"id":2,"name":"row 2"}\n', result.out)
  end)
end)
