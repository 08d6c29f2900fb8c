-- config/schema/*.json: the JSON Schemas of a project's YAML files, its own sources included.

local describing = require "host.describing"
local files = require "host.files"
local json_schema = require "host.json_schema"
local source_names = require "host.source_names"

local schema_files = {}

-- What all sources understand, and the names of those that cannot be evaluated | nil, err
-- space: a workspace; without a project in it only what etlhost ships.
function schema_files.sources(space)
  local names = source_names.all(space.project)
  local described, problem = describing.sources(names, space.project and space)
  if problem then return nil, problem end
  local left_out = {}
  for _, name in ipairs(names) do
    if not described[name] then left_out[#left_out + 1] = name end
  end
  return described, left_out
end

-- Writes every kind's schema: the names of the files, from the project's folder | nil, err
function schema_files.write(project, described)
  local written = {}
  local ok, problem = files.make_folder(project:path(project.schema_folder))
  if not ok then return nil, problem end
  for _, kind in ipairs(json_schema.kinds) do
    local name = ("%s/%s.json"):format(project.schema_folder, kind)
    ok, problem = files.write(project:path(name), json_schema.text(kind, described))
    if not ok then return nil, problem end
    written[#written + 1] = name
  end
  return written
end

return schema_files
