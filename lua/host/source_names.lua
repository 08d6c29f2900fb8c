-- Which sources there are: those that etlhost ships, and a project's own.

local embedded = require "host.embedded"
local files = require "host.files"

local source_names = {}

-- The names of the sources that the executable carries, sorted.
function source_names.shipped()
  local names = {}
  for _, path in ipairs(embedded.list "sources/") do
    names[#names + 1] = path:match "^sources/([%w_]+)%.lua$"
      or path:match "^sources/([%w_]+)/init%.lua$"
  end
  table.sort(names)
  return names
end

-- Folders and files below a project's sources/: { name, path of the file that is required }.
function source_names.of_project(project)
  local list = {}
  for _, name in ipairs(files.list(project:path "sources") or {}) do
    local stem = name:match "^([a-z0-9_]+)%.lua$"
    local path = stem and "sources/" .. name or "sources/" .. name .. "/init.lua"
    if files.stat(project:path(path)) then
      list[#list + 1] = { name = stem or name, path = path }
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

-- The names of all, sorted; without a project those that are shipped.
function source_names.all(project)
  local names, seen = source_names.shipped(), {}
  for _, name in ipairs(names) do seen[name] = true end
  for _, source in ipairs(project and source_names.of_project(project) or {}) do
    if not seen[source.name] then names[#names + 1] = source.name end
  end
  table.sort(names)
  return names
end

return source_names
