-- tests/support/faults.lua: what services do wrong, each at the second page of a list of its own,
-- and what is right then; tests/e2e/faults_spec.lua runs them all. Name -> { the body of a
-- function(c, page, request) that runs in place of c:reply(200, json, page) }, with class and says:
-- what the run must say of it (class nil: nothing, it passes), and settings of its source.
local faults = {
  cut = { "c:head(200, { ['Content-Length'] = #page }) c:send(page:sub(1, -9)) c:cut()",
    class = "transient", says = "cut" },
  cut_chunk = { "c:head(200, { ['Transfer-Encoding'] = 'chunked' }) "
    .. "c:chunk(page:sub(1, 9)) c:cut()",
    class = "transient" },
  cut_gzip = { [[
    c:reply(200, { ["Content-Encoding"] = "gzip" }, (gzip(page):sub(1, -9)))]],
    class = "transient", says = "cut off before their end" },
  two_lengths = { [[
    c:reply(200, { { "Content-Length", #page }, { "Content-Length", #page + 1 } }, page)]],
    class = "remote" },
  reset = { "c:head(200, { ['Content-Length'] = #page }) c:send(page:sub(1, 9)) c:reset()",
    class = "transient" },
  bomb = { "c:reply(200, { ['Content-Encoding'] = 'gzip' }, bomb)", class = "limit" },
  two_bombs = { "c:reply(200, { ['Content-Encoding'] = 'gzip, gzip' }, gzip(bomb))",
    class = "remote" },
  storm = { "c:reply(503, nil, 'come back later')", class = "transient",
    says = "503 Service Unavailable" },
  throttled = { "c:reply(429, { ['Retry-After'] = 3600 }, 'slow down')", class = "throttled" },
  denied = { "c:reply(403, nil, 'no rights: ' .. request.headers['x-key'])", class = "denied",
    says = "403 Forbidden" },
  expired = { "c:reply(401, nil, 'expired')", class = "auth", says = "401 Unauthorized" },
  missing = { "c:reply(404, nil, '')", class = "not_found", says = "404 Not Found" },
  html = { "c:reply(200, { ['Content-Type'] = 'text/html' }, '<html>Please sign in</html>')" },
  not_ok = { "c:reply(200, json, '{\"ok\":false,\"error\":\"quota\"}')" },
  empty = { "c:reply(200, json, '')" },
  null_rows = { "c:reply(200, json, '{\"data\":null,\"next\":null}')" },
  no_rows = { "c:reply(200, json, '{\"items\":[],\"next\":null}')" },
  rows_no_list = { "c:reply(200, json, '{\"data\":\"none\",\"next\":null}')" },
  half_json = { "c:reply(200, json, (page:sub(1, -5)))" },
  more_json = { "c:reply(200, json, page .. page)" },
  elsewhere = { [[
    c:reply(200, json, (page:gsub('"next":.-}', '"next":"https://other.example/"}')))]],
    class = "denied", says = "other.example", request = "POST https://other.example/", pages = 2 },
  inside = { "c:reply(302, { Location = 'http://169.254.169.254/latest/meta-data' })",
    class = "denied" },
  hop_elsewhere = { "c:reply(302, { Location = 'https://other.example/' })", class = "denied" },
  hop_loop = { "c:reply(302, { Location = request.target })", class = "remote",
    says = "redirects" },
  -- What only the source can know: it looks, and says so.
  other_page = { "c:reply(200, json, page_of(1))", class = "remote", says = "page 1 came" },
  same_next = { [[c:reply(200, json, (page:gsub('"next":3', '"next":2')))]], class = "remote",
    says = "leads back", pages = 2 },
  shrinks = { [[c:reply(200, json, (page:gsub('"total":12', '"total":9')))]], class = "remote",
    says = "9 rows in all, and 12 before" },
  stall = { "c:head(200, { ['Content-Length'] = 10 }) c:send '{' c:stall()",
    class = "transient", deadline = 300 },
  slow = { "c:head(200, { ['Content-Length'] = #page }) "
    .. "for byte in page:gmatch '.' do c:send(byte) c:wait(50) end",
    class = "transient", deadline = 300 },
}

-- These pass: what is tried again comes whole. By GET, since a POST is never sent twice.
local passing = {
  cut_once = faults.cut[1], reset_once = faults.reset[1], storm_once = faults.storm[1],
  throttled_once = "c:reply(429, { ['Retry-After'] = 0 }, 'slow down')",
  throttled_junk = "c:reply(429, { ['Retry-After'] = 'soon' }, 'slow down')",
  throttled_past = "c:reply(429, { ['Retry-After'] = 'Sun, 06 Nov 1994 08:49:37 GMT' })",
}
-- A token that expires between two pages is asked for anew.
faults.expires = { [[
    assert(request.headers.authorization:match "^Bearer token%-of%-%d$")
    c:reply(401, nil, "expired")]], once = true, login = true }
for name, lua in pairs(passing) do faults[name] = { lua, method = "GET", once = true } end
for name, fault in pairs(faults) do
  if name:match "^hop" or name == "inside" then fault.method = "GET" end
  -- What is answered, but is no data.
  if not fault.class and not fault.once then fault.class = "remote" end
end

-- However the inside is spelled: the address is judged that is really connected to.
for name, host_name in pairs {
  localhost = "localhost", short = "127.1", hexadecimal = "0x7f000001", decimal = "2130706433",
  mapped = "[::ffff:127.0.0.1]", literal = "127.0.0.1", any = "0.0.0.0",
} do
  faults["inside_" .. name] = { "", inside = host_name, class = "denied", pages = 0 }
end

return faults
