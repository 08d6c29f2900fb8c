-- etlhost client remove: shows, exports and deletes all that there is of a client, with proof.

local confirm = require "host.confirm"
local err = require "host.err"
local exit = require "host.exit"
local files = require "host.files"
local removal = require "host.removal"
local text = require "host.text"
local workspace = require "host.workspace"

local verb = {
  name = "remove",
  usage = "client remove C [--export DIR] [--yes]",
  summary = "Shows, exports and deletes all that there is of a client, and proves it.",
  about = {
    "Its rows in every table, its state, ledger and dead rows, and its runs in the catalog. What "
      .. "is there is shown first; then one transaction deletes it, and is rolled back unless as "
      .. "many rows go as were shown, none is left, and the rows of the other clients are as many "
      .. "as before. Nothing may be loading the client. A note that it was removed stays "
      .. "(bookkeeping.md, erasures).",
    "Its file moves to removed/ beside clients/, so that the next run does not load it again; "
      .. "secrets are named and stay.",
  },
  positionals = { { "C", required = true, help = "the client's id" } },
  options = {
    { "export", value = "DIR", help = "write its rows and dead rows there first, as CSV" },
    { "drop-tables", help = "also drop tables that are empty then and that nobody else loads" },
    { "keep-file", help = "leave its file in clients/" },
    { "delete-file", help = "delete its file instead of moving it" },
    { "delete-secrets", help = "delete the secret files that only its file names" },
    confirm.option,
    { "destination", value = "URL",
      help = "sqlite:PATH or postgres://..., instead of the configured one" },
  },
  examples = { "etlhost client remove 713 --export /srv/handover/713" },
}

-- ---- showing -----------------------------------------------------------------------------------

local function print_tables(ctx, look)
  local cells = {}
  for i, table_ in ipairs(look.tables) do
    cells[i] = { table_.shown, text.count(table_.rows), text.count(table_.others) }
  end
  if #cells == 0 then
    ctx.out:print "no table holds rows of it"
    return
  end
  local columns = { { "table" }, { "rows", right = true }, { "rows of others", right = true } }
  for _, line in ipairs(text.table(columns, cells)) do ctx.out:print(line) end
end

local function print_books(ctx, books)
  local words = {}
  for _, word in ipairs {
    { "streams", "stream" }, { "loads", "load" }, { "files", "file" }, { "units", "unit" },
    { "dead_rows", "dead row" }, { "schema_changes", "schema change" },
    { "adoptions", "adoption" },
  } do
    if (books[word[1]] or 0) > 0 then words[#words + 1] = text.plural(books[word[1]], word[2]) end
  end
  if #words > 0 then ctx.out:print("bookkeeping: " .. table.concat(words, ", ")) end
end

local function print_files(ctx, space, client, args)
  if not client.file then return end
  if args.delete_file then
    ctx.out:print(client.file .. " will be deleted")
  elseif args.keep_file then
    ctx.out:print(client.file .. " stays: the next run loads the client again")
  else
    ctx.out:print(("%s moves to %s"):format(client.file, removal.archive(space, client)))
  end
  local secrets = removal.secrets(space, client)
  for _, name in ipairs(secrets.files) do
    ctx.out:print(("secret %s %s"):format(name,
      args.delete_secrets and "will be deleted" or "stays: --delete-secrets deletes it"))
  end
  for _, name in ipairs(secrets.variables) do
    ctx.out:print(("secret in the variable %s stays: take it out of .env or the environment")
      :format(name))
  end
  return secrets
end

local function print_proof(ctx, tables)
  if #tables == 0 then return end
  local cells = {}
  for i, table_ in ipairs(tables) do
    cells[i] = {
      table_.shown, text.count(table_.rows), text.count(table_.deleted), text.count(table_.left),
      text.count(table_.others_before), text.count(table_.others_after),
      table_.is_dropped and "dropped" or "",
    }
  end
  local columns = {
    { "table" }, { "before", right = true }, { "deleted", right = true }, { "left", right = true },
    { "others before", right = true }, { "others after", right = true }, { "" },
  }
  for _, line in ipairs(text.table(columns, cells)) do ctx.out:print(line) end
end

-- ---- doing -------------------------------------------------------------------------------------

-- The client of the file, or one that has no file any more.
local function find_client(space, id)
  local client = space.config and space.config.by_id[id]
  return client or { id = id, sources = {}, problems = {} }
end

local function unknown(space, id)
  if space.config then
    local _, problem = space.config:select { id }
    return problem
  end
  return err.new { class = "config", message = ("there is no client \"%s\" here"):format(id) }
end

local function export_folder(args)
  if not args.export then return nil end
  local ok, problem = files.make_folder(args.export)
  if not ok then return nil, problem end
  return files.real_path(args.export)
end

local function tidy(ctx, space, client, args, secrets)
  local runs, problem = removal.forget_runs(space, client.id)
  if not runs then return nil, problem end
  if runs > 0 then ctx.out:print(text.plural(runs, "run") .. " forgotten in the catalog") end
  if not client.file then return true end
  local path = space.project:path(client.file)
  if args.delete_file then
    local ok, why = os.remove(path)
    if not ok then return nil, err.new { class = "config", message = why } end
    ctx.out:print(client.file .. " deleted")
  elseif not args.keep_file then
    local to
    to, problem = removal.move_file(space, client)
    if not to then return nil, problem end
    ctx.out:print(("%s moved to %s"):format(client.file, to))
  end
  for _, name in ipairs(args.delete_secrets and secrets.files or {}) do
    local ok, why = os.remove(space.project:path(name))
    ctx.out:print(ok and name .. " deleted" or "not deleted: " .. why)
  end
  return true
end

-- A run that began before the file was gone may have loaded the client once more.
local function check_gone(space, target, client, args)
  if args.keep_file then return exit.ok end
  local look, problem = removal.look(space, target, client.id)
  if not look then return nil, problem end
  if removal.is_empty(look) then return exit.ok end
  return nil, err.new {
    class = "data", message = "a run has loaded the client again meanwhile",
    hint = "when it has ended, remove the client once more",
  }
end

local function check_words(args)
  if args.keep_file and args.delete_file then
    return nil, err.new {
      class = "config", is_usage = true, message = "--keep-file or --delete-file, not both",
    }
  end
  return true
end

-- Shows what is there and asks: look, secrets | nil, err | false (the person said no)
local function propose(ctx, space, target, client, args)
  local look, problem = removal.look(space, target, client.id)
  if not look then return nil, problem end
  if removal.is_empty(look) and not client.file then return nil, unknown(space, client.id) end
  ctx.out:print(("client %s%s:"):format(ctx.out:style("bold", client.id),
    client.name and client.name ~= client.id and " (" .. text.safe(client.name) .. ")" or ""))
  print_tables(ctx, look)
  print_books(ctx, look.books)
  local secrets = print_files(ctx, space, client, args)
  local yes
  yes, problem = confirm.ask(ctx, args, ("delete all this of client %s?"):format(client.id))
  if problem then return nil, problem end
  return yes and look, secrets
end

function verb.run(args, ctx)
  local ok, problem = check_words(args)
  if not ok then return nil, problem end
  local space
  space, problem = workspace.open { folder = args.project, optional = true }
  if not space then return nil, problem end
  ctx.places = space.places
  problem = space:blocking_problem()
  if problem then return nil, problem end
  local client, target = find_client(space, args.c), {}
  target.destination, problem = space:destination(args, client)
  if not target.destination then return nil, problem end
  local look, secrets = propose(ctx, space, target, client, args)
  if look == nil then return nil, secrets end
  if not look then
    ctx.out:print "nothing was changed"
    return exit.ok
  end
  local folder
  folder, problem = export_folder(args)
  if problem then return nil, problem end
  local tables
  if not removal.is_empty(look) then
    tables, problem = removal.delete(space, target, client.id, look,
      { folder = folder, drop = args.drop_tables })
    if not tables then return nil, problem end
    ctx.out:print ""
    print_proof(ctx, tables)
    ctx.out:print(text.plural(look.books.rows, "record") .. " of the bookkeeping deleted, 0 left")
    if folder then ctx.out:print("exported to " .. args.export) end
  end
  if space.project then
    ok, problem = tidy(ctx, space, client, args, secrets)
    if not ok then return nil, problem end
  end
  return check_gone(space, target, client, args)
end

return verb
