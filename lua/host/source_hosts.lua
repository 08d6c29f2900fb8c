-- The hosts of the services that etlhost's own sources speak to where a client's file names no
-- address: secrets of a source of that name may go there. It stands here, and not with the sources,
-- because what stands there is a script, and no script says where secrets go.

return {
  everflow = { "api.eflow.team", "api-eu.eflow.team" },
}
