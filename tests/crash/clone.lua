-- tests/crash/clone.lua: a database as it is, once more, so that a case begins where the one before
-- it did.
local files = require "tests.support.files"
local process = require "tests.support.process"

local clones = 0

-- The same tables under another name. pooled: through the pooler, which keeps connections, and a
-- database that has some cannot be copied: `to` must not be. The copy before is dropped.
return function(to, pooled)
  clones = clones + 1
  local copy = setmetatable({}, getmetatable(to))
  for key, value in pairs(to) do copy[key] = value end
  if to.kind == "sqlite" then
    copy.path = files.temp() .. "/data.db"
    process.must { "cp", to.path, copy.path }
    copy.url = "sqlite:" .. copy.path
  else
    copy.database = ("%s_%d"):format(to.database, clones)
    to.server:sql("postgres", ("create database %s template %s"):format(copy.database, to.database),
      clones > 1 and ("drop database if exists %s_%d with (force)"):format(to.database, clones - 1)
        or nil)
    copy.url = to.server:url(copy.database, pooled and to.server:pooler() or nil)
  end
  return copy
end
