-- etlhost fetch: one request, as a source would make it, for who finds out how a service behaves.

local doc = require "host.doc"
local err = require "host.err"
local exit = require "host.exit"
local fetching = require "host.fetching"
local files = require "host.files"
local job = require "host.job"
local report = require "host.report"
local spec = require "host.spec"
local supervisor = require "host.supervisor"
local text = require "host.text"
local workspace = require "host.workspace"

local verb = {
  name = "fetch",
  usage = "fetch SOURCE|URL [PATH] [--client C] [--header 'NAME: VALUE'] [--query NAME=VALUE]",
  summary = "Makes one request, and shows its answer and how long each part of it took.",
  about = {
    "With SOURCE, a source of a client, PATH is behind its base_url, and only the source's hosts "
      .. "are spoken to. {setting} in PATH, --header, --query and --data is that setting of the "
      .. "source, a secret too. With a URL, {env:NAME} and {file:PATH} are secrets. What is shown "
      .. "has *** for them.",
    "The body goes to the standard output, JSON laid out when that is a terminal; the rest is "
      .. "shown above it, or on the standard error. Nothing is tried again, and any status is an "
      .. "answer; the exit status is that of its class.",
  },
  positionals = {
    { "SOURCE|URL", required = true, help = "a source of the client, or http(s)://..." },
    { "PATH", help = "what follows the source's base_url, or the URL" },
  },
  options = {
    { "client", value = "C", help = "whose source it is" },
    { "method", value = "M", help = "GET (default), POST (with --data), ..." },
    { "header", value = "'NAME: VALUE'", many = true, help = "sent too" },
    { "query", value = "NAME=VALUE", many = true, help = "appended to the URL, encoded" },
    { "data", value = "TEXT",
      help = "the body; @FILE is what a file holds, @- the standard input" },
    { "head", help = "the headers only (HEAD)" },
    { "output", value = "FILE", help = "where the body goes, as it came" },
    { "json", help = "all of it as one JSON object, the body as text" },
  },
  foreign = {
    X = "the word here is --method", H = "the word here is --header", d = "the word here is --data",
    I = "the word here is --head", o = "the word here is --output",
    request = "the word here is --method", G = "the word here is --query",
    url = "the URL is the first argument", user = "--header 'Authorization: Basic ...'",
    u = "--header 'Authorization: Basic ...'", insecure = "certificates are always checked; "
      .. "`network: { ca_file: ... }` of etlhost.yaml names an authority of your own",
    k = "certificates are always checked; `network: { ca_file: ... }` of etlhost.yaml names an "
      .. "authority of your own",
  },
  examples = {
    "etlhost fetch https://api.example.com/v1/orders --query page=2 --header 'X-Key: {env:KEY}'",
    "etlhost fetch everflow /networks --client 713 --header 'X-Eflow-API-Key: {api_key}'",
    "etlhost fetch https://example.com/export.csv.gz --output export.csv.gz",
  },
}

local versions = { [10] = "HTTP/1.0", [11] = "HTTP/1.1", [20] = "HTTP/2", [30] = "HTTP/3" }

-- "dns 0.4 ms, connect 1.2 ms, ...": each part by itself; what was not needed is left out.
local function timing(answer)
  local parts, before = {}, 0
  for _, part in ipairs { { "dns", answer.dns_us }, { "connect", answer.connect_us },
    { "tls", answer.tls_us }, { "first byte", answer.first_byte_us } } do
    if (part[2] or 0) > before then
      parts[#parts + 1] = ("%s %.1f ms"):format(part[1], (part[2] - before) / 1000)
      before = part[2]
    end
  end
  parts[#parts + 1] = ("total %.1f ms"):format((answer.total_us or 0) / 1000)
  return table.concat(parts, ", ")
end

local function print_head(out, answer)
  local good = answer.class == "ok"
  out:print(("%s %s"):format(versions[answer.http] or "HTTP",
    out:style(good and "green" or "red", ("%d %s"):format(answer.status, answer.reason or ""))))
  local from = answer.request
  if (answer.redirects or 0) > 0 then
    from = ("%s, redirected to %s"):format(from, answer.url or "?")
  end
  out:print(out:style("dim", text.safe(from)))
  local size = text.bytes(answer.bytes)
  if answer.bytes_stored ~= answer.bytes then
    size = ("%s, %s on the way"):format(size, text.bytes(answer.bytes_stored))
  end
  out:print(out:style("dim", ("%s; %s from %s"):format(timing(answer), size,
    answer.address or "?")))
  for _, pair in ipairs(answer.headers or {}) do
    out:print(out:style("blue", text.safe(pair[1])) .. ": " .. text.safe(pair[2]))
  end
end

local why_not_shown = {
  binary = "the body is no text", large = "the body is larger than what is shown",
}

local function print_json(out, answer, body, binary)
  local timings = {}
  for _, key in ipairs { "dns_us", "connect_us", "tls_us", "first_byte_us", "total_us" } do
    timings[key] = answer[key]
  end
  out:print(doc.to_json {
    request = answer.request, url = answer.url, status = answer.status, reason = answer.reason,
    class = answer.class, http = versions[answer.http], address = answer.address,
    redirects = answer.redirects, bytes = answer.bytes, bytes_stored = answer.bytes_stored,
    timing = timings, headers = doc.list(answer.headers), body = body, not_shown = binary,
  })
end

local function watcher()
  local seen = { pieces = {} }
  return {
    event = function(_, event)
      if event.event == "answer" then
        seen.answer = event
      elseif event.event == "body" then
        seen.pieces[#seen.pieces + 1] = event.text
        seen.binary = event.binary
      end
    end,
  }, seen
end

local function show(args, ctx, seen)
  local body = table.concat(seen.pieces)
  if args.json then
    print_json(ctx.out, seen.answer, not args.output and body or nil, seen.binary)
    return
  end
  print_head(ctx.out.is_terminal and ctx.out or ctx.err, seen.answer)
  if seen.binary then
    ctx.err:print(("%s (%s): --output FILE keeps it"):format(why_not_shown[seen.binary],
      text.bytes(seen.answer.bytes)))
  elseif ctx.out.is_terminal and body ~= "" then
    ctx.out:print("\n" .. body)
  end
end

-- Where the engine is to put the body: "events", "stdout" or a path.
local function place(args, ctx)
  if args.output then
    local here, problem = files.current_folder()
    if not here then return nil, problem end
    return args.output:sub(1, 1) == "/" and args.output or here .. "/" .. args.output
  end
  return (args.json or ctx.out.is_terminal) and "events" or "stdout"
end

local function specification(args, ctx, space)
  local target, problem = fetching.target(space, args["source|url"], args.client)
  if not target then return nil, problem end
  local s = spec.new { op = "fetch", config = space.config, client = target.client }
  s.fetch, problem = fetching.request(target, args)
  if not s.fetch then return nil, problem end
  s.fetch.body_to, problem = place(args, ctx)
  if not s.fetch.body_to then return nil, problem end
  s.fetch.indent = ctx.out.is_terminal and not args.json
  s.secrets = target.secrets
  if target.client then return space:add_secrets(s, target.client, target.instance) end
  return s
end

function verb.run(args, ctx)
  if args.head and (args.data or args.method) then
    return nil, err.new {
      class = "config", message = "--head goes with neither --data nor --method", is_usage = true,
    }
  end
  local space, problem = workspace.begin(args, ctx)
  if not space then return nil, problem end
  local s
  s, problem = specification(args, ctx, space)
  if not s then return nil, problem end
  local made = job.new { spec = s, title = "", places = space.places }
  local watch, seen = watcher()
  supervisor.run({ made }, {}, watch)
  if seen.answer then show(args, ctx, seen) end
  if made.errors[1] then
    report.print(ctx.err, made.errors[1], made.places)
    return exit.of_class(made.errors[1].class)
  end
  return seen.answer.class == "ok" and exit.ok or exit.of_class(seen.answer.class)
end

return verb
