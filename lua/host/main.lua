-- The command line: finds the verb, parses its arguments, runs it, and gives the exit status.

local err = require "host.err"
local exit = require "host.exit"
local nearest = require "host.nearest"
local options = require "host.options"
local report = require "host.report"
local terminal = require "host.terminal"
local verbs = require "host.verbs"
local foreign_words = require "host.words"

local function style_of(out)
  return function(name, s) return out:style(name, s) end
end

local function show_help(ctx, verb)
  local lines = options.help(verb, ctx.out.width, style_of(ctx.out))
  for _, line in ipairs(lines) do ctx.out:print(line) end
  return exit.ok
end

local function unknown_verb(word, list, path)
  local names = {}
  for i, verb in ipairs(list) do names[i] = verb.name end
  local near = nearest.of(word, names)
  local prefix = path ~= "" and path .. " " or ""
  return err.new {
    class = "config",
    is_usage = true,
    message = ("there is no verb \"%s%s\""):format(prefix, word),
    expected = "one of " .. table.concat(names, ", "),
    hint = near and ("did you mean `etlhost %s%s`?"):format(prefix, near)
      or foreign_words.answer("verb", word) or "`etlhost --help` lists the verbs",
  }
end

-- words -> verb, the words after it | nil, err
local function find_verb(words)
  local verb = verbs.root
  local at = 1
  while verb == verbs.root or verb.verbs do
    local word = words[at]
    if verb.run and (word == nil or not verbs.find(verb, word)) then break end -- it is one itself
    if word == nil or word == "-h" or word == "--help" then return verb, { "--help" } end
    if word == "--version" and verb == verbs.root then word = "version" end
    local found = verbs.find(verb, word)
    if not found then return nil, unknown_verb(word, verb.verbs, verb.path) end
    verb, at = found, at + 1
  end
  return verb, table.move(words, at, #words, 1, {})
end

local function fail(ctx, problem)
  report.print(ctx.err, problem, ctx.places)
  return exit.of_class(problem.class)
end

local function run(ctx, words)
  local verb, rest = find_verb(words)
  if not verb then return fail(ctx, rest) end
  local args, problem = options.parse(verb, rest)
  if not args then return fail(ctx, problem) end
  if args.help or not verb.run then
    show_help(ctx, verb)
    return (args.help and #words > 0) and exit.ok or exit.usage
  end
  local code
  code, problem = verb.run(args, ctx)
  if problem then return fail(ctx, problem) end
  return code
end

return function(argv, version)
  -- A command is short: collecting less often halves the time of a large project.
  collectgarbage("incremental", 400, 400)
  local ctx = { out = terminal.open(1), err = terminal.open(2), version = version }
  local words = table.move(argv, 1, #argv, 1, {})
  return run(ctx, words)
end
