-- s3_exports: files that some other system drops into a bucket, one prefix a kind of row. Every
-- prefix is a resource of its own. See README.md for the settings, limits and quirks.
local source = require "etl.source"

local function check_credentials(settings, report)
  local pair = settings.access_key_id or settings.secret_access_key or settings.session_token
  if settings.anonymous then
    if pair or settings.credentials then
      report "anonymous: true needs no credentials: take one of them away"
    end
  elseif pair and settings.credentials then
    report "credentials and access_key_id are the same thing: give one"
  elseif pair and not (settings.access_key_id and settings.secret_access_key) then
    report(settings.access_key_id and "secret_access_key is missing" or "access_key_id is missing")
  elseif not pair and not settings.credentials then
    report("credentials are missing: { file: secrets/aws }, or access_key_id and "
      .. "secret_access_key; for a public bucket anonymous: true")
  end
end

local function location_of(settings, report)
  local location = settings.url or settings.bucket
  if not location then
    report "bucket is missing (a bucket's name), or url: file:exports/acme for a folder"
    return nil
  end
  if settings.url and settings.bucket then report "url and bucket are the same thing: give one" end
  if location:match "^file:." then return location end
  local name = location:match "^s3://([^/]+)" or location
  if not name:match "^[%w][%w._-]+[%w]$" then
    report(("\"%s\" is no bucket: give its name, s3://NAME/FOLDER, or file:FOLDER"):format(
      location))
    return nil
  end
  if settings.endpoint and not settings.endpoint:match "^https?://[^/]" then
    report(("endpoint = \"%s\": it must be a URL, such as https://minio.example.com:9000"):format(
      settings.endpoint))
  end
  check_credentials(settings, report)
  return location:match "^s3://" and location or "s3://" .. name
end

-- The path of a prefix inside the bucket: as given, or its name as a folder.
local function path_of(name, options)
  if options.prefix then return options.prefix end
  return name .. "/"
end

-- What was left out, and where nothing was at all: the path may be misspelt.
local function tell(ctx, path, taken, before)
  local say = taken == 0 and ctx.warn or ctx.log
  if before > 0 then
    say(ctx, "%s: %d file%s left out: last written before start (%s)", ctx.resource, before,
      before == 1 and "" or "s", ctx.start.day)
  elseif taken == 0 then
    say(ctx, "%s: there is no file below %s%s", ctx.resource, path,
      ctx.options.pattern and " that fits " .. ctx.options.pattern or "")
  end
end

-- What a file holds is not younger than the file: one that was last written before `start` has
-- nothing that is wanted.
local function make_extract(location, path, at_once)
  return function(ctx)
    local taken, before = 0, 0
    local files = ctx:files { location = location, prefix = path, pattern = ctx.options.pattern }
    local function wanted()
      for file in files do
        if not ctx.start or file.modified_us >= ctx.start.begin_us then
          taken = taken + 1
          return file
        end
        before = before + 1
      end
    end
    ctx:load_all(wanted, at_once)
    tell(ctx, location:gsub("/+$", "") .. "/" .. path, taken, before)
  end
end

-- Both shapes of `prefixes` as name -> options: a map, or a list of names or of maps with `name`.
local function by_name(prefixes, report)
  local result = {}
  for key, value in pairs(prefixes) do
    local name, options = key, value
    if type(key) == "number" then
      name = type(value) == "table" and value.name or value
      options = type(value) == "table" and value or {}
    end
    if type(options) ~= "table" then options = {} end
    if type(name) ~= "string" or name == "" then
      report(("prefixes: entry %s has no name"):format(tostring(key)))
    elseif result[name] then
      report(("prefixes: \"%s\" is there twice"):format(name))
    else
      result[name] = options
    end
  end
  return result
end

-- The format of a prefix, with the encoding of all where it names none.
local function format_of(format, encoding)
  if not encoding then return format end
  if type(format) ~= "table" then return { type = format, encoding = encoding } end
  if format.encoding then return format end
  local result = { encoding = encoding }
  for key, value in pairs(format) do result[key] = value end
  return result
end

local function resources(settings, report)
  local location = location_of(settings, report)
  if not location then return {} end
  local result = {}
  local at_once = location:match "^s3:" and settings.parallel_objects or 1
  for name, options in pairs(by_name(settings.prefixes, report)) do
    local one = { extract = make_extract(location, path_of(name, options), at_once) }
    for key, value in pairs(options) do
      if key ~= "name" then one[key] = value end
    end
    one.format = format_of(one.format, settings.encoding)
    result[name] = one
  end
  return result
end

return source {
  name = "s3_exports",
  help = "CSV, JSON lines and JSON files under prefixes of a bucket or folder",
  config = {
    bucket = { type = "string", optional = true, ask = true, help = "the bucket's name" },
    url = { type = "url", optional = true, ask = true,
      help = "instead of bucket: s3://bucket/folder, or file:folder, relative to the project" },
    region = { type = "string", optional = true, ask = true,
      help = "default: us-east-1, put right once" },
    endpoint = { type = "string", optional = true,
      help = "of a store that is not Amazon's: https://minio.example.com:9000" },
    path_style = { type = "boolean", optional = true,
      help = "the bucket in the path of URLs; default: with an endpoint, and for names with dots" },
    credentials = { type = "secret", optional = true,
      help = "a file in the format of ~/.aws/credentials" },
    profile = { type = "string", optional = true, help = "of that file; default: default" },
    access_key_id = { type = "any", optional = true, help = "instead of credentials" },
    secret_access_key = { type = "secret", optional = true, help = "instead of credentials" },
    session_token = { type = "secret", optional = true, help = "of temporary credentials" },
    anonymous = { type = "boolean", optional = true, help = "true: a public bucket" },
    parallel_objects = { type = "integer", default = 4,
      help = "objects that are fetched at once while one is loaded; 1: one after the other" },
    encoding = { type = "string", optional = true, help = "of CSV files that are not UTF-8" },
    prefixes = { type = "resources", help = "name -> options of a resource, or a list" },
  },
  resource_options = {
    prefix = { type = "string", optional = true, help = "path in the bucket; default: name/" },
    pattern = { type = "string", optional = true, help = "glob on the rest of the name" },
  },
  resources = resources,
}
