-- What `client add` asks the person at the terminal.

local ask = require "host.ask"
local nearest = require "host.nearest"
local tree = require "host.tree"
local zones = require "host.zones"

local questions = {}

-- nil when the word is one of the names, else what to say.
function questions.one_of(word, names, what)
  for _, name in ipairs(names) do
    if name == word then return nil end
  end
  local near = nearest.of(word, names)
  return ("there is no %s \"%s\"%s"):format(what, word,
    near and ("; did you mean \"%s\"?"):format(near) or "; there is " .. table.concat(names, ", "))
end

function questions.find(list, instance)
  for _, source in ipairs(list) do
    if source.instance == instance then return source end
  end
end

local function zone_problem(word)
  local known, near = zones.look_up(word)
  if known ~= false then return nil end
  return "there is no such time zone" .. (near and ("; did you mean %s?"):format(near) or "")
end

local function ask_identity(ctx, space, plan)
  local problem
  if not plan.id then
    plan.id, problem = ask.line(ctx, "id", {
      help = "stands in every row as _client_id, and never changes", required = true,
      check = function(word)
        if not word:match "^[%w_-][%w_.-]*$" then return "letters, digits, _ . -" end
        local same = space.config.by_id[word]
        return same and "it is taken by " .. same.file
      end,
    })
    if not plan.id then return nil, problem end
  end
  if not plan.name then
    plan.name, problem = ask.line(ctx, "name", { default = plan.id })
    if problem then return nil, problem end
  end
  local names = space.config.templates.names
  if not plan.template and #names > 0 then
    plan.template, problem = ask.line(ctx, "template", {
      help = table.concat(names, ", ") .. "; empty for none",
      check = function(word) return questions.one_of(word, names, "template") end,
    })
    if problem then return nil, problem end
  end
  return true
end

local function ask_place(ctx, space, plan)
  local problem
  if not plan.timezone and not plan.template then
    plan.timezone, problem = ask.line(ctx, "timezone", {
      default = space.config.defaults.timezone or "UTC", check = zone_problem,
    })
    if problem then return nil, problem end
  end
  local names = nearest.keys(space.config.connections)
  if not plan.destination and not plan.template and #names > 1 then
    plan.destination, problem = ask.line(ctx, "destination", {
      help = table.concat(names, ", ") .. "; empty for the project's",
      check = function(word) return questions.one_of(word, names, "connection") end,
    })
    if problem then return nil, problem end
  end
  return true
end

local function ask_sources(ctx, plan, names)
  while true do
    local use, problem = ask.line(ctx, #plan.sources == 0 and "source" or "another source", {
      help = table.concat(names, ", ") .. "; empty for none",
      check = function(word) return questions.one_of(word, names, "source") end,
    })
    if problem then return nil, problem end
    if not use then return true end
    local instance
    instance, problem = ask.line(ctx, "call it", {
      default = use,
      check = function(word)
        if not word:match "^[%w_-]+$" then return "letters, digits, _ -" end
        return questions.find(plan.sources, word) and "that is there already"
      end,
    })
    if not instance then return nil, problem end
    plan.sources[#plan.sources + 1] = { instance = instance, use = use, given = {} }
  end
end

-- What its source wants to know and neither a flag nor the template says; declared: its fields.
function questions.settings(ctx, source, declared, in_template)
  local names = nearest.keys(declared)
  table.sort(names, function(a, b) -- what must be said comes first
    if declared[a].optional ~= declared[b].optional then return not declared[a].optional end
    return a < b
  end)
  for _, key in ipairs(names) do
    local field = declared[key]
    local is_given = tree.get(in_template, key) ~= nil
    for _, one in ipairs(source.given) do is_given = is_given or one.key == key end
    local is_asked = field.type ~= "secret" and field.default == nil
      and (field.ask or not field.optional)
    if not is_given and is_asked then
      local word, problem = ask.line(ctx, source.instance .. "." .. key, {
        help = field.help, required = not field.optional,
      })
      if problem then return nil, problem end
      if word then source.given[#source.given + 1] = { key = key, word = word } end
    end
  end
  return true
end

-- Fills in what the plan of a client (host.client_new) does not say yet; names: of all sources.
function questions.plan(ctx, space, plan, names)
  local ok, problem = ask_identity(ctx, space, plan)
  if ok then ok, problem = ask_place(ctx, space, plan) end
  if ok and #plan.sources == 0 and not plan.template then
    ok, problem = ask_sources(ctx, plan, names)
  end
  return ok, problem
end

return questions
