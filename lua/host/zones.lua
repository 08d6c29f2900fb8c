-- Is there such a time zone, and when does a day begin in it? Asked of the system's tz database;
-- without one, nothing is said.

local err = require "host.err"
local files = require "host.files"
local nearest = require "host.nearest"
local zone = require "host.zone"

local zones = {}

local FILE_MAX = 1024 * 1024
local DAY_US = 86400 * 1000000

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

local known = {} -- name -> what look_up said: a thousand clients live in few zones

local function look_up(name)
  if name == "UTC" then return true end
  if not files.stat(folder) then return nil end
  if name:match "^[%w_+-]+[%w_+/-]*$" then
    local found = files.stat(folder .. "/" .. name)
    if found and found.type == "file" then return true end
  end
  return false, suggestion(name)
end

-- true; or false and the nearest name; or nil where the system has no tz database.
function zones.look_up(name)
  known[name] = known[name] or { look_up(name) }
  return known[name][1], known[name][2]
end

-- Days since 1970-01-01 of a civil date. A year here begins in March, so that a leap day ends it.
local function days_of(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

-- When the day "2024-01-31" begins in a zone: microseconds since the epoch, UTC | nil, err
function zones.day_begin(name, date)
  local year, month, day = date:match "^(%d+)-(%d+)-(%d+)$"
  local local_us = days_of(tonumber(year), tonumber(month), tonumber(day)) * DAY_US
  if name == "UTC" then return local_us end
  local tzif, problem = files.read(folder .. "/" .. name, FILE_MAX)
  if not tzif then
    return nil, err.new {
      class = "config",
      message = ("the time zone %s cannot be read: %s"):format(name, problem.message),
      hint = "the package tzdata has the time zones",
    }
  end
  return zone.instant(tzif, local_us)
end

return zones
