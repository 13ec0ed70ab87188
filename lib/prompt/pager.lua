--- Long texts at a terminal go through a pager: what PAGER names, else less, which keeps colours and leaves by itself
-- where the text fits on the screen. Where that is not installed, the text is printed.
local base = require "lamina.core.base"
local terminal = require "lamina.core.terminal"

local M = {}

-- Whether a text has more lines than the screen.
local function is_long(text)
  local size = terminal.size()
  local lines = 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local shown = utf8.len((line:gsub("\27%[[%d;]*m", ""))) or #line
    lines = lines + math.max(1, (shown + size.columns - 1) // size.columns)
  end
  return lines > size.rows - 1
end

local NOT_FOUND, NO_PROGRAM = 127, 126 -- what the shell says of a pager that it cannot start

-- Hands a text to a pager; false where there is no such program.
local function page(pager, text)
  io.stdout:flush()
  local pipe = io.popen(pager, "w")
  local code
  if pipe then
    terminal.quietly(function() -- one who leaves the pager early closes the pipe
      pipe:write(text, "\n")
      code = select(3, pipe:close())
    end)
  end
  return pipe ~= nil and code ~= NOT_FOUND and code ~= NO_PROGRAM
end

--- Prints a text, through a pager where it is longer than the screen of a terminal. PAGER=cat (or an empty PAGER)
-- never pages.
function M.print(text)
  local pager = base.getenv "PAGER" or "less -FRX"
  local paged = base.isatty(0) and base.isatty(1) and pager ~= "" and pager ~= "cat" and is_long(text)
  if not (paged and page(pager, text)) then print(text) end
end

--- Prints a text of help, in lines as long as the terminal is wide where that is narrower than they are.
function M.prose(text)
  local wrapped = base.isatty(1) and require("lamina.help.wrap").wrapped(text, terminal.size().columns)
  M.print(wrapped or text)
end

return M
