-- An object store with one bucket, `bench`: the files that options.files lists, one a line, below
-- orders/. It takes any signature, and is read-only.
local objects, listing = {}, {}
for path in options.files:gmatch "[^\n]+" do
  local file = assert(io.open(path, "rb"))
  local key, body = "orders/" .. path:match "[^/]+$", file:read "a"
  file:close()
  listing[#listing + 1] = ("<Contents><Key>%s</Key><LastModified>2026-03-01T01:02:03.000Z"
    .. "</LastModified><ETag>&quot;%032x&quot;</ETag><Size>%d</Size>"
    .. "<StorageClass>STANDARD</StorageClass></Contents>"):format(key, #listing + 1, #body)
  objects[key] = { body = body, etag = ('"%032x"'):format(#listing) }
end
table.sort(listing)
local list = ('<?xml version="1.0"?>\n<ListBucketResult><IsTruncated>false</IsTruncated>%s'
  .. "</ListBucketResult>"):format(table.concat(listing))

return function(request, connection)
  local key = request.path:match "^/bench/(.+)$"
  if not key then return connection:reply(200, { ["Content-Type"] = "application/xml" }, list) end
  local object = objects[key]
  if not object then return connection:reply(404) end
  local from, to = (request.headers.range or ""):match "^bytes=(%d+)%-(%d*)$"
  if not from then return connection:reply(200, { ETag = object.etag }, object.body) end
  from, to = tonumber(from), math.min(tonumber(to) or math.huge, #object.body - 1)
  connection:reply(206, {
    ETag = object.etag, ["Content-Range"] = ("bytes %d-%d/%d"):format(from, to, #object.body),
  }, object.body:sub(from + 1, to + 1))
end
