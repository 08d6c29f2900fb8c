-- What is happening right now: on a terminal one line that is redrawn, with a bar where the total
-- is known; otherwise plain lines, at most one every few seconds.

local text = require "host.text"

local progress = {}
progress.__index = progress

local REDRAW_US = 100 * 1000
local PLAIN_US = 5 * 1000000
local BAR = 16

-- options: out (a terminal), now_us (a clock: a function).
function progress.new(options)
  local now = options.now_us()
  return setmetatable({
    out = options.out,
    now_us = options.now_us,
    began = {},
    running = {}, -- jobs; several with --parallel
    last = options.out.is_terminal and 0 or now, -- the first plain line after PLAIN_US
  }, progress)
end

function progress.bar(fraction, width)
  local eighths = math.floor(math.min(1, math.max(0, fraction)) * width * 8)
  local partial = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" }
  local bar = ("█"):rep(eighths // 8) .. partial[eighths % 8 + 1]
  return bar .. ("░"):rep(width - text.width(bar))
end

local function fraction_of(p)
  if not p.total_bytes or p.total_bytes <= 0 then return nil end
  return math.min(1, p.bytes / p.total_bytes)
end

-- The parts of a line about a job; the wide ones last, so that cutting loses the least.
local function describe(self, job, stream, now)
  local p = stream.progress or {}
  local began = self.began[stream] or now
  local seconds = (now - began) / 1000000
  local parts = {}
  if job.title and job.title ~= "" then parts[1] = job.title end
  parts[#parts + 1] = stream.resource
  local fraction = fraction_of(p)
  if fraction then
    if self.out.is_terminal then parts[#parts + 1] = progress.bar(fraction, BAR) end
    parts[#parts + 1] = ("%3d%%"):format(fraction * 100 // 1)
  end
  parts[#parts + 1] = text.plural(stream.rows_read, "row")
  if p.bytes then parts[#parts + 1] = text.bytes(p.bytes) end
  local rate = text.rate(stream.rows_read, seconds)
  if seconds > 0.5 and rate ~= "" then parts[#parts + 1] = rate .. " rows/s" end
  if (p.dead or 0) > 0 then parts[#parts + 1] = text.count(p.dead) .. " dead" end
  if p.file then parts[#parts + 1] = p.file end
  return table.concat(parts, "  ")
end

-- Several jobs at once in one line: who, how far.
local function describe_all(self)
  local parts = {}
  for i, job in ipairs(self.running) do
    local rows, stream = 0, job.current
    for _, s in ipairs(job.streams) do rows = rows + s.rows_read end
    local fraction = stream and stream.progress and fraction_of(stream.progress)
    parts[i] = ("%s%s %s%s"):format(job.title, stream and " " .. stream.resource or "",
      fraction and ("%d%% "):format(fraction * 100 // 1) or "", text.plural(rows, "row"))
  end
  return table.concat(parts, " | ")
end

function progress:add(job)
  self.running[#self.running + 1] = job
end

function progress:remove(job)
  for i = #self.running, 1, -1 do
    if self.running[i] == job then table.remove(self.running, i) end
  end
end

-- Why nothing happens yet, once for each time that the engine says so.
function progress:say_waiting(job)
  if not job.waiting or job.waiting == self.said then return end
  self.said = job.waiting
  self.out:clear()
  local title = job.title and job.title ~= "" and job.title .. "  " or ""
  self.out:print(text.safe(title .. job.waiting))
  self.out:flush()
end

-- Called after events and when nothing happened for a while.
function progress:update(job)
  self:say_waiting(job)
  local stream = job.current
  if not stream then return end
  local now = self.now_us()
  if not self.began[stream] then self.began[stream] = now end
  if now - self.last < (self.out.is_terminal and REDRAW_US or PLAIN_US) then return end
  self.last = now
  local line = #self.running > 1 and describe_all(self) or describe(self, job, stream, now)
  if self.out.is_terminal then
    self.out:redraw(text.cut(text.safe(line), self.out.width - 1))
  else
    self.out:print(text.safe(line))
    self.out:flush()
  end
end

function progress:finish()
  self.out:clear()
  self.out:flush()
end

return progress
