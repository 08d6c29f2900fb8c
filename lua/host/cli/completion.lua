-- etlhost completion bash: written from what the verbs declare.

local err = require "host.err"
local exit = require "host.exit"
local options = require "host.options"

local verb = {
  name = "completion",
  usage = "completion bash",
  summary = "Prints completion for a shell: words, options, clients and files.",
  positionals = { { "SHELL", required = true, help = "bash" } },
  examples = { "eval \"$(etlhost completion bash)\"                   in ~/.bashrc" },
}

local function words_of(list)
  local words = {}
  for _, v in ipairs(list or {}) do words[#words + 1] = v.name end
  return table.concat(words, " ")
end

local function option_words(v)
  local words = {}
  for _, group in ipairs { v.options or {}, options.common } do
    for _, option in ipairs(group) do words[#words + 1] = "--" .. option[1] end
  end
  return table.concat(words, " ")
end

-- A case line for each verb: "run)" or "dead list)".
local function verb_lines(lines, v, path)
  for _, child in ipairs(v.verbs or {}) do
    local name = path == "" and child.name or path .. " " .. child.name
    if child.verbs then
      lines[#lines + 1] = ("    %q) words=%q ;;"):format(name, words_of(child.verbs))
      verb_lines(lines, child, name)
    elseif not child.raw then
      lines[#lines + 1] = ("    %q) words=%q ;;"):format(name, option_words(child))
    end
  end
end

local function choice_lines(lines, v, seen)
  for _, option in ipairs(v.options or {}) do
    if option.one_of and not seen[option[1]] then
      seen[option[1]] = true
      lines[#lines + 1] = ("    --%s) COMPREPLY=($(compgen -W %q -- \"$word\")); return ;;"):format(
        option[1], table.concat(option.one_of, " "))
    end
  end
  for _, child in ipairs(v.verbs or {}) do choice_lines(lines, child, seen) end
end

local template = [==[
# bash completion for etlhost: eval "$(etlhost completion bash)"
_etlhost() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" path="" words="" w i
  case "$before" in
@CHOICES@
    --client)
      words="$(etlhost completion clients 2>/dev/null)"
      COMPREPLY=($(compgen -W "$words" -- "$word")); return ;;
    --project) COMPREPLY=($(compgen -d -- "$word")); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    w="${COMP_WORDS[i]}"
    case "$w" in -*) break ;; esac
    case "${path:+$path }$w" in
      @PATHS@) path="${path:+$path }$w" ;;
      *) break ;;
    esac
  done
  case "$path" in
    "") words="@ROOT@ --help --version" ;;
@VERBS@
  esac
  if [[ "$word" == -* || "$words" != --* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -o bashdefault -F _etlhost etlhost
]==]

local function paths_of(v, path, list)
  for _, child in ipairs(v.verbs or {}) do
    local name = path == "" and child.name or path .. " " .. child.name
    list[#list + 1] = ("%q"):format(name)
    paths_of(child, name, list)
  end
  return list
end

local function bash_script()
  local verbs = require "host.verbs" -- here: it loads this file
  local verb_cases, choices = {}, {}
  verb_lines(verb_cases, verbs.root, "")
  choice_lines(choices, verbs.root, {})
  local parts = {
    CHOICES = table.concat(choices, "\n"),
    VERBS = table.concat(verb_cases, "\n"),
    ROOT = words_of(verbs.root.verbs),
    PATHS = table.concat(paths_of(verbs.root, "", {}), "|"),
  }
  return (template:gsub("@(%u+)@", parts))
end

-- What the script asks for while completing --client.
local function client_ids(ctx)
  local space = require("host.workspace").open {}
  for _, client in ipairs(space and space.config.clients or {}) do ctx.out:print(client.id) end
  return exit.ok
end

function verb.run(args, ctx)
  if args.shell == "clients" then return client_ids(ctx) end
  if args.shell ~= "bash" then
    return nil, err.new {
      class = "config",
      is_usage = true,
      message = ("there is no completion for \"%s\""):format(args.shell),
      expected = "bash",
    }
  end
  ctx.out:write(bash_script())
  return exit.ok
end

return verb
