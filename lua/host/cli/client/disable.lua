-- etlhost client disable: a pause. Nothing that is loaded is touched.

return require "host.client_switch"(false, {
  name = "disable",
  summary = "Pauses a client: runs leave it out unless --client names it.",
  about = "Writes `enabled: false` into its file, and leaves all else in it as it is. Its rows, "
    .. "its state and its dead rows stay.",
  done = "its rows and its state stay as they are",
})
