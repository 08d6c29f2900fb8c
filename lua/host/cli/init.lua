-- etlhost init: a project whose check and run pass.

local err = require "host.err"
local exit = require "host.exit"
local files = require "host.files"
local steps = require "host.steps"
local template = require "host.template"
local text = require "host.text"

local verb = {
  name = "init",
  usage = "init [DIR]",
  summary = "Makes a project: settings, one client, one pipeline, a little data to load.",
  about = { "Nothing that is there is overwritten." },
  positionals = { { "DIR", help = "the folder, made when it is not there (default: this one)" } },
  examples = { "etlhost init shop && cd shop && etlhost run pipelines/sync.lua" },
}

-- Writes the files that are not there: written, kept | nil, err
local function write_all(folder)
  local written, kept = {}, {}
  for _, file in ipairs(template.files()) do
    local path = folder .. "/" .. file[1]
    if files.stat(path) then
      kept[#kept + 1] = file[1]
    else
      local ok, problem = files.make_folder(path:match "^(.*)/")
      if ok then ok, problem = files.write(path, file[2], file[3]) end
      if not ok then return nil, problem end
      written[#written + 1] = file[1]
    end
  end
  return written, kept
end

function verb.run(args, ctx)
  local folder = args.dir or "."
  for _, name in ipairs { "etlhost.yaml", "config/etlhost.yaml" } do
    if files.stat(folder .. "/" .. name) then
      return nil, err.new {
        class = "config",
        message = ("there is a project already: %s/%s"):format(folder, name),
        hint = "`etlhost check` looks at it",
      }
    end
  end
  local written, kept = write_all(folder)
  if not written then return nil, kept end
  local prefix = args.dir and args.dir:gsub("/$", "") .. "/" or ""
  for _, name in ipairs(written) do ctx.out:print("wrote " .. text.safe(prefix .. name)) end
  for _, name in ipairs(kept) do
    ctx.out:print(ctx.out:style("yellow", "kept") .. " " .. text.safe(prefix .. name)
      .. ", which was there")
  end
  ctx.out:print ""
  local list = {
    { "etlhost check", "look for mistakes" },
    { "etlhost run pipelines/sync.lua", "load exports/ into etlhost.db" },
    { "etlhost --help", "the other verbs" },
  }
  if args.dir and args.dir ~= "." then
    table.insert(list, 1, { "cd " .. args.dir, "" })
  end
  steps.print(ctx.out, list)
  return exit.ok
end

return verb
