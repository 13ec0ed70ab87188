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

-- Whether the program that a command line of sh begins with is there; one that begins otherwise ("A=b less") may be.
local function is_there(line)
  local program = line:match "^%s*([^%s=]+)%s" or line:match "^%s*([^%s=]+)$"
  return not program or os.execute("command -v " .. require("lamina.shell").quoted(program) .. " >/dev/null 2>&1")
end

-- Hands a text to a pager; false where there is no such program.
local function page(pager, text)
  if not is_there(pager) then return false end
  io.stdout:flush()
  local pipe = io.popen(pager, "w")
  if not pipe then return false end
  terminal.quietly(function() -- one who leaves the pager early closes the pipe
    pipe:write(text, "\n")
    pipe:close()
  end)
  return true
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
