-- The service of the group `download`: one large answer of options.large_mb.
local piece = ("x"):rep(256 * 1024)

return function(_, connection)
  local pieces = tonumber(options.large_mb) * 4
  connection:head(200, { ["Content-Length"] = pieces * #piece })
  for _ = 1, pieces do connection:send(piece) end
end
