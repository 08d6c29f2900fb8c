-- tests/support/leaks.lua: looking for secrets in whatever a run leaves behind.
local files = require "tests.support.files"
local lfs = require "lfs"
local process = require "tests.support.process"

local leaks = {}

function leaks.base64(text)
  return process.must({ "base64", "-w0", files.write(files.temp() .. "/x", text) })
end

function leaks.urlencoded(text)
  return (text:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- The forms in which values (name -> text) may be written, as { name, text }.
function leaks.forms(values)
  local list = {}
  local function add(name, text) list[#list + 1] = { name, text } end
  for name, value in pairs(values) do
    add(name, value)
    add(name .. " in a URL", leaks.urlencoded(value))
    add(name .. " in a form", (leaks.urlencoded(value):gsub("%%20", "+")))
    add(name .. " in JSON", (value:gsub('[\\"]', "\\%0"):gsub("/", "\\/")))
    add(name .. " in JSON twice", (value:gsub('[\\"]', "\\\\\\%0")))
    add(name .. ", its beginning", value:sub(1, 12))
    for before = 0, 2 do
      -- Without the digits at its ends, which other bytes decide, too.
      local text = leaks.base64(("x"):rep(before) .. value)
      add(name .. " in base64", text:sub(before > 0 and 5 or 1, 16))
    end
  end
  return list
end

-- Raises when one of the forms is in the text.
function leaks.search(what, text, list)
  for _, form in ipairs(list) do
    local at = text:find(form[2], 1, true)
    if at then
      error(("%s: %s is in it: ...%s..."):format(form[1], what, text:sub(at - 60, at + 60)), 2)
    end
  end
end

-- The same for all files of a folder but those below secrets/.
function leaks.search_folder(folder, list)
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    if lfs.attributes(path, "mode") == "directory" then
      if not name:match "^%.%.?$" and name ~= "secrets" then leaks.search_folder(path, list) end
    else
      leaks.search(path, files.read(path) or "", list)
    end
  end
end

return leaks
