-- tests/support/files.lua: files and folders of a test. Folders made by `temp` go when the
-- process that runs the tests ends.
local lfs = require "lfs"

local files = {}

function files.read(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local text = file:read "a"
  file:close()
  return text
end

function files.make_folder(path)
  local made = path:sub(1, 1) == "/" and "" or "."
  for part in path:gmatch "[^/]+" do
    made = made .. "/" .. part
    if lfs.attributes(made, "mode") ~= "directory" then assert(lfs.mkdir(made)) end
  end
  return path
end

-- Missing folders on the way are made.
function files.write(path, text)
  files.make_folder(path:match "^(.*)/[^/]*$")
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
  return path
end

function files.exists(path) return lfs.attributes(path, "mode") ~= nil end

function files.lines(text)
  local result = {}
  for line in (text or ""):gmatch "[^\n]+" do result[#result + 1] = line end
  return result
end

local temps = setmetatable({}, {
  __gc = function(list)
    for _, path in ipairs(list) do os.execute("rm -rf '" .. path .. "'") end
  end,
})

-- Where test folders are: in memory, where there is room and programs may be started there. A new
-- database is some three hundred files, which take a disk ten times as long.
local PLACE = [[
for place in /dev/shm /tmp; do
  room=$(df -k --output=avail $place 2>/dev/null | tail -n 1)
  folder=$(mktemp -d $place/etlhost-test.XXXXXX 2>/dev/null) || continue
  chmod 755 $folder
  printf '#!/bin/sh\n' >$folder/runs && chmod 755 $folder/runs
  if [ $place = /tmp ] || { [ "${room:-0}" -gt 4000000 ] && $folder/runs 2>/dev/null; }; then
    rm $folder/runs
    echo $folder
    break
  fi
  rm -r $folder
done]]

local base
local count = 0

-- A new folder, readable for everyone: servers run as another user. One that is kept is somebody
-- else's to remove.
function files.temp(keep)
  if keep or not base then
    local pipe = assert(io.popen(PLACE))
    local path = assert(pipe:read "l")
    pipe:close()
    if keep then return path end
    base = path
    temps[1] = path
    -- Also when this process is killed.
    os.execute(("setsid sh -c 'tail --pid=%d -f /dev/null; rm -rf %s' </dev/null >/dev/null 2>&1 &")
      :format(assert(io.open "/proc/self/stat"):read "n", path))
  end
  count = count + 1
  local path = base .. "/" .. count
  assert(lfs.mkdir(path))
  return path
end

function files.remove(path) os.execute("rm -rf '" .. path .. "'") end

return files
