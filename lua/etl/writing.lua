-- etl.writing: what the words about writing (write, key, cursor ...) mean together.
local writing = {}

local function as_list(value)
  if type(value) == "table" then return value end
  return { value }
end

local needs_key = { merge = true, insert_only = true, history = true }
local knows_delete = { merge = true, history = true }

local function nests(value)
  if type(value) ~= "table" then return value == "tables" end
  for _, word in pairs(value) do
    if word == "tables" then return true end
  end
  return false
end

local function write_of(options)
  local has_key = options.key ~= nil and as_list(options.key)[1] ~= nil
  return options.write or (has_key and "merge" or "append"), has_key
end

-- Would what is read again be appended again? nil, or { message, hint }. `lag` and `closed` may be
-- the cursor's, or those of ctx:windows.
function writing.appends_twice(options, lag, closed)
  local write, has_key = write_of(options)
  if write ~= "append" then return nil end
  if lag then
    return { message = "a lag is read again each time, and `append` would add its rows again",
      hint = "declare `key`, or write = \"restate\"" }
  end
  if closed and not has_key then
    return { message = "a closed bound gives its rows in two windows, and `append` without a key "
      .. "cannot tell them", hint = "declare `key`: rows are merged by it; with write = "
      .. "\"append\" beside it those at the lower bound are replaced" }
  end
end

-- With an order, the values of the cursor are what the service is asked by, and are held against
-- each other as they come.
local function check_order(options, report)
  local cursor = options.cursor
  for _, word in ipairs { "drop", "hash", "mask" } do
    for _, name in ipairs(as_list(options[word]) or {}) do
      if name == cursor.field then
        report(("cursor: order = \"ascending\" needs the values of %s, which `%s` takes away")
          :format(name, word))
      end
    end
  end
  if (options.constants or {})[cursor.field] ~= nil then
    report(("cursor: %s has one value (`constants`), so nothing is in its order")
      :format(cursor.field))
  end
end

-- What the words about writing mean together, once a pipeline has had its say.
function writing.check(options, report)
  local write, has_key = write_of(options)
  if needs_key[write] and not has_key then
    report(("write = \"%s\" needs `key`: the columns that tell one row from another"):format(write))
  end
  if write == "restate" and options.cursor == nil then
    report "write = \"restate\" needs `cursor`: the column that tells a row's period"
  end
  local cursor = type(options.cursor) == "table" and options.cursor or {}
  local twice = writing.appends_twice(options, cursor.lag, cursor.closed)
  if twice then report(twice.message .. ": " .. twice.hint) end
  if cursor.order then check_order(options, report) end
  if options.merge and write ~= "merge" then
    report(("merge = \"%s\" means nothing with write = \"%s\""):format(options.merge, write))
  end
  if nests(options.nested) and write == "history" then
    report "nested = \"tables\" is not to be had with write = \"history\": lists stay json there"
  end
  if options.hard_delete and not knows_delete[write] then
    report(("hard_delete means nothing with write = \"%s\""):format(write))
  end
end

return writing
