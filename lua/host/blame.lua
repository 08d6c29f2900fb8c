-- Where a problem is that a script's evaluation found: the word that it is about, in the client's
-- file, in the pipeline, or in the source's own Lua.

local places = require "host.places"

local blame = {}

local function pattern_of(word)
  return "%f[%w_]" .. word:gsub("%p", "%%%0") .. "%f[^%w_]"
end

-- Where `word` stands in Lua text from line `first` on, outside comments: line, column or nil.
local function find_word(content, word, first)
  local pattern, number = pattern_of(word), 0
  for line in (content .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local at = number >= first and line:gsub("%-%-.*$", ""):find(pattern)
    if at then return number, at end
  end
end

-- The words that a message is about, the best first: what it quotes, the option before its verdict
-- ("key must be a name", "extract is missing"), and the resource.
local function words_of(message)
  local list = {}
  local resource, rest = message:match ", resource ([^:]+): (.*)$"
  for word in (rest or message):gmatch '"([^"]+)"' do list[#list + 1] = word end
  local option = (rest or message):match "([%w_]+) must be" or (rest or ""):match "^([%w_]+)"
  if option then list[#list + 1] = option end
  return list, resource
end

-- Where one of the words stands as a key or a value below a node of the client's file.
local function in_yaml(node, words)
  for _, word in ipairs(words) do
    local function look(at)
      for _, item in ipairs(at) do
        if item.key == word then return item end
        local child = item.node or item
        if child.kind == "string" and child.value == word then return child end
        local found = child.kind ~= "string" and look(child)
        if found then return found end
      end
    end
    local found = type(node) == "table" and node.kind ~= "string" and look(node)
    if found then return found end
  end
end

-- In the Lua of the source: the word behind the resource's name, or the name, or the line that the
-- problem itself names.
local function in_source(problem, words, resource, known)
  local name, line = places.split(problem.place)
  local content = known and known:find(name)
  if not content then return problem.place end
  local first = line or 1
  local row, column
  if resource then row, column = find_word(content, resource, first) end
  for _, word in ipairs(words) do
    local r, c = find_word(content, word, row or first)
    if r then return ("%s:%d:%d"):format(name, r, c) end
  end
  return row and ("%s:%d:%d"):format(name, row, column) or problem.place
end

local function entry_of(client, message)
  local instance = message:match "^source ([%w_-]+)"
  for _, source in ipairs(client and client.sources or {}) do
    if source.instance == instance then return source end
  end
end

-- problem: { message, place } of a DECLARED; made: the job whose client and script it is about.
function blame.place(problem, made)
  local message = problem.message or ""
  local script, entry = made.spec and made.spec.pipeline, entry_of(made.client, message)
  local words, resource = words_of(message)
  local in_script = not problem.place
    or (script and problem.place:sub(1, #script.path + 1) == script.path .. ":")
  if entry and words[1] and words[1]:match "^sources%." then
    return entry.places.use or entry.place
  end
  if entry and (not problem.place or resource and not in_script) then
    -- Options of a resource may come from the client's file, through the source.
    local found = in_yaml(entry.node, words)
    if found then
      return ("%s:%d:%d"):format(found.file or made.client.file, found.line, found.column)
    end
  end
  local is_declared = resource or message:match ": unknown option" or message:match ": config: "
  if is_declared and not in_script then return in_source(problem, words, resource, made.places) end
  if script and in_script and words[1] then
    local row, column = find_word(script.text, words[1], 1)
    if row then return ("%s:%d:%d"):format(script.path, row, column) end
  end
  return problem.place or (entry and entry.place) or (script and script.path)
end

return blame
