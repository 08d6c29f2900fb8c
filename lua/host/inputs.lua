-- Files that are named on the command line, and how their content is to be read: shared by `load`
-- and `preview`.

local err = require "host.err"
local files = require "host.files"
local nearest = require "host.nearest"
local remote_inputs = require "host.remote_inputs"
local system = require "host.system"

local inputs = {}

inputs.options = {
  { "input-format", value = "KIND", one_of = { "csv", "jsonl", "json" },
    help = "csv, jsonl or json (default: by name and content)" },
  { "delimiter", value = "C",
    help = "what separates fields in CSV; \\t is a tab (default: detected)" },
  { "no-header", help = "the first line of a CSV is a row; columns are column_1, column_2, ..." },
  { "null", value = "TEXT", many = true, help = "an unquoted field with this text is NULL" },
  { "encoding", value = "NAME",
    one_of = { "utf-8", "utf-16le", "utf-16be", "latin1", "windows-1252" },
    help = "of a CSV: utf-8, utf-16le, utf-16be, latin1 or windows-1252 (default: by its mark, "
      .. "or UTF-8)" },
  { "compression", value = "NAME", one_of = { "plain", "gzip", "zstd", "brotli" },
    help = "plain, gzip, zstd or brotli (default: seen; brotli by the name's .br only)" },
  { "path", value = "PATH", help = "where the rows are in a JSON document, such as data.items" },
}

-- For tests, and for tuning.
inputs.unit_bytes = {
  "unit-bytes", value = "N", integer = true,
  help = "encoded bytes that commit together (default: 32 MiB shared by the lanes and one more)",
}

-- For tests: what is loaded must not depend on it.
inputs.chunk_bytes = {
  "chunk-bytes", value = "N", integer = true, min = 1, max = 1048576,
  help = "bytes of a file that are read at a time (default: 262144)",
}

-- Lists of options as one.
function inputs.and_options(...)
  local all = {}
  for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
  return all
end

-- The options as a format for the engine; nil when none was given.
function inputs.format(args)
  local delimiter = args.delimiter
  if delimiter == "\\t" or delimiter == "tab" then delimiter = "\t" end
  if delimiter and #delimiter ~= 1 then
    return nil, err.new {
      class = "config",
      message = ("--delimiter is one character, not \"%s\""):format(args.delimiter),
    }
  end
  local format = {
    type = args.input_format,
    delimiter = delimiter,
    nulls = args.null,
    encoding = args.encoding,
    compression = args.compression,
    path = args.path,
  }
  if args.no_header then format.header = false end
  return next(format) and format or nil
end

local function not_there(path, problem)
  local folder, name = path:match "^(.*)/([^/]*)$"
  local names = files.list(folder or ".") or {}
  local near = nearest.of(name or path, names)
  return err.new {
    class = "not_found",
    message = problem.message,
    hint = near and ("did you mean %s%s?"):format(folder and folder .. "/" or "", near) or nil,
  }
end

-- Is there something to read under each of these names? true | nil, err
function inputs.check(paths)
  for _, path in ipairs(paths) do
    if path == "-" then
      if system.is_terminal(0) then
        return nil, err.new {
          class = "config",
          message = "- reads the standard input, and that is this terminal",
          hint = "pipe a file in: zcat orders.csv.gz | etlhost load - --into orders",
        }
      end
    elseif not remote_inputs.is(path) then -- whether those are there will be seen
      local found, problem = files.stat(path)
      if not found then return nil, not_there(path, problem) end
      if found.type == "folder" then
        return nil, err.new {
          class = "config",
          message = path .. " is a folder",
          hint = "name its files: " .. path:gsub("/$", "") .. "/*.csv",
        }
      end
    end
  end
  return true
end

return inputs
