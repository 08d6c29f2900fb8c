-- What the specs of the host's own Lua share: folders that go away, a terminal that remembers, and
-- an engine that says what it is told to say.

local files = require "host.files"
local terminal = require "host.terminal"

local support = {}

local function quoted(path)
  return "'" .. path:gsub("'", "'\\''") .. "'"
end

-- A new folder with these files: { ["config/etlhost.yaml"] = text }. remove() ends it.
function support.folder(content)
  local pipe = assert(io.popen "mktemp -d")
  local path = pipe:read "l"
  pipe:close()
  path = assert(files.real_path(path))
  for name, text in pairs(content or {}) do
    assert(files.make_folder((path .. "/" .. name):match "^(.*)/"))
    -- Not files.write, which waits for the disk.
    local file <close> = assert(io.open(path .. "/" .. name, "wb"))
    assert(file:write(text))
  end
  return path, function() os.execute("rm -rf " .. quoted(path)) end
end

-- A terminal whose text can be read back.
function support.terminal(options)
  local parts = {}
  local stream = {}
  function stream:write(...) -- luacheck: ignore self
    for _, s in ipairs { ... } do parts[#parts + 1] = s end
    return self
  end
  function stream.flush() end
  local t = terminal.new {
    stream = stream,
    is_terminal = options and options.is_terminal,
    width = options and options.width,
  }
  return t, function() return table.concat(parts) end
end

-- The command of an engine that says these lines and then runs `ending` (shell; may be absent).
function support.engine(lines, ending)
  local script = {}
  for _, line in ipairs(lines) do
    script[#script + 1] = "printf '%s\\n' " .. quoted(line) .. " >&4"
  end
  script[#script + 1] = ending
  return { path = "/bin/sh", args = { "sh", "-c", table.concat(script, "\n") } }
end

return support
