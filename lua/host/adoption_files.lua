-- The files of a source whose rows dlt has loaded: those that are there now and were last written
-- until dlt looked last. dlt keeps a time, etlhost the content of each file.

local err = require "host.err"
local files = require "host.files"

local adoption_files = {}

-- "2024-03-05T10:00:00.123456+00:00", UTC, as microseconds; nil for anything else.
function adoption_files.time_us(text)
  local y, mo, d, h, mi, s, rest =
    text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)[T ](%d%d):(%d%d):(%d%d)(.*)$"
  if not y then return nil end
  local fraction, zone = rest:match "^%.?(%d*)(.*)$"
  if zone ~= "Z" and zone ~= "+00:00" then return nil end
  -- Days from civil (proleptic Gregorian), counted from 1 March.
  local year, month = math.tointeger(y), math.tointeger(mo)
  if month < 3 then year, month = year - 1, month + 12 end
  local days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5
    + math.tointeger(d) - 1 - 719468
  local seconds = ((days * 24 + math.tointeger(h)) * 60 + math.tointeger(mi)) * 60
    + math.tointeger(s)
  return seconds * 1000000 + math.tointeger((fraction .. "000000"):sub(1, 6))
end

-- The path of a resource of s3_exports in its folder: its prefix, or its name as a folder.
local function prefix_of(source, resource)
  local given = source.settings.prefixes
  for key, value in pairs(type(given) == "table" and given or {}) do
    local name = type(key) == "number" and (type(value) == "table" and value.name or value) or key
    if name == resource then
      return type(value) == "table" and value.prefix or resource .. "/"
    end
  end
end

local function walk(root, folder, visit)
  local names, problem = files.list(root .. "/" .. folder)
  if not names then return nil, problem end
  table.sort(names)
  for _, name in ipairs(names) do
    local path = folder .. name
    local found = files.stat(root .. "/" .. path)
    local ok = true
    if found and found.type == "folder" then
      ok, problem = walk(root, path .. "/", visit)
    elseif found and found.type == "file" then
      ok, problem = visit(path)
    end
    if not ok then return nil, problem end
  end
  return true
end

-- source: of a client's file. A list of { input, name, size, modified_us } | nil, err.
function adoption_files.written_until(source, resource, until_text)
  local until_us = adoption_files.time_us(until_text)
  if not until_us then
    return nil, err.new {
      class = "data", message = ("dlt's time of the latest file is \"%s\""):format(until_text),
    }
  end
  local root = source and source.use == "s3_exports" and source.roots[1]
  local prefix = root and root:match "^/" and prefix_of(source, resource)
  if not prefix then
    return nil, err.new {
      class = "config",
      message = "--files-from goes through the files of a resource of s3_exports in a file: folder",
      hint = "--as names the source and the resource as the client's file does",
    }
  end
  local list = {}
  local ok, problem = walk(root, prefix:match "^(.*/)" or "", function(path)
    if path:sub(1, #prefix) ~= prefix then return true end
    local input, size, modified_us = files.identify(root .. "/" .. path)
    if not input then return nil, size end
    if modified_us <= until_us then
      list[#list + 1] = { input = input, name = path, size = size, modified_us = modified_us }
    end
    return true
  end)
  if not ok then return nil, problem end
  return list
end

return adoption_files
