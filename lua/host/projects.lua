-- config/projects.yaml: which of a client's projects (brands, shops, campaigns) a row belongs to.
-- The rules are checked here, and applied to rows in C.

local csv = require "host.csv"
local doc = require "host.doc"
local files = require "host.files"
local schema = require "host.schema"
local settings = require "host.settings"
local tree = require "host.tree"

local projects = {}

local FILE_MAX = 2 * 1024 * 1024

local function column_of(header, name, node, file, found)
  for i, one in ipairs(header) do
    if one == name then return i end
  end
  found:add(node, ("%s has no column \"%s\""):format(file, name),
    { expected = "one of " .. table.concat(header, ", ") })
end

-- The rows of a CSV file as a map from its key column to its project column.
local function read_lookup_file(self, node, said, found)
  local text, problem = files.read(self.project:path(said.file), FILE_MAX)
  if not text then
    found:add(tree.get(node, "file"), problem.message, { hint = problem.hint })
    return {}
  end
  self.places:add(said.file, text)
  table.insert(self.projects_files, said.file)
  local rows, line = csv.parse(text)
  if not rows then
    found:add(tree.get(node, "file"), ("%s:%d is no CSV: a quote is not closed"):format(said.file,
      line))
    return {}
  end
  local header = table.remove(rows, 1) or {}
  local key = column_of(header, said.key, tree.get(node, "key"), said.file, found)
  local project = column_of(header, said.project, tree.get(node, "project"), said.file, found)
  local map, keys = {}, {}
  for _, row in ipairs(key and project and rows or {}) do
    if row[key] and (row[project] or "") ~= "" then
      if not map[row[key]] then keys[#keys + 1] = row[key] end
      map[row[key]] = row[project]
    end
  end
  return doc.ordered(map, keys)
end

local function check_rule(self, node, rule, found)
  local ways = 0
  for _, word in ipairs { "project", "lookup", "lookup_file" } do
    ways = ways + (rule[word] ~= nil and 1 or 0)
  end
  if ways ~= 1 then
    found:add(node, ("this rule gives %s"):format(ways == 0 and "no project" or "several projects"),
      { expected = "one of project, lookup and lookup_file" })
  end
  local by_value = rule.pattern and "pattern" or rule.lookup and "lookup"
    or rule.lookup_file and "lookup_file"
  if by_value and not rule.field then
    found:add(node, ("%s without a field"):format(by_value),
      { hint = "field: the column whose values it is about" })
  end
  if rule.field and not by_value then
    found:add(tree.get(node, "field"), "a field, and nothing that its value has to be",
      { expected = "pattern, lookup or lookup_file" })
  end
  if rule.lookup_file and rule.lookup_file.file and rule.lookup_file.key
    and rule.lookup_file.project then
    rule.lookup = read_lookup_file(self, tree.get(node, "lookup_file"), rule.lookup_file, found)
  end
  rule.lookup_file = nil
end

-- The rules, checked; nil without the file. What is wrong stops everything: rows would go to the
-- wrong project.
function projects.read(self, read)
  local name = self.project.projects_file
  self.projects_files = {} -- that the rules are read from
  if not files.stat(self.project:path(name)) then return nil end
  self.projects_files[1] = name
  local found = schema.problems(name)
  local node
  node, found.list = read(name)
  local data = node and schema.check(tree.stamp(node, name), settings.projects, found) or {}
  local nodes = tree.get(node, "rules")
  for i, rule in ipairs(data.rules or {}) do
    if type(rule) == "table" then check_rule(self, nodes[i], rule, found) end
  end
  table.move(found.list, 1, #found.list, #self.problems + 1, self.problems)
  return data.rules or {}
end

-- Those for a client (nil: a load without one), as an engine gets them; nil without any.
function projects.of(config, client)
  local list = doc.list {}
  for _, rule in ipairs(config and config.projects or {}) do
    if not rule.client or (client and rule.client == client.id) then
      list[#list + 1] = {
        source = rule.source, resource = rule.resource, field = rule.field,
        pattern = rule.pattern, project = rule.project, lookup = rule.lookup,
      }
    end
  end
  return #list > 0 and list or nil
end

return projects
