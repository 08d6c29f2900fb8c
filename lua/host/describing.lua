-- What sources understand: their settings and the options of their resources, as their Lua declares
-- them. It is evaluated in a jail, like all that scripts say.

local doc = require "host.doc"
local job = require "host.job"
local spec = require "host.spec"
local supervisor = require "host.supervisor"

local describing = {}

local script = 'return require "etl.pipeline" {}\n'

-- names: a list. space: a workspace; nil for the sources that etlhost ships alone.
-- Gives name -> { name, help, config, options } for those that can be evaluated. A declared field
-- is { type, help, secret, one_of, values, default, optional }. Nothing and an error when nothing
-- can be evaluated at all.
function describing.sources(names, space)
  if #names == 0 then return {} end
  local entries = doc.list {}
  for i, name in ipairs(names) do entries[i] = { instance = name, use = name, settings = {} } end
  local s = spec.new {
    op = "check", config = space and space.config,
    pipeline = { path = "sources", text = script, folder = space and space.project.root },
  }
  s.sources, s.describe = entries, true
  local made = job.new { spec = s, title = "" }
  supervisor.run({ made }, {})
  if not made.described then return {}, made.errors[1] end
  return made.described
end

return describing
