-- What `client disable` and `client enable` share: they write one word into a client's file.

local client_edit = require "host.client_edit"
local exit = require "host.exit"
local text = require "host.text"
local workspace = require "host.workspace"

-- The verb that sets `enabled` to this; words: name, summary, about, done (what is said then).
return function(is_enabled, words)
  local verb = {
    name = words.name,
    usage = ("client %s ID"):format(words.name),
    summary = words.summary,
    about = { words.about },
    positionals = { { "ID", required = true, help = "the client's id" } },
    examples = { ("etlhost client %s 713"):format(words.name) },
  }
  function verb.run(args, ctx)
    local space, problem = workspace.open { folder = args.project }
    if not space then return nil, problem end
    ctx.places = space.places
    local client
    client, problem = space:any_client(args.id)
    if not client then return nil, problem end
    if not client.is_readable then return nil, client.problems[1] end
    if client.enabled == is_enabled then
      ctx.out:print(("client %s is %sd already"):format(text.safe(client.id), words.name))
      return exit.ok
    end
    local ok
    ok, problem = client_edit.enable(space.project, client, is_enabled)
    if not ok then return nil, problem end
    ctx.out:print(("%s: client %s is %sd; %s"):format(text.safe(client.file), text.safe(client.id),
      words.name, words.done))
    return exit.ok
  end
  return verb
end
