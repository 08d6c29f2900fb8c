-- The service of the group `pages`: the records of options.file (JSON lines), options.size a page,
-- as {"data":[...],"next":n}; at most options.pages, each after options.delay milliseconds.
-- Everything is made before the first request.
local size, most, delay = tonumber(options.size), tonumber(options.pages), tonumber(options.delay)
local pages, lines = {}, {}
for line in io.lines(options.file) do
  if #pages == most then break end
  lines[#lines + 1] = line
  if #lines == size then
    pages[#pages + 1] = table.concat(lines, ",")
    lines = {}
  end
end
for n, records in ipairs(pages) do
  pages[n] = ('{"data":[%s],"next":%s}'):format(records, n < #pages and n + 1 or "null")
end
local headers = { ["Content-Type"] = "application/json" }

return function(request, connection)
  local page = pages[tonumber(request.query.page or 1)]
  if not page then return connection:reply(404) end
  if delay > 0 then connection:wait(delay) end
  connection:reply(200, headers, page)
end
