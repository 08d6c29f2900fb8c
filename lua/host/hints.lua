-- The commands that are suggested when a run has ended.

local files = require "host.files"

local hints = {}

-- A path as it is shortest from the current folder.
function hints.short_path(path)
  local here = files.current_folder()
  if here and path:sub(1, #here + 1) == here .. "/" then return path:sub(#here + 2) end
  return path
end

-- What an input is called: its path, or the standard input.
function hints.file_name(name)
  return name == "-" and "standard input" or name or "?"
end

-- The file of an SQLite destination as its engine names it; nil for another kind.
function hints.sqlite_path(where)
  local path = where and where:match "^SQLite file (.+)$"
  return path and hints.short_path(path)
end

function hints.shell_word(s)
  if s:match "^[%w_./-]+$" then return s end
  return "'" .. s:gsub("'", "'\\''") .. "'"
end

local function quoted_name(name)
  return name:match "^[%l_][%l%d_]*$" and name or '\\"' .. name .. '\\"'
end

-- An address without what may be a password. Up to the last @: people forget to encode one.
local function without_password(url)
  return (url:gsub("^(%a[%w+.-]*://[^:@/?]*):.*@", "%1:...@")
    :gsub("([?&]%a*password)=[^&]*", "%1=..."))
end

-- With psql, at an address that was given on the command line and holds no password.
local function look_with_psql(name, args, schema)
  local url = args and args.destination
  if not url or not url:match "^postgres" or without_password(url) ~= url then return nil end
  return {
    ('psql %s -c "select * from %s.%s limit 5"'):format(hints.shell_word(url), schema or "etl",
      quoted_name(name)),
    "look at the rows",
  }
end

-- { command, what for }: how to look at a table, or nil where we know of no short command. args:
-- those of the command line; schema: of the table, where there are schemas.
function hints.look_at(where, name, args, schema)
  local path = hints.sqlite_path(where)
  if not path then return look_with_psql(name, args, schema) end
  local quoted = quoted_name(name)
  return {
    ('sqlite3 -box %s "select * from %s limit 5"'):format(hints.shell_word(path), quoted),
    "look at the rows",
  }
end

-- " --destination URL" as it was given, without what may be a password.
function hints.destination(args)
  if not args.destination then return "" end
  return " --destination " .. hints.shell_word(without_password(args.destination))
end

return hints
