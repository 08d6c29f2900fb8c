-- From what is asked for to the text of a new client's file, checked as if it were there.

local client_file = require "host.client_file"
local client_text = require "host.client_text"
local describing = require "host.describing"
local err = require "host.err"
local files = require "host.files"
local job = require "host.job"
local nearest = require "host.nearest"
local questions = require "host.client_questions"
local schema = require "host.schema"
local source_names = require "host.source_names"
local spec = require "host.spec"
local supervisor = require "host.supervisor"
local tree = require "host.tree"
local yaml = require "host.yaml"

local client_new = {}

local any_client = { path = "sync.lua", text = 'return require "etl.pipeline" {}\n' }

local function usage(message, hint, expected)
  return nil, err.new {
    class = "config", is_usage = true, message = message, hint = hint, expected = expected,
  }
end

-- ---- what is asked for --------------------------------------------------------------------------

-- "orders=s3_exports" or "s3_exports" -> { instance, use }
local function read_source_words(words, names)
  local list = {}
  for _, word in ipairs(words or {}) do
    local instance, use = word:match "^([%w_-]+)=([%w_.-]+)$"
    if not instance then instance, use = word, word end
    local problem = questions.one_of(use, names, "source")
    if problem then return usage(problem) end
    list[#list + 1] = { instance = instance, use = use, given = {} }
  end
  return list
end

-- The words of --set, into the sources that they are for; template: the node of its `sources`.
local function read_settings(words, list, template)
  for _, word in ipairs(words or {}) do
    local instance, key, value = word:match "^([%w_-]+)%.([%w_-]+)=(.*)$"
    if not instance then
      return usage(("--set takes SOURCE.SETTING=VALUE, not \"%s\""):format(word))
    end
    local source = questions.find(list, instance)
    if not source then
      local node = tree.get(template, instance)
      if not node then
        local names = {}
        for i, one in ipairs(list) do names[i] = one.instance end
        for _, entry in ipairs(template or {}) do names[#names + 1] = entry.key end
        local near = nearest.of(instance, names)
        return usage(("--set %s: there is no source \"%s\""):format(word, instance),
          near and ("did you mean %s.%s?"):format(near, key) or "--source names one")
      end
      local use = tree.get(node, "use")
      source = { instance = instance, of_template = use and use.value or instance, given = {} }
      list[#list + 1] = source
    end
    source.given[#source.given + 1] = { key = key, word = value }
  end
  return list
end

-- ---- the settings as YAML -----------------------------------------------------------------------

local function is_reference(value)
  local node = yaml.parse("value: " .. value .. "\n", "")
  return node ~= nil and schema.secret_reference(tree.get(node, "value")) ~= nil
end

local function add_setting(plan, source, one, field)
  local value
  if field and field.type == "secret" then
    value = one.word
    if not is_reference(value) then
      return usage(("%s.%s is a secret, and is never written into a file"):format(source.instance,
        one.key), ("--set '%s.%s={ env: %s }', and the value into the environment or .env"):format(
        source.instance, one.key, client_text.variable(plan.id, source.instance, one.key)))
    end
  else
    value = client_text.value(one.word, field)
    if not value then
      return usage(("--set %s.%s: this is no YAML: %s"):format(source.instance, one.key, one.word))
    end
  end
  table.insert(source.settings, { key = one.key, value = value, help = field and field.help })
  return true
end

local function settle(plan, source, described, in_template)
  local declared = described and described.config or {}
  source.help = described and described.help
  source.settings, source.others = {}, {}
  for _, one in ipairs(source.given) do
    local ok, problem = add_setting(plan, source, one, declared[one.key])
    if not ok then return nil, problem end
  end
  for _, key in ipairs(nearest.keys(declared)) do
    local field, is_given = declared[key], tree.get(in_template, key) ~= nil
    for _, one in ipairs(source.settings) do is_given = is_given or one.key == key end
    if not is_given and field.type == "secret" and not field.optional then
      local name = client_text.variable(plan.id, source.instance, key)
      table.insert(source.settings, { key = key, value = "{ env: " .. name .. " }",
        help = field.help or "a line of .env" })
      table.insert(plan.notes, ("put a line %s=... into .env, or set it in the environment"):format(
        name))
    elseif not is_given and source.use then
      table.insert(source.others, key)
    end
  end
  return true
end

-- ---- the whole ----------------------------------------------------------------------------------

-- As if the file were there: nil, err when `check` would refuse it.
local function verify(space, plan)
  local config = space.config
  space.places:add(plan.file, plan.text)
  local client = client_file.read(config, plan.file, function(name)
    local node, problem = yaml.parse(plan.text, name)
    return node, { problem }
  end)
  local problem = client.problems[1]
  if not problem then
    local s = spec.new { op = "check", config = config, client = client, pipeline = any_client }
    local made = job.new { spec = s, title = client.id, client = client, places = space.places }
    supervisor.run({ made }, {})
    problem = made.errors[1]
    local said = problem and problem.message or ""
    local instance, key = said:match "^source ([%w_-]+): (%S+) is missing"
    if instance then
      problem.hint = ("--set '%s.%s=VALUE', where [a, b] is a list and { a: b } a map")
        :format(instance, key)
    end
  end
  if problem then
    problem.trail = "making this file; nothing was written"
    return nil, problem
  end
  for _, source in ipairs(client.sources) do
    for _, folder in ipairs(source.missing) do table.insert(plan.notes, folder.message) end
    for _, secret in ipairs(source.secrets) do
      local missing = secret.reference.file and space.secrets:missing(secret.reference)
      if missing then
        table.insert(plan.notes, ("put %s of %s into the file %s"):format(secret.key,
          source.instance, secret.reference.file))
      end
    end
  end
  return true
end

local function template_sources(space, plan)
  if not plan.template then return nil end
  local found = schema.problems "--template"
  local at = { line = 1, column = 1 }
  local node = space.config.templates:of(plan.template, at, found)
  if node then return tree.get(node, "sources") end
  found.list[1].place = nil
  return nil, found.list[1]
end

-- The sources of the template that the client's file has to speak of, for questions.
local function add_template_sources(plan, template)
  for _, entry in ipairs(template or {}) do
    local use = tree.get(entry.node, "use")
    if not questions.find(plan.sources, entry.key) then
      table.insert(plan.sources, { instance = entry.key, given = {},
        of_template = use and use.value or entry.key })
    end
  end
end

-- Every source's settings as they are to be written. ctx: whom to ask; may be nil.
local function settle_sources(space, plan, template, ctx)
  local uses, kept = {}, {}
  for i, source in ipairs(plan.sources) do uses[i] = source.use or source.of_template end
  local described = describing.sources(uses, space)
  for i, source in ipairs(plan.sources) do
    local in_template, of = tree.get(template, source.instance), described[uses[i]]
    local ok, problem = true, nil
    if ctx and of then ok, problem = questions.settings(ctx, source, of.config, in_template) end
    if ok then ok, problem = settle(plan, source, of, in_template) end
    if not ok then return nil, problem end
    if source.use or #source.settings > 0 then kept[#kept + 1] = source end
  end
  plan.sources = kept
  return true
end

-- args: of `client add`; ctx: whom to ask, nil when nobody is there or all is said.
-- Gives { id, file, text, notes } | nil, err
function client_new.make(space, args, ctx)
  local names = source_names.all(space.project)
  local sources, problem = read_source_words(args.source, names)
  if not sources then return nil, problem end
  local plan = {
    id = args.id, name = args.name, template = args.template, timezone = args.timezone,
    destination = args.destination, sources = sources, notes = {},
  }
  if ctx then
    local said
    said, problem = questions.plan(ctx, space, plan, names)
    if not said then return nil, problem end
  end
  if not plan.id:match "^[%w_-][%w_.-]*$" then
    return usage(("\"%s\" is no id"):format(plan.id), nil, "letters, digits, _ . -")
  end
  plan.name = plan.name or plan.id
  plan.file = ("%s/%s.yaml"):format(space.project.client_folder, plan.id)
  if files.stat(space.project:path(plan.file)) then
    return usage(plan.file .. " is there already", "etlhost client show " .. plan.id)
  end
  local template
  template, problem = template_sources(space, plan)
  if problem then return nil, problem end
  sources, problem = read_settings(args.set, plan.sources, template)
  if not sources then return nil, problem end
  if ctx then add_template_sources(plan, template) end
  local ok
  ok, problem = settle_sources(space, plan, template, ctx)
  if not ok then return nil, problem end
  local schema_file = space.project.schema_folder .. "/client.json"
  plan.has_schema = files.stat(space.project:path(schema_file)) ~= nil
  plan.text = client_text.file(plan)
  ok, problem = verify(space, plan)
  if not ok then return nil, problem end
  return plan
end

return client_new
