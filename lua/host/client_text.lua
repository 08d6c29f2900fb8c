-- The file of a new client, as `client add` writes it: every word with what it is for.

local text = require "host.text"
local yaml = require "host.yaml"
local yaml_text = require "host.yaml_text"

local client_text = {}

local COMMENT_AT, COMMENT_WIDTH = 30, 90

local takes_many = {
  list = true, map = true, any = true, resources = true, ["string or list"] = true,
}

-- A setting's word on the command line as YAML: texts as they are, lists and maps in the flow
-- style. declared: the source's field; may be nil.
function client_text.value(word, declared)
  local kind = declared and declared.type or "string"
  if word:match "^%s*[%[{\"']" then
    local node = yaml.parse("value: " .. word .. "\n", "")
    return node and word or nil
  end
  if kind == "integer" or kind == "number" or kind == "boolean" then
    return word:match "^[%w.+-]+$" and word or yaml_text.scalar(word)
  end
  -- Where many things are meant, a word is one of them.
  if takes_many[kind] then
    local list = {}
    for one in word:gmatch "[^,]+" do list[#list + 1] = yaml_text.flow(one:match "^%s*(.-)%s*$") end
    return "[" .. table.concat(list, ", ") .. "]"
  end
  return yaml_text.flow(word)
end

-- The variable that a secret of a new client is expected in.
function client_text.variable(id, instance, key)
  return ((id .. "_" .. instance .. "_" .. key):upper():gsub("[^%w]", "_"):gsub("^%d", "C_%0"))
end

local function line(list, indent, words, comment)
  words = indent .. words
  if comment and comment ~= "" then
    words = words .. (" "):rep(math.max(2, COMMENT_AT - utf8.len(words))) .. "# " .. comment
  end
  list[#list + 1] = words
end

local function add_source(list, source)
  line(list, "  ", yaml_text.key(source.instance) .. ":",
    "an instance: stands in every row as _source")
  if source.use then line(list, "    ", "use: " .. source.use, source.help) end
  for _, one in ipairs(source.settings) do
    line(list, "    ", yaml_text.key(one.key) .. ": " .. one.value, one.help)
  end
  if #source.others > 0 then
    local words = "it also understands " .. table.concat(source.others, ", ")
    line(list, "    ", "# " .. text.wrap(words, COMMENT_WIDTH, "    #   "))
  end
end

-- plan: id, name, template, timezone, destination, sources: a list of { instance, use, help,
-- settings: a list of { key, value (YAML), help }, others: names of settings }.
function client_text.file(plan)
  local list = {}
  if plan.has_schema then
    line(list, "", "# yaml-language-server: $schema=../schema/client.json")
  end
  line(list, "", "# A client: whose rows, and where they come from. What holds for it in the end:")
  line(list, "", "# etlhost config show --origin --client " .. plan.id)
  line(list, "", "version: 1")
  line(list, "", "id: " .. yaml_text.scalar(plan.id), "stands in every row; never changes")
  line(list, "", "name: " .. yaml_text.flow(plan.name), "for people")
  if plan.template then
    line(list, "", "extends: " .. yaml_text.scalar(plan.template), "what it shares with others")
  end
  if plan.timezone then line(list, "", "timezone: " .. plan.timezone, "of times without a zone") end
  line(list, "", "enabled: true", "false pauses it")
  line(list, "", "# start: 2026-01-01", "leaves out what is older")
  if plan.destination then
    local is_url = plan.destination:match "^%a+:"
    line(list, "", ("destination: { %s: %s }"):format(is_url and "url" or "connection",
      yaml_text.flow(plan.destination)), "where its rows go")
  end
  if #plan.sources == 0 then
    if not plan.template then line(list, "", "sources: {}") end
  else
    line(list, "", "sources:")
    for _, source in ipairs(plan.sources) do add_source(list, source) end
  end
  return table.concat(list, "\n") .. "\n"
end

return client_text
