-- The errors of some jobs, first error first, the same one told once for all whom it befell.

local report = require "host.report"
local text = require "host.text"

local failures = {}

-- "orders", or "shop.orders" where another source of the job has one of that name.
local function name_of(job, e)
  if not e.resource then return "" end
  for _, stream in ipairs(job.streams) do
    if stream.resource == e.resource and e.instance and stream.instance ~= e.instance then
      return e.instance .. "." .. e.resource
    end
  end
  return e.resource
end

-- What makes two errors the same for who reads a summary: of requests what came of them, whichever
-- of a service's addresses was asked; of objects and files what is wrong, wherever.
local function kind_of(e)
  local host = e.message:match "%u+ (https?://[^/%s]+)"
  -- A request may also stand within what is wrong: then all of it is.
  local wrong = host and text.brief(e.message):match "^(.-): %u+ https?://"
  local what = wrong and host .. wrong or e.message
  return table.concat({ e.class, what, e.place or "", e.hint or "" }, "\0")
end

local function identity_of(e)
  return table.concat({ e.class, e.message, e.place or "", e.trail or "" }, "\0")
end

-- Who failed with what: the same error of several streams or clients is told once.
local function grouped_errors(jobs, key_of)
  local groups, by_text = {}, {}
  for _, job in ipairs(jobs) do
    for _, e in ipairs(job.errors) do
      local key = key_of(e)
      local group = by_text[key]
      if not group then
        group = { error = e, job = job, who = {}, jobs = {} }
        by_text[key] = group
        groups[#groups + 1] = group
      end
      local parts = { job.title, name_of(job, e) }
      local name = table.concat(parts, parts[1] ~= "" and parts[2] ~= "" and " " or "")
      -- What ended the run as a whole was most often told by one of its streams before.
      if name ~= "" and (e.resource or not group.jobs[job]) then
        group.who[#group.who + 1] = name
      end
      group.jobs[job] = true
    end
  end
  return groups
end

local ERRORS_MAX = 10

-- all: however many there are, each with its own words.
function failures.print(out, jobs, all)
  local groups = grouped_errors(jobs, all and identity_of or kind_of)
  for i, group in ipairs(groups) do
    if i > ERRORS_MAX and not all then
      out:print(("and %d more; `etlhost runs show` has all\n"):format(#groups - ERRORS_MAX))
      break
    end
    if #group.who > 0 then
      out:print(out:style("bold", text.cut(text.safe(table.concat(group.who, ", ")), 160)))
    end
    report.print(out, group.error, group.job.places)
    out:gap()
  end
end

return failures
