-- Which folder is the project, and where in it things are.

local err = require "host.err"
local files = require "host.files"

local project = {}
project.__index = project

local function parent(path)
  local up = path:match "^(.+)/[^/]+$"
  return up or (path ~= "/" and "/" or nil)
end

local function settings_file(folder)
  for _, name in ipairs { "config/etlhost.yaml", "etlhost.yaml" } do
    local found = files.stat(folder .. "/" .. name)
    if found and found.type == "file" then return name end
  end
end

local function at(root, config)
  local folder = config:match "^(.*)/" or ""
  return setmetatable({
    root = root,
    config_file = config, -- as people are shown it: from the project's folder
    client_folder = (folder ~= "" and folder .. "/" or "") .. "clients",
    projects_file = (folder ~= "" and folder .. "/" or "") .. "projects.yaml",
    schema_folder = (folder ~= "" and folder .. "/" or "") .. "schema",
    template_folder = (folder ~= "" and folder .. "/" or "") .. "templates",
    catalog_folder = root .. "/.etlhost",
  }, project)
end

-- The nearest project at or above a folder, or nil.
function project.above(folder)
  while folder do
    local config = settings_file(folder)
    if config then return at(folder, config) end
    folder = parent(folder)
  end
end

-- options: folder (as given with --project), near (a file that may lie in one). nil, err when there
-- is none.
function project.find(options)
  if options.folder then
    local root, problem = files.real_path(options.folder)
    if not root then return nil, problem end
    local config = settings_file(root)
    if config then return at(root, config) end
    return nil, err.new {
      class = "config",
      message = ("there is no project in %s: neither etlhost.yaml nor config/etlhost.yaml is there")
        :format(options.folder),
      hint = "`etlhost init " .. options.folder .. "` makes one",
    }
  end
  local here, problem = files.current_folder()
  if not here then return nil, problem end
  local found = project.above(here)
  if not found and options.near then
    local path = files.real_path(options.near)
    found = path and project.above(parent(path))
  end
  if found then return found end
  return nil, err.new {
    class = "config",
    message = "there is no project here: no etlhost.yaml in this folder or above it",
    hint = "`etlhost init` makes one; --project DIR names one elsewhere",
  }
end

function project:path(name)
  return name:sub(1, 1) == "/" and name or self.root .. "/" .. name
end

-- A path inside the project as people are shown it.
function project:shown(path)
  local prefix = self.root .. "/"
  return path:sub(1, #prefix) == prefix and path:sub(#prefix + 1) or path
end

-- The files with this ending in a folder of the project, sorted: names from the project's root.
function project:list(folder, ending)
  local names = {}
  for _, name in ipairs(files.list(self:path(folder)) or {}) do
    if name:sub(-#ending) == ending and name:sub(1, 1) ~= "." then
      names[#names + 1] = folder .. "/" .. name
    end
  end
  table.sort(names)
  return names
end

return project
