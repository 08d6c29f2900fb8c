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

-- A new folder, readable for everyone: servers run as another user. One that is kept is somebody
-- else's to remove.
function files.temp(keep)
  local command = "d=$(mktemp -d /tmp/etlhost-test.XXXXXX) && chmod 755 $d && echo $d"
  local pipe = assert(io.popen(command))
  local path = assert(pipe:read "l")
  pipe:close()
  if not keep then temps[#temps + 1] = path end
  return path
end

function files.remove(path) os.execute("rm -rf '" .. path .. "'") end

return files
