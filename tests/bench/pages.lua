-- The service of the group `pages`: the records of options.file (JSON lines), options.size a page,
-- as {"data":[...],"next":n}. Everything is made before the first request.
local size, pages, lines = tonumber(options.size), {}, {}
for line in io.lines(options.file) do
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
  connection:reply(200, headers, page)
end
