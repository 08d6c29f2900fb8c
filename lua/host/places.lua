-- Where in which text: "config/clients/713.yaml:4:7" as a file, a line and a column, and the line
-- itself. Texts that were read are kept here under the name that people are shown.

local files = require "host.files"
local embedded = require "host.embedded"

local places = {}
places.__index = places

-- root: where names that were not registered are looked for; may be nil.
function places.new(root)
  return setmetatable({ root = root, texts = {} }, places)
end

function places:add(name, content)
  self.texts[name] = content
end

-- "name:4:7" -> name, 4, 7; line and column may be absent.
function places.split(place)
  local name, line, column = place:match "^(.*):(%d+):(%d+)$"
  if not name then
    name, line = place:match "^(.*):(%d+)$"
  end
  return name or place, math.tointeger(tonumber(line)), math.tointeger(tonumber(column))
end

local function is_text_name(name)
  return name:match "%.lua$" or name:match "%.ya?ml$"
end

function places:find(name)
  if self.texts[name] then return self.texts[name] end
  -- Input data may be huge, compressed or secret; only what people wrote for us is quoted.
  if not is_text_name(name) then return nil end
  local path = name
  if self.root and name:sub(1, 1) ~= "/" then path = self.root .. "/" .. name end
  local content = files.read(path, 1024 * 1024) or embedded.read(name)
  self.texts[name] = content
  return content
end

-- The text of line number `line` of a file, or nil.
function places:line(name, line)
  local content = self:find(name)
  if not content or not line then return nil end
  local at = 1
  for _ = 2, line do
    local newline = content:find("\n", at, true)
    if not newline then return nil end
    at = newline + 1
  end
  return (content:match("^[^\r\n]*", at))
end

return places
