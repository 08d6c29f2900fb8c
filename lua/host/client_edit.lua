-- Changes of one word in a client's file: everything else in it, comments too, stays as it is.

local err = require "host.err"
local files = require "host.files"
local tree = require "host.tree"
local yaml = require "host.yaml"

local client_edit = {}

local FILE_MAX = 1024 * 1024

-- Where line `line` begins, and the byte of character `column` in it.
local function byte_of(content, line, column)
  local at = 1
  for _ = 2, line do at = content:find("\n", at, true) + 1 end
  local text = content:match("^[^\n]*", at)
  return at + (utf8.offset(text, column) or #text + 1) - 1
end

-- `enabled: <old>` as it stands -> with the new value.
local function replace(content, entry, value)
  local from = byte_of(content, entry.line, entry.column)
  local head, old = content:match("^([^:\n]*:[ \t]*)([^%s,}#]*)", from)
  if head:sub(-1) == ":" then head = head .. " " end
  return content:sub(1, from - 1) .. head .. value .. content:sub(from + #content:match(
    "^[^:\n]*:[ \t]*", from) + #old)
end

-- A line of its own, below the one of the name or the id.
local function insert(content, node, word)
  if content:sub(byte_of(content, node.line, node.column), -1):sub(1, 1) == "{" then
    local at = byte_of(content, node.line, node.column)
    return content:sub(1, at) .. " " .. word .. "," .. content:sub(at + 1)
  end
  local below
  for _, key in ipairs { "id", "name" } do
    local value = tree.get(node, key)
    if value then below = math.max(below or 0, value.line) end
  end
  local at = 1
  for _ = 1, below or node[1].line do
    local newline = content:find("\n", at, true)
    if not newline then
      content = content .. "\n"
      newline = #content
    end
    at = newline + 1
  end
  local ending = content:sub(at - 2, at - 2) == "\r" and "\r\n" or "\n"
  return content:sub(1, at - 1) .. word .. ending .. content:sub(at)
end

-- The text of a client's file with `enabled` set; name is for messages. nil, err when it cannot be
-- done by this.
function client_edit.set_enabled(content, name, is_enabled)
  local node, problem = yaml.parse(content, name)
  if not node then return nil, problem end
  local value = tostring(is_enabled)
  local entry = tree.entry(node, "enabled")
  local changed = entry and replace(content, entry, value)
    or insert(content, node, "enabled: " .. value)
  local after = yaml.parse(changed, name)
  local set = after and tree.get(after, "enabled")
  if not set or set.value ~= value then
    return nil, err.new {
      class = "config",
      message = ("%s is written in a way that this cannot change"):format(name),
      place = entry and ("%s:%d:%d"):format(name, entry.line, entry.column) or nil,
      hint = ("write `enabled: %s` into it"):format(value),
    }
  end
  return changed
end

-- Sets `enabled` in a client's file: true | nil, err
function client_edit.enable(project, client, is_enabled)
  local path, problem = files.real_path(project:path(client.file))
  local content
  if path then content, problem = files.read(path, FILE_MAX) end
  if not content then return nil, problem end
  local changed
  changed, problem = client_edit.set_enabled(content, client.file, is_enabled)
  if not changed then return nil, problem end
  return files.write(path, changed, files.stat(path).mode)
end

return client_edit
