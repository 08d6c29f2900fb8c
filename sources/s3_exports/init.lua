-- s3_exports: files that some other system drops into a bucket, one prefix a kind of row. Every
-- prefix is a resource of its own. See README.md for the settings, limits and quirks.
local source = require "etl.source"

local function location_of(settings, report)
  local location = settings.url or settings.bucket
  if not location then
    report "url is missing: where the exports are, such as file:exports/acme"
    return nil
  end
  if settings.url and settings.bucket then report "url and bucket are the same thing: give one" end
  if not location:match "^file:." then
    report(("\"%s\" is not reached by this version: it reads file: URLs, such as file:exports/acme")
      :format(location))
    return nil
  end
  return location
end

-- The path of a prefix inside the bucket: as given, or its name as a folder.
local function path_of(name, options)
  if options.prefix then return options.prefix end
  return name .. "/"
end

-- What a file holds is not younger than the file: one that was last written before `start` has
-- nothing that is wanted.
local function make_extract(location, path)
  return function(ctx)
    local before = 0
    for file in ctx:files { location = location, prefix = path, pattern = ctx.options.pattern } do
      if ctx.start and file.modified_us < ctx.start.begin_us then
        before = before + 1
      else
        ctx:load(file)
      end
    end
    if before > 0 then
      ctx:log("%d file%s left out: last written before start (%s)", before,
        before == 1 and "" or "s", ctx.start.day)
    end
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
  for name, options in pairs(by_name(settings.prefixes, report)) do
    local one = { extract = make_extract(location, path_of(name, options)) }
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
    url = { type = "url", optional = true, help = "file:folder, relative to the project" },
    bucket = { type = "string", optional = true, help = "another word for url" },
    encoding = { type = "string", optional = true, help = "of CSV files that are not UTF-8" },
    prefixes = { type = "resources", help = "name -> options of a resource, or a list" },
  },
  resource_options = {
    prefix = { type = "string", optional = true, help = "path in the bucket; default: name/" },
    pattern = { type = "string", optional = true, help = "glob on the rest of the name" },
  },
  resources = resources,
}
