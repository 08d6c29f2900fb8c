-- The demo: what two small shops exported, loaded into SQLite (or wherever --destination points).
--
-- Where the files are, and what each client is called, stands in config/clients/*.yaml; a pipeline
-- holds only what is to be done differently from "load everything as it is". Try:
--   build/etlhost run pipelines/demo.lua              again: nothing is loaded twice
--   build/etlhost dead list                           the rows that were broken, and why
local pipeline = require "etl.pipeline"

return pipeline {
  s3_exports = {
    ["orders-create"] = {
      -- Declared, so that no single file decides it: the first one has only whole amounts.
      columns = { amount = "numeric", shipping = "numeric", vat_rate = "numeric" },
      hash = { "email" }, -- done in C for every row; the address itself never reaches the table
    },
    ["prospects-create"] = {
      columns = { score = "numeric" },
      -- A row function: plain Lua, for what cannot be declared.
      row = function(row)
        row.email_domain = row.email and row.email:match "@(.+)$"
      end,
    },
  },
}
