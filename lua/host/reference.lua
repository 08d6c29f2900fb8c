-- The command line as a page of Markdown, from what the verbs declare: docs/reference/cli.md.

local options = require "host.options"
local text = require "host.text"

local reference = {}

local head = [[
# The command line

This page is written by `etlhost help --markdown`; a test compares the two.

    etlhost VERB [arguments] [options]

`etlhost VERB --help` says the same. `eval "$(etlhost completion bash)"` in `~/.bashrc` completes
verbs, options, clients and files.

]]

local function cell(s)
  return (s:gsub("|", "\\|"):gsub("\n", " "))
end

local function add_table(lines, title, rows)
  if #rows == 0 then return end
  lines[#lines + 1] = ("| %s | |"):format(title)
  lines[#lines + 1] = "|---|---|"
  for _, row in ipairs(rows) do
    lines[#lines + 1] = ("| %s | %s |"):format(row[1], cell(row[2]))
  end
  lines[#lines + 1] = ""
end

local function code(s) return "`" .. cell(s) .. "`" end

local function add_verb(lines, verb, level)
  lines[#lines + 1] = ("%s %s"):format(("#"):rep(level), verb.path)
  lines[#lines + 1] = ""
  if verb.run then
    lines[#lines + 1] = "    etlhost " .. verb.usage
    lines[#lines + 1] = ""
  end
  for _, paragraph in ipairs { verb.summary, table.unpack(verb.about or {}) } do
    lines[#lines + 1] = text.wrap(paragraph, 100)
    lines[#lines + 1] = ""
  end
  local arguments, flags = {}, {}
  for _, p in ipairs(verb.positionals or {}) do
    arguments[#arguments + 1] = { code(p[1]), p.help }
  end
  for _, option in ipairs(verb.options or {}) do
    local name = "--" .. option[1] .. (option.value and " " .. option.value or "")
    flags[#flags + 1] = { code(name), option.help .. (option.many and " (may be repeated)" or "") }
  end
  add_table(lines, "argument", arguments)
  add_table(lines, "option", flags)
  for _, example in ipairs(verb.examples or {}) do lines[#lines + 1] = "    " .. example end
  if verb.examples then lines[#lines + 1] = "" end
  for _, child in ipairs(verb.verbs or {}) do add_verb(lines, child, level + 1) end
end

-- The whole page.
function reference.page(root)
  local lines = {}
  for _, verb in ipairs(root.verbs) do add_verb(lines, verb, 2) end
  lines[#lines + 1] = "## Options of every verb"
  lines[#lines + 1] = ""
  local common = {}
  for _, option in ipairs(options.common) do
    common[#common + 1] = { code("--" .. option[1] .. (option.value and " " .. option.value or "")),
      option.help }
  end
  add_table(lines, "option", common)
  lines[#lines + 1] = "## Exit status"
  lines[#lines + 1] = ""
  lines[#lines + 1] =
    "Of several failures the gravest decides: 130, 1, 7, 6, 9, 8, 4, 2, 5, 10, 3, 0."
  lines[#lines + 1] = ""
  local exits = {}
  for _, row in ipairs(root.exits) do exits[#exits + 1] = { row[1], row[2] } end
  add_table(lines, "status", exits)
  lines[#lines + 1] = "## Environment"
  lines[#lines + 1] = ""
  add_table(lines, "variable", {
    { "`PG*`", "as libpq knows them, for `postgres://` destinations; its files count too" },
    { "`NO_COLOR`", "no colours on a terminal either" },
    { "`ETLHOST_LUA`", "a folder from which the host's Lua is read instead of the executable" },
  })
  return head .. table.concat(lines, "\n")
end

return reference
