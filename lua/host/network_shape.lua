-- `network` of config/etlhost.yaml: what requests may reach beyond the open internet. The
-- operator alone says it: no source and no client's file can open a door to the inside.

local words = require "host.words"

return {
  type = "map",
  fields = {
    allow_private = {
      type = "list",
      each = {
        type = "text",
        pattern = "^%[?[0-9a-fA-F:.]+%]?:%d+$",
        expected = "an address and its port, such as 127.0.0.1:8080 or [::1]:8080",
      },
    },
    proxy = {
      type = "text", pattern = "^https?://[^/@%s]+$",
      expected = "such as http://proxy.example:3128, without a user",
    },
    ca_file = { type = "text" },
  },
  foreign = words.of "network",
}
