-- What a run says when it has ended: failures first, then a table per client and resource, why
-- nothing was loaded where nothing was, and what to try next.

local effects = require "host.effects"
local failures = require "host.failures"
local hints = require "host.hints"
local omitted = require "host.omitted"
local steps = require "host.steps"
local text = require "host.text"
local traffic = require "host.traffic"

local summary = {}

-- A terminal on which sections are parted by one empty line, never two, none at the end.
local function paper(out)
  local wanted = false
  return {
    style = function(_, ...) return out:style(...) end,
    gap = function() wanted = true end,
    print = function(_, ...)
      if wanted then out:print "" end
      wanted = false
      out:print(...)
    end,
  }
end

local function status_of(job, stream)
  if stream.error then
    return stream.error.class == "cancelled" and "stopped" or "FAILED"
  end
  if not stream.finished then return job.ok and "-" or "stopped" end
  return "ok"
end

-- All streams with their jobs, failures first, otherwise as they ran.
local function rows_of(jobs)
  local rows = {}
  for _, job in ipairs(jobs) do
    for _, stream in ipairs(job.streams) do
      rows[#rows + 1] = { job = job, stream = stream, status = status_of(job, stream), at = #rows }
    end
    if #job.streams == 0 and not job.ok and not job.skipped then
      rows[#rows + 1] = { job = job, stream = { resource = "-" }, status = "FAILED", at = #rows }
    end
  end
  table.sort(rows, function(a, b)
    local a_bad, b_bad = a.status ~= "ok", b.status ~= "ok"
    if a_bad ~= b_bad then return a_bad end
    return a.at < b.at
  end)
  return rows
end

local function table_rows(rows, with_client)
  local cells = {}
  for i, row in ipairs(rows) do
    local s = row.stream
    local known = s.rows_read ~= nil
    local line = {
      s.resource,
      known and text.count(s.rows_read) or "",
      known and text.count(s.rows_loaded) or "",
      known and text.count(s.rows_dead) or "",
      s.seconds and text.seconds(s.seconds) or "",
      s.seconds and text.rate(s.rows_read, s.seconds) or "",
      row.status,
      s.table or "",
    }
    if with_client then table.insert(line, 1, row.job.title) end
    cells[i] = line
  end
  return cells
end

local function print_table(out, rows, with_client)
  local columns = {
    { "resource" }, { "rows read", right = true }, { "loaded", right = true },
    { "dead", right = true }, { "time", right = true }, { "rows/s", right = true }, { "status" },
    { "table" },
  }
  if with_client then table.insert(columns, 1, { "client" }) end
  local status_column, dead_column = with_client and 8 or 7, with_client and 5 or 4
  local lines = text.table(columns, table_rows(rows, with_client), function(cell, index, column)
    if index == 0 then return out:style("bold", cell) end
    if column == status_column then
      return out:style(rows[index].status == "ok" and "green" or "red", cell)
    end
    if column == dead_column and (rows[index].stream.rows_dead or 0) > 0 then
      return out:style("yellow", cell)
    end
    return cell
  end)
  for _, line in ipairs(lines) do out:print(line) end
end

-- "12 files known, nothing new": why a stream that is well has no new rows.
function summary.why_nothing(stream)
  if (stream.rows_loaded or 0) > 0 or stream.error or not stream.finished then return nil end
  if (stream.rows_replaced or 0) > 0 then return nil end
  if (stream.rows_read or 0) > 0 then
    return stream.rows_dead == stream.rows_read and "every new row was dead" or nil
  end
  local s = stream.statuses
  local parts = {}
  local known = stream.files_known or s.known or 0
  if known > 0 then
    parts[#parts + 1] = text.plural(known, "file") .. " already loaded"
  end
  if (s.growing or 0) > 0 then
    parts[#parts + 1] = text.plural(s.growing, "file") .. " still growing, left for the next run"
  end
  local other = (s.left or 0) + (s.refused or 0)
  if other > 0 then parts[#parts + 1] = text.plural(other, "file") .. " refused or left out" end
  if #parts == 0 then
    if stream.pages then return "no rows came" end
    return (stream.file_count or #stream.files) == 0 and "no file found" or "the files hold no rows"
  end
  return table.concat(parts, "; ") .. ", nothing new"
end

-- What was left out because somebody said so: no dead rows, and yet not loaded.
local function left_out(stream)
  local parts = {}
  local filtered, nulled = stream.rows_filtered or 0, stream.values_discarded or 0
  if filtered > 0 then
    parts[1] = text.plural(filtered, "row") .. " left out by keep, discard or the row function"
  end
  if nulled > 0 then
    parts[#parts + 1] = text.plural(nulled, "value") .. " left out by the contract (discard_value)"
  end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

-- Of a stream that was replaced as a whole; files that were are listed one by one.
local function replaced(stream)
  if not stream.rows_came or (stream.rows_replaced or 0) == 0 then return nil end
  return ("%s went, %s came in their place"):format(text.plural(stream.rows_replaced, "row"),
    text.count(stream.rows_came))
end

local function print_notes(out, rows)
  for _, row in ipairs(rows) do
    local who = (row.job.title ~= "" and row.job.title .. " " or "") .. row.stream.resource
    local why, left = summary.why_nothing(row.stream), left_out(row.stream)
    local went = replaced(row.stream)
    if went then out:print(("%s: %s"):format(who, went)) end
    if why then out:print(out:style("dim", ("%s: %s"):format(who, why))) end
    if left then out:print(("%s: %s"):format(who, left)) end
    local became = effects.say(row.stream)
    if became then out:print(("%s: %s"):format(who, became)) end
  end
end

-- Files that are not simply loaded or known.
local remarkable = { refused = true, growing = true, replaced = true, left = true }

local function print_files(out, jobs)
  for _, job in ipairs(jobs) do
    for _, stream in ipairs(job.streams) do
      for _, file in ipairs(stream.files) do
        if remarkable[file.status] then
          out:print(("%s %s%s: %s"):format(out:style("yellow", file.status),
            job.title ~= "" and job.title .. " " or "", text.safe(file.file or "?"),
            text.safe(file.reason or "")))
        end
      end
    end
  end
end

-- A table that is made, and its columns, are no news; a type that changed, a column for values that
-- did not fit theirs, and a column that is new in a table that was there, are.
local function news_of(change, is_new_table)
  if change.change == "change type" then
    return "changed", ("%s is now %s"):format(change.from or "?", change.to or "?")
  end
  local why = change.why or ""
  if change.change ~= "add column" or not change.column or why:match "^added by" then return nil end
  if is_new_table and not why:match "^row " then return nil end
  return "new column", change.to == "unknown" and "text for now" or change.to or "?"
end

local CHANGES_MAX = 10

local function print_changes(out, jobs)
  local shown, is_new_table = 0, {}
  for _, job in ipairs(jobs) do
    for _, change in ipairs(job.changes) do
      local name = change.table or "?"
      if change.change == "create table" then is_new_table[name] = true end
      local kind, what = news_of(change, is_new_table[name])
      if kind then
        shown = shown + 1
        if shown <= CHANGES_MAX then
          out:print(("%s %s.%s: %s%s"):format(out:style("yellow", kind), name,
            change.column or "?", what,
            change.why and (" (" .. text.safe(change.why) .. ")") or ""))
        end
      end
    end
  end
  if shown > CHANGES_MAX then out:print(("and %d more changes"):format(shown - CHANGES_MAX)) end
end

local function print_warnings(out, jobs)
  local seen = {}
  for _, job in ipairs(jobs) do
    for _, w in ipairs(job.warnings) do
      local line = (job.title ~= "" and job.title .. ": " or "") .. text.safe(w.message or "")
      if not seen[line] then out:print(out:style("yellow", "warning") .. " " .. line) end
      seen[line] = true
    end
  end
end

function summary.destinations(jobs)
  local list, seen = {}, {}
  for _, job in ipairs(jobs) do
    for _, stream in ipairs(job.streams) do
      local where = stream.destination
      if where and not seen[where] then
        seen[where] = true
        list[#list + 1] = where
      end
    end
  end
  return list
end

function summary.totals(jobs)
  local totals = { rows_read = 0, rows_loaded = 0, rows_dead = 0, bytes = 0 }
  for _, job in ipairs(jobs) do
    for key, value in pairs(job:totals()) do totals[key] = totals[key] + value end
  end
  return totals
end

-- A place of a dead row for people: "orders.csv:17", "GET https://api.example.com/orders row 4".
function summary.dead_place(dead)
  local place = hints.file_name(dead.file)
  if dead.line then return ("%s:%d"):format(place, dead.line) end
  return place:match "^%u+ https?:" and ("%s row %d"):format(place, dead.row or 0) or place
end

local function print_dead(out, jobs)
  local shown = 0
  for _, job in ipairs(jobs) do
    for _, dead in ipairs(job.dead) do
      shown = shown + 1
      if shown > 5 then return end
      out:print(("  %s  %s%s"):format(out:style("yellow", text.safe(summary.dead_place(dead))),
        text.safe(text.first_line(dead.reason or dead.code or "")),
        dead.column and (" (column " .. text.safe(dead.column) .. ")") or ""))
    end
  end
end

local function print_where(out, jobs, dry_run)
  if dry_run then
    out:print "nothing was written (--dry-run)"
    return
  end
  for _, where in ipairs(summary.destinations(jobs)) do
    local path = hints.sqlite_path(where)
    local kind = path and " (SQLite)" or ""
    out:print("the data is in " .. out:style("bold", path or where) .. kind)
  end
end

-- options: with_client, next_steps (a list of { command, what }), dry_run, all (every failure).
function summary.print(out, jobs, options)
  out = paper(out)
  failures.print(out, jobs, options.all)
  local rows = rows_of(jobs)
  -- One run that failed before it had any stream: the error says it all.
  local is_told = #jobs == 1 and #jobs[1].streams == 0
  if #rows > 0 and not is_told then
    print_table(out, rows, options.with_client)
    out:gap()
  end
  print_notes(out, rows)
  omitted.print(out, jobs)
  print_files(out, jobs)
  print_changes(out, jobs)
  print_warnings(out, jobs)
  local totals = summary.totals(jobs)
  if totals.rows_dead > 0 then
    local words = totals.rows_dead == 1 and "it did not fit and was set aside"
      or "they did not fit and were set aside"
    out:print(out:style("yellow", text.plural(totals.rows_dead, "dead row") .. ": " .. words))
    print_dead(out, jobs)
  end
  traffic.print(out, jobs)
  print_where(out, jobs, options.dry_run)
  out:gap()
  steps.print(out, options.next_steps or {})
end

return summary
