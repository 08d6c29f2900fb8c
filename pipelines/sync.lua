-- The pipeline that serves any client: every resource of every source in the client's file, as
-- declared there. A client with wishes of its own gets its own pipeline; see pipelines/demo.lua.
local pipeline = require "etl.pipeline"

return pipeline {}
