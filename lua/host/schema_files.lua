-- config/schema/*.json: the JSON Schemas of a project's YAML files, its own sources included.

local describing = require "host.describing"
local files = require "host.files"
local json_schema = require "host.json_schema"
local source_names = require "host.source_names"

local schema_files = {}

-- The text of a kind's schema. space: a workspace; nil for the sources that etlhost ships alone.
function schema_files.text(kind, space)
  local names = source_names.all(space and space.project)
  return json_schema.text(kind, describing.sources(names, space))
end

-- Writes every kind's: the names of the files, from the project's folder | nil, err
function schema_files.write(space)
  local described = describing.sources(source_names.all(space.project), space)
  local written = {}
  local ok, problem = files.make_folder(space.project:path(space.project.schema_folder))
  for _, kind in ipairs(ok and json_schema.kinds or {}) do
    local name = ("%s/%s.json"):format(space.project.schema_folder, kind)
    ok, problem = files.write(space.project:path(name), json_schema.text(kind, described))
    if not ok then return nil, problem end
    written[#written + 1] = name
  end
  if not ok then return nil, problem end
  return written
end

return schema_files
