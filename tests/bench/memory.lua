-- How much memory training takes: what ./run bench --memory runs.
--
--   lamina --threads 2 tests/bench/memory.lua [--peer PYTHON] [--only TEXT]
--
-- The largest resident size of a process that does nothing but make a network and train it for three steps, as the
-- system counts it: the program and its libraries included. Ours and the peer's run one after the other; a busy
-- machine changes nothing. The last line names what takes more than 0.6 of the peer's.
local base = require "lamina.core.base"
local io_core = require "lamina.core.io"

local workloads = require "workloads"

local TARGET, STEPS = 0.6, 3

local o = {}
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%w+)$"
  if not name or not arg[i + 1] then error("memory: an option without a value: " .. arg[i]) end
  o[name] = arg[i + 1]
end

-- The part of the child: the steps, then the largest resident size in kB.
if o.child then
  for _, w in ipairs(workloads.list) do
    if w.name == o.child then
      local work = workloads.make(w)
      for _ = 1, STEPS do work() end
    end
  end
  for line in io.lines "/proc/self/status" do
    if line:match "^VmHWM" then print(line:match "%d+") end
  end
  return
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- The number that a command prints; nil where it prints none.
local function answer(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read "a"
  pipe:close()
  return tonumber(text:match "(%d+)%s*$")
end

local function ours(w)
  local pipe = io.popen "readlink /proc/$PPID/exe"
  local program = pipe:read "l"
  pipe:close()
  return answer(string.format("%s --threads %d %s --child %s", quote(program), base.threads(), quote(arg[0]),
    quote(w.name)))
end

local function theirs(w)
  local folder = arg[0]:match "^(.*)/" or "."
  local hello = io_core.json_encode { hello = base.threads() }
  local request = io_core.json_encode { memory = STEPS, workload = w }
  return answer(string.format("printf '%%s\\n' %s %s | %s %s", quote(hello), quote(request), quote(o.peer),
    quote(folder .. "/peer_torch.py")))
end

io.stdout:setvbuf "line"
print(string.format("%-28s %10s %10s %7s", "workload", "ours MB", "peer MB", "share"))
local missed = {}
for _, w in ipairs(workloads.list) do
  if w.kind == "train" and (not o.only or w.name:find(o.only, 1, true)) then
    local mine, other = ours(w), o.peer and theirs(w)
    local share = mine and other and mine / other
    local function cell(value, format) return value and string.format(format, value) or "-" end
    print(string.format("%-28s %10s %10s %7s", w.name, cell(mine and mine / 1024, "%.0f"),
      cell(other and other / 1024, "%.0f"), cell(share, "%.2f")))
    if share and share > TARGET then missed[#missed + 1] = string.format("%s %.2f", w.name, share) end
  end
end
if #missed > 0 then print("above " .. TARGET .. ": " .. table.concat(missed, ", ")) end
