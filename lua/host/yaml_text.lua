-- Values as YAML that etlhost, and any other reader of YAML, reads back as they are.

local doc = require "host.doc"

local yaml_text = {}

local words = {
  ["null"] = true, ["true"] = true, ["false"] = true, yes = true, no = true, on = true, off = true,
  y = true, n = true,
}

local function quoted(s)
  return '"' .. s:gsub('[\\"]', "\\%0"):gsub("\n", "\\n"):gsub("\t", "\\t"):gsub("%c",
    function(c) return ("\\x%02x"):format(c:byte()) end) .. '"'
end

-- A text: as it is where nothing in YAML takes it for something else.
function yaml_text.scalar(s)
  local is_plain = s:match "^[%a_/.][%w_/.@:+ -]*$" and not s:match ":%f[%s\0]" and not s:match " $"
    and not words[s:lower()] and not s:match "^%.+$" and not s:match "^%.%d"
    and not s:lower():match "^%.inf$" and not s:lower():match "^%.nan$"
  return is_plain and s or quoted(s)
end

-- A key of a map.
yaml_text.key = yaml_text.scalar

local function is_list(value)
  return getmetatable(value) == getmetatable(doc.list {}) or value[1] ~= nil
end

local function sorted_keys(value)
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- Any value on one line.
function yaml_text.flow(value)
  if value == doc.null or value == nil then return "null" end
  if type(value) == "string" then
    return (yaml_text.scalar(value):gsub("^[^\"].*[,%[%]{}].*$", quoted))
  end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  local parts = {}
  if is_list(value) then
    for i, one in ipairs(value) do parts[i] = yaml_text.flow(one) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  for i, key in ipairs(sorted_keys(value)) do
    parts[i] = yaml_text.key(key) .. ": " .. yaml_text.flow(value[key])
  end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

-- A list of { line, comment }: the items of host.effective.
function yaml_text.lines(items, indent, list)
  indent, list = indent or "", list or {}
  for _, item in ipairs(items) do
    local head = indent .. yaml_text.key(item.key) .. ":"
    if item.children and #item.children > 0 then
      list[#list + 1] = { head, nil }
      yaml_text.lines(item.children, indent .. "  ", list)
    else
      list[#list + 1] = { head .. " " .. yaml_text.flow(item.children and {} or item.value),
        item.origin }
    end
  end
  return list
end

return yaml_text
