-- One script evaluated for many clients in one engine: a thousand processes would take minutes.
-- Each client has a job of its own that hears what was found for it.

local doc = require "host.doc"
local job = require "host.job"
local spec = require "host.spec"

local batch = {}
batch.__index = batch

-- What one engine takes at once: clients, and bytes of what is said of them (a frame holds 1 MB).
local CLIENTS_MAX = 500
local BYTES_MAX = 500 * 1000

-- ---- as the supervisor sees it: a job -----------------------------------------------------------

function batch:event(event)
  if event.event == "declared" then
    self.answered = self.answered + 1
    local member = self.members[self.answered]
    if member then member:event(event) end
  elseif event.event == "error" then
    self.problem = self.problem or event
  elseif event.event == "done" then
    self.done = true
  elseif event.event == "log" then
    self.members[1]:event(event) -- of the system, not of a client
  end
end

-- What ended the engine early is the fault of the client that it was at; the ones behind it were
-- not looked at.
function batch:finish(problem)
  self.done = true
  for i, member in ipairs(self.members) do
    if i <= self.answered then
      member:event { event = "done", ok = true }
      member:finish()
    elseif i == self.answered + 1 then
      if self.problem then member:event(self.problem) end
      member:event { event = "done", ok = false }
      member:finish(not self.problem and problem or nil)
    else
      member.unanswered = true
    end
  end
end

-- ---- making them --------------------------------------------------------------------------------

local function new(space, pipeline)
  local s = spec.new { op = "check", config = space.config, pipeline = pipeline }
  s.pipeline.kind = "pipeline"
  s.max_dead, s.clients = nil, doc.list {}
  return setmetatable({
    spec = s, members = {}, errors = {}, done = false, answered = 0, bytes = 0,
  }, batch)
end

-- Batches that evaluate a pipeline for these clients, and a job for each client, in their order.
function batch.of(space, pipeline, clients)
  local batches, jobs, last = {}, {}, nil
  for i, client in ipairs(clients) do
    local own = spec.add_client({}, space.config, client)
    local bytes = #doc.to_json(own)
    if not last or #last.members >= CLIENTS_MAX or last.bytes + bytes > BYTES_MAX then
      last = new(space, pipeline)
      batches[#batches + 1] = last
    end
    last.bytes = last.bytes + bytes
    table.insert(last.spec.clients, own)
    jobs[i] = job.new {
      spec = { run_id = last.spec.run_id, pipeline = last.spec.pipeline }, title = client.id,
      client = client, places = space.places, may_skip = true,
    }
    table.insert(last.members, jobs[i])
  end
  return batches, jobs
end

return batch
