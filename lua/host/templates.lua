-- config/templates/*.yaml: what several clients share. A client or a template names the one that it
-- builds on with `extends: NAME`.

local nearest = require "host.nearest"
local schema = require "host.schema"
local settings = require "host.settings"
local tree = require "host.tree"

local templates = {}
templates.__index = templates

-- read(file) gives node | nil, and a list of problems with the file as a whole.
function templates.new(project, read)
  local self = setmetatable({
    files = {}, names = {}, loaded = {}, merged = {}, read = read, folder = project.template_folder,
  }, templates)
  for _, file in ipairs(project:list(project.template_folder, ".yaml")) do
    local name = file:match "([^/]+)%.yaml$"
    self.files[name] = file
    self.names[#self.names + 1] = name
  end
  return self
end

-- { node, file, problems } of one template, by itself.
local function load(self, name)
  local one = self.loaded[name]
  if one then return one end
  local file = self.files[name]
  local node, list = self.read(file)
  one = { file = file, problems = list }
  if node then
    one.node = tree.stamp(node, file)
    local found = schema.problems(file)
    schema.check(node, settings.template, found)
    table.move(found.list, 1, #found.list, #list + 1, list)
  end
  self.loaded[name] = one
  return one
end

local function unknown(self, at, name, found)
  local near = nearest.of(name, self.names)
  found:add(at, ("there is no template \"%s\""):format(name), {
    expected = #self.names > 0 and "one of " .. table.concat(self.names, ", ")
      or ("a file %s/%s.yaml"):format(self.folder, name),
    hint = near and ("did you mean \"%s\"?"):format(near) or nil,
  })
end

-- What a template gives to whoever extends it: what it extends included, without the words that are
-- about the file itself.
local function whole(self, name, at, found, trail)
  for _, passed in ipairs(trail) do
    if passed == name then
      trail[#trail + 1] = name
      found:add(at, "templates extend each other in a circle: " .. table.concat(trail, " -> "), {
        hint = "one of them has to go without `extends`",
      })
      return nil
    end
  end
  if not self.files[name] then return unknown(self, at, name, found) end
  local one = load(self, name)
  if not one.node then
    -- What is wrong with the template is wrong with all that builds on it.
    table.move(one.problems, 1, #one.problems, #found.list + 1, found.list)
    return nil
  end
  local node = tree.pick(one.node, function(key) return not settings.template_own[key] end)
  local parent = tree.get(one.node, "extends")
  local files = { one.file }
  if parent and parent.kind == "string" then
    trail[#trail + 1] = name
    local base, more = whole(self, parent.value, parent, found, trail)
    if not base then return nil end
    node = tree.merge(base, node, settings.client)
    table.move(more, 1, #more, 2, files)
  end
  return node, files
end

-- The node that `extends: NAME` at the node `at` stands for, and the files it comes from, nearest
-- first; nil when there is none, which is told to `found`.
function templates:of(name, at, found)
  local known = self.merged[name]
  if known then return known.node, known.files end
  local node, files = whole(self, name, at, found, {})
  if node then self.merged[name] = { node = node, files = files } end
  return node, files
end

-- What is wrong with the templates themselves, whether a client extends them or not.
function templates:problems()
  local list = {}
  for _, name in ipairs(self.names) do
    local one = load(self, name)
    table.move(one.problems, 1, #one.problems, #list + 1, list)
    local parent = tree.get(one.node, "extends")
    if parent and parent.kind == "string" then
      local found = schema.problems(one.file)
      whole(self, parent.value, parent, found, { name })
      table.move(found.list, 1, #found.list, #list + 1, list)
    end
  end
  return list
end

return templates
