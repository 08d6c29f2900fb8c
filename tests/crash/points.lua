-- tests/crash/points.lua: every fault point of the program, and how to reach it. The points are
-- where state changes hands; a build with VARIANT=faults acts at one when told by the environment:
--
--   ETLHOST_FAULT       name[:n][=kill|stop|kill-parent]   (host/base/fault.h)
--   ETLHOST_FAULT_ROLE  supervisor | engine (default) | jail: which process is told
--
-- A case that never reaches its point is a failure: a renamed point must not pass by doing nothing.
return {
  -- Kill -9 of the engine, the first time it comes by and later, with work behind it.
  { "file.opened", times = { 1, 2 } },
  { "batch.parsed", times = { 1, 3 } },
  { "jail.started", times = { 1 } },
  { "begin", times = { 1, 5 } },
  { "schema.create", times = { 1 } },
  { "schema.add", times = { 1, 2 } },
  { "schema.type", times = { 1 } },
  { "copy.start", times = { 1, 4 } },
  { "copy.middle", times = { 1, 4 } },
  { "copy.end", times = { 1, 4 } },
  { "dead.insert", times = { 1, 2 } },
  { "unit.insert", times = { 1, 6 } },
  { "commit.sent", times = { 1, 7 } },
  { "commit.answered", times = { 1, 7 } },
  { "finish", times = { 1 } },
  { "finish.done", times = { 1 } },
}
