-- The pipeline that serves any client: every resource of every source in the client's file, as
-- declared there. A client with wishes of its own gets a pipeline of its own, which says so:
-- pipeline { client = "713", SOURCE = { RESOURCE = { ... } } }
local pipeline = require "etl.pipeline"

return pipeline {}
