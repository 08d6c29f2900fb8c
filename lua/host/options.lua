-- The command line as declared data: one place that parses it, refuses what it does not know with
-- the nearest name, and writes the help. A verb is a table:
--   name, summary, usage, about, examples, exits
--   options      list of { "name", value = "C", many = true, help = ..., one_of = {...} }
--   positionals  list of { "NAME", required = true, many = true, help = ... }
--   verbs        list of verbs below it, instead of `run`
--   foreign      words of other tools -> what to say, where host.words does not fit

local err = require "host.err"
local nearest = require "host.nearest"
local text = require "host.text"
local foreign_words = require "host.words"

local options = {}

-- What every verb takes.
options.common = {
  { "project", value = "DIR", help = "the project's folder (default: the nearest one above)" },
  { "help", help = "this text" },
}

local function usage_error(verb, message, hint)
  return nil, err.new {
    class = "config",
    message = message,
    hint = hint or ("`etlhost " .. verb.path .. " --help` shows how"),
    is_usage = true,
  }
end

local function known_options(verb)
  local known, names = {}, {}
  for _, list in ipairs { verb.options or {}, options.common } do
    for _, option in ipairs(list) do
      known[option[1]] = option
      names[#names + 1] = option[1]
    end
  end
  return known, names
end

local function unknown_option(verb, name, known, names)
  local ours = verb.foreign and verb.foreign[name]
    or foreign_words.answer("option", name, function(one) return known[one] ~= nil end)
  if ours then return usage_error(verb, "there is no option --" .. name, ours) end
  local near = nearest.of(name, names)
  return usage_error(verb, "there is no option --" .. name,
    near and ("did you mean --" .. near .. "?") or nil)
end

local function key_of(name)
  return (name:gsub("-", "_"))
end

local function check_choice(verb, option, value)
  if not option.one_of then return true end
  for _, choice in ipairs(option.one_of) do
    if choice == value then return true end
  end
  local near = nearest.of(value, option.one_of)
  return usage_error(verb,
    ("--%s is %s, not \"%s\""):format(option[1], table.concat(option.one_of, ", "), value),
    near and ("did you mean " .. near .. "?") or nil)
end

local function store(verb, args, option, value)
  local key = key_of(option[1])
  if not option.value then
    if value then return usage_error(verb, "--" .. option[1] .. " takes no value") end
    args[key] = true
    return true
  end
  if option.integer then
    local number = math.tointeger(tonumber(value))
    if not number or number < 0 then
      return usage_error(verb, ("--%s takes a number, not \"%s\""):format(option[1], value))
    end
    if number < (option.min or 0) or number > (option.max or number) then
      return usage_error(verb, ("--%s is from %d to %d"):format(option[1], option.min, option.max))
    end
    value = number
  end
  local ok, problem = check_choice(verb, option, value)
  if not ok then return nil, problem end
  if option.many then
    args[key] = args[key] or {}
    table.insert(args[key], value)
  elseif args[key] ~= nil then
    return usage_error(verb, "--" .. option[1] .. " is there twice")
  else
    args[key] = value
  end
  return true
end

local function place_positionals(verb, args, values)
  local at = 1
  for _, positional in ipairs(verb.positionals or {}) do
    local name = positional[1]
    local key = key_of(name:lower())
    if positional.many then
      args[key] = table.move(values, at, #values, 1, {})
      at = #values + 1
    else
      args[key] = values[at]
      at = at + 1
    end
    local missing = args[key] == nil or (positional.many and #args[key] == 0)
    if positional.required and missing then
      return usage_error(verb, name .. " is missing", "usage: etlhost " .. verb.usage)
    end
  end
  if values[at] then
    return usage_error(verb, ("\"%s\" is one argument too many"):format(values[at]),
      "usage: etlhost " .. verb.usage)
  end
  return args
end

-- The list of words after the verb -> a table of arguments | nil, err. With verb.raw the words are
-- handed on as they are.
function options.parse(verb, words)
  if verb.raw then return { words = words, help = words[1] == "--help" or nil } end
  local known, names = known_options(verb)
  local args, values, i = {}, {}, 1
  while words[i] do
    local word = words[i]
    local name, value = word:match "^%-%-([^=]+)=?(.*)$"
    if word == "--" then
      table.move(words, i + 1, #words, #values + 1, values)
      break
    elseif word == "-h" then
      args.help = true
    elseif name then
      local option = known[name]
      if not option then return unknown_option(verb, name, known, names) end
      if not word:find("=", 1, true) then value = nil end
      if option.value and not value then
        i = i + 1
        value = words[i]
        if not value then
          return usage_error(verb, ("--%s needs a value: --%s %s"):format(name, name, option.value))
        end
      end
      local ok, problem = store(verb, args, option, value)
      if not ok then return nil, problem end
    elseif word:sub(1, 1) == "-" and word ~= "-" then
      return unknown_option(verb, (word:gsub("^%-+", "")), known, names)
    else
      values[#values + 1] = word
    end
    i = i + 1
  end
  if args.help then return args end
  return place_positionals(verb, args, values)
end

-- ---- help --------------------------------------------------------------------------------------

local function entries(lines, list, width)
  local left = 0
  for _, entry in ipairs(list) do left = math.max(left, text.width(entry[1])) end
  left = math.min(left, 30)
  local indent = (" "):rep(left + 4)
  for _, entry in ipairs(list) do
    local help = text.wrap(entry[2] or "", math.max(30, width - left - 4), indent)
    if text.width(entry[1]) > left then
      lines[#lines + 1] = "  " .. entry[1]
      lines[#lines + 1] = indent .. help
    else
      lines[#lines + 1] = "  " .. text.pad(entry[1], left) .. "  " .. help
    end
  end
end

local function option_entries(verb)
  local list = {}
  for _, group in ipairs { verb.options or {}, verb.raw and {} or options.common } do
    for _, option in ipairs(group) do
      local left = "--" .. option[1] .. (option.value and " " .. option.value or "")
      list[#list + 1] = { left, option.help .. (option.many and " (may be repeated)" or "") }
    end
  end
  return list
end

-- The help of a verb, as a list of lines. style(name, text) colours.
function options.help(verb, width, style)
  width = math.min(width or 80, 100)
  local lines = { style("bold", "etlhost " .. verb.usage), "", text.wrap(verb.summary, width) }
  for _, paragraph in ipairs(verb.about or {}) do
    lines[#lines + 1] = ""
    lines[#lines + 1] = text.wrap(paragraph, width)
  end
  local function section(title, list)
    if #list == 0 then return end
    lines[#lines + 1] = ""
    lines[#lines + 1] = style("bold", title)
    entries(lines, list, width)
  end
  local arguments, verbs = {}, {}
  for _, p in ipairs(verb.positionals or {}) do arguments[#arguments + 1] = { p[1], p.help } end
  for _, v in ipairs(verb.verbs or {}) do verbs[#verbs + 1] = { v.name, v.summary } end
  section("Verbs", verbs)
  section("Arguments", arguments)
  section("Options", option_entries(verb))
  section("Exit status", verb.exits or {})
  if verb.examples then
    lines[#lines + 1] = ""
    lines[#lines + 1] = style("bold", "Examples")
    for _, example in ipairs(verb.examples) do lines[#lines + 1] = "  " .. example end
  end
  return lines
end

return options
