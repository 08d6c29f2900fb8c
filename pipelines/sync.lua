-- The pipeline that serves any client: every resource of every source in the client's file, as it is.
-- What a client needs differently goes into a pipeline of its own; docs/reference has the words.
local pipeline = require "etl.pipeline"

return pipeline {}
