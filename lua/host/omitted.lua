-- The clients that a run left out, and why: part of the summary.

local omitted = {}

-- Clients that are left out for the same reason stand in one line.
function omitted.print(out, jobs)
  local lines, by_reason = {}, {}
  for _, job in ipairs(jobs) do
    local line = job.skipped and by_reason[job.skipped]
    if line then
      line.titles[#line.titles + 1] = job.title
    elseif job.skipped then
      by_reason[job.skipped] = { titles = { job.title }, why = job.skipped }
      lines[#lines + 1] = by_reason[job.skipped]
    end
  end
  for _, line in ipairs(lines) do
    out:print(out:style("dim", ("%s %s left out: %s"):format(table.concat(line.titles, ", "),
      #line.titles == 1 and "was" or "were", line.why)))
  end
end

return omitted
