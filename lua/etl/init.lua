-- etl: what every script may want. The parts have modules of their own: etl.source, etl.pipeline,
-- etl.fields, etl.err.
local core = ...

return {
  null = core.null, -- a value that is there and is null; nil is a value that is not there
  list = core.list, -- list(t): marks t, so that an empty list stays a list
  is_list = core.is_list,
}
