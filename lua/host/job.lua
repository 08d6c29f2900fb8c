-- One run of one client as it unfolds: its engine's events, gathered into what the progress line,
-- the summary and the catalog want to know.

local blame = require "host.blame"
local effects = require "host.effects"
local err = require "host.err"
local nearest = require "host.nearest"
local source_names = require "host.source_names"
local words = require "host.words"

local job = {}
job.__index = job

-- options: spec, title (what people call it: the client's id, or a file).
function job.new(options)
  return setmetatable({
    spec = options.spec,
    title = options.title,
    client = options.client,
    places = options.places,
    may_skip = options.may_skip, -- a pipeline for another client is no failure
    streams = {}, -- in the order they began
    by_name = {},
    errors = {}, -- the first is the one that counts
    warnings = {},
    changes = {},
    dead = {}, -- the first dead rows of each stream
    rows = 0,
    bytes = 0,
    done = false,
    ok = false,
  }, job)
end

local function stream_of(self, event)
  local instance, resource = event.instance or "", event.resource or ""
  local name = instance .. "." .. resource
  local stream = self.by_name[name]
  if not stream then
    stream = {
      name = name, instance = instance, resource = resource,
      files = {}, statuses = {}, rows_read = 0, rows_loaded = 0, rows_dead = 0, bytes = 0,
    }
    self.by_name[name] = stream
    self.streams[#self.streams + 1] = stream
  end
  return stream
end

local on = {}

function on.stream_started(self, event)
  local stream = stream_of(self, event)
  stream.table, stream.destination = event.table, event.destination
  self.current, self.waiting = stream, nil
end

function on.progress(self, event)
  local stream = stream_of(self, event)
  stream.progress = event
  stream.rows_read = math.max(stream.rows_read, event.rows or 0)
  self.current = stream
end

function on.file_done(self, event)
  local stream = stream_of(self, event)
  local status = event.status or "loaded"
  stream.statuses[status] = (stream.statuses[status] or 0) + 1
  stream.files[#stream.files + 1] = event
  self.current = stream
end

function on.stream_done(self, event)
  local stream = stream_of(self, event)
  for _, key in ipairs {
    "table", "destination", "rows_read", "rows_loaded", "rows_dead", "rows_filtered",
    "values_discarded", "rows_replaced", "rows_came", "bytes", "seconds",
  } do
    if event[key] ~= nil then stream[key] = event[key] end
  end
  for _, word in ipairs(effects.words) do stream[word[1]] = event[word[1]] end
  stream.file_count, stream.files_known = event.files, event.files_known
  stream.pages = event.pages
  stream.finished = true
end

function on.schema_change(self, event)
  self.changes[#self.changes + 1] = event
end

function on.dead_row(self, event)
  self.dead[#self.dead + 1] = event
end

function on.log(self, event)
  if event.level == "warning" or event.level == "error" then
    self.warnings[#self.warnings + 1] = event
  end
end

-- "Did you mean" for a source that is not there.
local function source_hint(message)
  local wanted = message:match '"sources%.([%w_]+)"'
  if not wanted then return nil end
  local names = source_names.shipped()
  local near = nearest.of(wanted, names)
  if near then return ("did you mean \"%s\"?"):format(near) end
  return words.product(wanted) or ("etlhost ships %s; one of your own is sources/%s.lua"):format(
    table.concat(names, ", "), wanted)
end

function on.declared(self, event)
  -- Of one of several clients (host.batch): what is wrong comes with it.
  if event.error then on.error(self, event.error) end
  if event.error and not event.problems then return end
  self.declared, self.only_client = event.resources or {}, event.client
  if event.hashing and #event.hashing > 0 then self.hashing = event.hashing end
  self.described = event.sources
  local mine = self.client and self.client.id
  if event.client and mine and event.client ~= mine and self.may_skip then
    self:leave_out(("the pipeline is for client %s only"):format(event.client))
    return
  end
  for _, problem in ipairs(event.problems or {}) do
    self:fail {
      class = "config", message = problem.message or "?",
      hint = problem.hint or source_hint(problem.message or ""),
      place = blame.place(problem, self),
    }
  end
end

-- Of what was declared, in its order.
function on.tables(self, event)
  for i, name in ipairs(event.tables) do
    if self.declared[i] then self.declared[i].table = name end
  end
end

-- Where the secret is named that a service refused; nil when that is not known.
local function place_of_secret(self, event)
  if event.class ~= "auth" or not event.instance or not self.client then return nil end
  for _, source in ipairs(self.client.sources or {}) do
    local first = source.secrets and source.secrets[1]
    if source.instance == event.instance and first then return first.place end
  end
end

-- The engine knows the address, and not where it stands.
local function with_destination(self, hint)
  local written = self.spec and self.spec.destination and self.spec.destination.written
  if not hint or not written then return hint end
  return (hint:gsub("the secret that the destination names", function() return written end))
end

function on.error(self, event)
  -- A run ends with the first of its problems: that was told already. The same failure of another
  -- stream is one more.
  for _, e in ipairs(self.errors) do
    local is_same_stream = e.instance == event.instance and e.resource == event.resource
    if e.message == event.message and (not event.resource or is_same_stream) then return end
  end
  self:fail {
    class = event.class or "bug",
    message = event.message or "the engine gave no reason",
    hint = with_destination(self, event.hint),
    place = event.place or place_of_secret(self, event), trail = event.trail,
    sqlstate = event.sqlstate, instance = event.instance, resource = event.resource,
  }
  if event.instance and event.resource then
    local stream = stream_of(self, event)
    stream.error = stream.error or self.errors[#self.errors]
  end
end

function on.waiting(self, event)
  self.waiting = event.message
end

function on.requests(self, event)
  self.requests = event
end

-- Long answers come in several pieces.
function on.result(self, event)
  local all = self.result
  if not all then
    self.result = event.value
  else
    table.move(event.value, 1, #event.value, #all + 1, all)
  end
end

function on.done(self, event)
  self.done = true
  self.ok = event.ok == true
end

function job:event(event)
  local handler = on[event.event]
  if handler then handler(self, event) end
end

-- Records a failure; fields as in an error object.
function job:fail(fields)
  local e = err.is(fields) and fields or err.new(fields)
  self.errors[#self.errors + 1] = e
  return e
end

-- This client is none of the pipeline's: no failure, and said in the summary.
function job:leave_out(why)
  self.skipped = why
end

-- After the engine's end.
function job:finish(problem)
  if self.skipped then
    self.errors, self.done, self.ok = {}, true, true
    return
  end
  if problem then self:fail(problem) end
  if self.done and not self.ok and #self.errors == 0 then
    self:fail { class = "bug", message = "the engine failed and gave no reason" }
  end
  self.done = true
  self.ok = #self.errors == 0
  for _, stream in ipairs(self.streams) do
    if not stream.finished and not stream.error and self.errors[1] then
      stream.error = self.errors[1]
    end
  end
end

function job:totals()
  local totals = { rows_read = 0, rows_loaded = 0, rows_dead = 0, bytes = 0 }
  for _, stream in ipairs(self.streams) do
    for key in pairs(totals) do totals[key] = totals[key] + (stream[key] or 0) end
  end
  return totals
end

return job
