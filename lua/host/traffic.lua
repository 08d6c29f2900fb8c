-- What a run has asked of services.

local text = require "host.text"

local traffic = {}

-- "512 requests, 48 MB, 3 tried again", when there were any.
function traffic.print(out, jobs)
  local requests, retries, bytes = 0, 0, 0
  for _, job in ipairs(jobs) do
    local made = job.requests
    if made then
      requests, retries = requests + made.requests, retries + made.retries
      bytes = bytes + made.bytes
    end
  end
  if requests == 0 then return end
  local again = retries > 0 and (", %s tried again"):format(text.count(retries)) or ""
  out:print(out:style("dim", ("%s, %s%s"):format(text.plural(requests, "request"),
    text.bytes(bytes), again)))
end

return traffic
