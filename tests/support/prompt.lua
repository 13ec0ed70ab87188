--- The prompt at a terminal of its own, that `script` (util-linux) gives it, for tests: what is typed, what is shown.
local base = require "lamina.core.base"
local command = require "support.command"

local M = {}

local dir, keys, output

--- A new folder, in which the prompt runs; M.drop removes it.
function M.folder()
  dir = command.folder()
  return dir
end

function M.drop() command.drop(dir) end

--- Starts the prompt; what `send` writes is typed into it. settings: of its environment; without any there are no
-- colours, which would write each line anew with every key.
function M.start(settings)
  output = dir .. "/screen"
  os.remove(output)
  os.remove(dir .. "/code")
  -- `exec`: a shell that stayed between would die of the Ctrl-C meant for the prompt, as dash does.
  local program = command.quote("exec " .. command.quote(command.path))
  local line = string.format("cd %s && env HOME=%s XDG_STATE_HOME=%s/state XDG_CONFIG_HOME=%s/config TERM=xterm "
    .. "COLUMNS=200 PAGER=cat SHELL=/bin/sh %s timeout 100 script -qec %s /dev/null >%s; echo $? >%s/code", dir, dir,
    dir, dir, settings or "NO_COLOR=1", program, output, dir)
  keys = assert(io.popen(line, "w"))
  keys:setvbuf "no"
end

--- What the screen shows, without the terminal's control sequences.
function M.screen()
  return ((command.read(output) or ""):gsub("\27%[[%d;?]*[%a]", ""):gsub("\r", ""):gsub("\a", ""))
end

--- Waits until the screen shows `text` after position `from`; raises after 20 s. Returns the position behind it.
function M.expect(text, from)
  local last = base.clock() + 20
  repeat
    local _, stop = M.screen():find(text, from or 1, true)
    if stop then return stop + 1 end
    os.execute "sleep 0.02"
  until base.clock() > last
  error(string.format("%q does not come; the screen shows:\n%s", text, M.screen():sub(from or 1)), 2)
end

--- Types a text.
function M.send(text) keys:write(text) end

--- Leaves by Ctrl-D; returns the exit code.
function M.leave(mark)
  M.expect("> ", mark)
  M.send "\4"
  local last = base.clock() + 20
  while not command.read(dir .. "/code") and base.clock() < last do os.execute "sleep 0.02" end
  keys:close()
  assert(base.clock() < last, "the prompt does not end at Ctrl-D")
  return math.tointeger(tonumber(command.read(dir .. "/code")))
end

--- The bytes that the terminal got.
function M.raw() return command.read(output) end

--- Closes the keyboard, where the prompt has been told to end already.
function M.close() keys:close() end

--- Whether there is a terminal to be had: `script`, and a system that gives pseudo-terminals.
M.has_terminal = os.execute "SHELL=/bin/sh script -qec true /dev/null </dev/null >/dev/null 2>&1" ~= nil

return M
