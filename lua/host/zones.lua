-- Is there such a time zone? Asked of the system's tz database; without one, nothing is said.

local files = require "host.files"
local nearest = require "host.nearest"

local zones = {}

local folder = "/usr/share/zoneinfo"

local function names_in(area)
  local path = area == "" and folder or folder .. "/" .. area
  local names = {}
  for _, name in ipairs(files.list(path) or {}) do
    if name:match "^%u" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function suggestion(name)
  local area, city = name:match "^([^/]+)/(.+)$"
  if not area then return nearest.of(name, names_in "") end
  local near_area = nearest.of(area, names_in "")
  if not near_area then return nil end
  local near_city = nearest.of(city, names_in(near_area))
  return near_city and near_area .. "/" .. near_city or nil
end

-- true; or false and the nearest name; or nil where the system has no tz database.
function zones.look_up(name)
  if name == "UTC" then return true end
  if not files.stat(folder) then return nil end
  if name:match "^[%w_+-]+[%w_+/-]*$" then
    local found = files.stat(folder .. "/" .. name)
    if found and found.type == "file" then return true end
  end
  return false, suggestion(name)
end

return zones
