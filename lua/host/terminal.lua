-- A stream that people read: whether it is a terminal, how wide, and with or without colours.

local system = require "host.system"

local terminal = {}
terminal.__index = terminal

local codes = { bold = "1", dim = "2", red = "31", green = "32", yellow = "33", blue = "34" }

-- options: stream, is_terminal, width, colour. `terminal.open(1)` finds them out.
function terminal.new(options)
  return setmetatable({
    stream = options.stream,
    is_terminal = options.is_terminal or false,
    width = options.width or 100,
    colour = options.colour or false,
    line_open = false, -- a line that will be redrawn is on the screen
  }, terminal)
end

function terminal.open(descriptor)
  local is_terminal = system.is_terminal(descriptor)
  local no_color = os.getenv "NO_COLOR"
  return terminal.new {
    stream = descriptor == 1 and io.stdout or io.stderr,
    is_terminal = is_terminal,
    width = is_terminal and system.terminal_width(descriptor) or nil,
    colour = is_terminal and (no_color == nil or no_color == "") and os.getenv "TERM" ~= "dumb",
  }
end

function terminal:style(name, s)
  if not self.colour or s == "" then return s end
  return "\27[" .. codes[name] .. "m" .. s .. "\27[0m"
end

function terminal:write(...)
  self:clear()
  self.stream:write(...)
end

function terminal:print(...)
  self:write(...)
  self.stream:write "\n"
end

-- A line that the next one, or the next print, replaces.
function terminal:redraw(s)
  self.stream:write("\r", s, "\27[K")
  self.stream:flush()
  self.line_open = true
end

function terminal:clear()
  if not self.line_open then return end
  self.stream:write "\r\27[K"
  self.line_open = false
end

function terminal:flush()
  self.stream:flush()
end

return terminal
