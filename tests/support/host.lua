-- tests/support/host.lua: running etlhost as a user does, in a folder of its own.
local assert = require "luassert"
local files = require "tests.support.files"
local process = require "tests.support.process"

local host = {}

local root = os.getenv "ETLHOST_TEST_ROOT" or "."
host.program = os.getenv "ETLHOST" or root .. "/build/etlhost"
host.faulty_program = os.getenv "ETLHOST_FAULTS" or root .. "/build/faults/etlhost"
host.root = root

-- The exit codes, as documented.
host.exit = { ok = 0, bug = 1, config = 2, dead_rows = 3, auth = 4, network = 5, data = 6,
  destination = 7, script = 8, limit = 9, late = 10, interrupted = 130 }

local function append(list, more)
  for _, one in ipairs(more or {}) do list[#list + 1] = tostring(one) end
  return list
end

-- etlhost with these arguments. options: cwd, env, input, seconds, program. What the machine's
-- own environment says about databases must not reach it.
local function prepare(arguments, options)
  options = options or {}
  local env = { PGHOST = false, PGPORT = false, PGUSER = false, PGDATABASE = false,
    PGSERVICE = false, NO_COLOR = "1" }
  for name, value in pairs(options.env or {}) do env[name] = value end
  local argv = append({ options.program or host.program }, arguments)
  return argv, { cwd = options.cwd or files.temp(), env = env, input = options.input,
    seconds = options.seconds }
end

function host.etlhost(arguments, options) return process.run(prepare(arguments, options)) end
function host.spawn(arguments, options) return process.spawn(prepare(arguments, options)) end

-- For a spec whose folder is made anew: etlhost(...) and ok(...), which raises unless it ends well,
-- in the folder that folder() gives.
function host.inside(folder)
  local function etlhost(...) return host.etlhost({ ... }, { cwd = folder() }) end
  return etlhost, function(...)
    local result = etlhost(...)
    assert.equal(0, result.code, tostring(result))
    return result.out
  end
end

-- Text of etlhost.yaml: what names no destination loads into this target.
function host.connected(target)
  return ("connections:\n  here: { url: %q }\ndefaults:\n  destination: { connection: here }\n")
    :format(target.url)
end

-- `etlhost load PATH... --into TABLE`, for a target. options.more: further arguments.
function host.load_arguments(paths, into, target, options)
  local arguments = append({ "load" }, type(paths) == "table" and paths or { paths })
  append(arguments, { "--into", into })
  append(arguments, target:arguments())
  return append(arguments, options and options.more)
end
function host.load(paths, into, target, options)
  return host.etlhost(host.load_arguments(paths, into, target, options), options)
end

-- Like load, and raises unless it ended well.
function host.must_load(paths, into, target, options)
  local result = host.load(paths, into, target, options)
  if result.code ~= 0 then error(tostring(result), 2) end
  return result
end

-- A file in a folder of its own.
function host.file(name, text) return files.write(files.temp() .. "/" .. name, text) end

-- A project with one client `acme` whose files are below exports/; gives its folder.
-- spec: pipeline (Lua text), exports (name -> text), client (more YAML), settings (YAML of the
-- source, indented by four).
function host.project(spec)
  local folder = files.temp()
  files.write(folder .. "/config/etlhost.yaml", "version: 1\n" .. (spec.config or ""))
  files.write(folder .. "/config/clients/acme.yaml", ([[
version: 1
id: "acme"
name: Acme
%ssources:
  s3_exports:
    url: "file:exports"
%s]]):format(spec.client or "", spec.settings or "    prefixes: { orders: {} }\n"))
  files.make_folder(folder .. "/exports")
  for name, text in pairs(spec.exports or {}) do
    files.write(folder .. "/exports/" .. name, text)
  end
  files.write(folder .. "/pipelines/p.lua", spec.pipeline or 'return require "etl.pipeline" {}\n')
  return folder
end

function host.run(folder, target, options)
  local arguments = append({ "run", "pipelines/p.lua" }, target:arguments())
  append(arguments, options and options.more)
  local with = { cwd = folder }
  for name, value in pairs(options or {}) do with[name] = value end
  return host.etlhost(arguments, with)
end

-- A project whose files come one after the other: step(name, text) adds one and runs. resource: Lua
-- text, what its pipeline declares of orders.
function host.stepper(target, resource, options)
  local folder = host.project {
    pipeline = ('return require "etl.pipeline" { s3_exports = { orders = %s } }\n')
      :format(resource),
  }
  files.make_folder(folder .. "/exports/orders")
  return function(name, text, code)
    files.write(folder .. "/exports/orders/" .. name, text)
    local result = host.run(folder, target, options)
    assert.equal(code or 0, result.code, tostring(result))
    return result, folder
  end
end

return host
