-- etlhost client enable: the end of a pause.

return require "host.client_switch"(true, {
  name = "enable",
  summary = "Ends a client's pause: runs include it again.",
  about = "Writes `enabled: true` into its file, and leaves all else in it as it is. The next run "
    .. "goes on where the last one ended.",
  done = "the next run goes on where the last one ended",
})
