-- Times the workloads of workloads.lua, beside a peer if one is named: what ./run bench runs.
--
--   lamina --threads 2 tests/bench/bench.lua [--peer PYTHON] [--json FILE] [--only TEXT] [--runs 5] [--seconds 0.2]
--
-- The sides take turns, `runs` times each, on the same threads; the ratio is that of the medians, peer / ours. Beside
-- every sample runs a loop of multiply-adds in registers: a sample counts only when that loop reached its own best
-- before and after it, for a busy machine slows both. No ratio is printed where the peer's own 1024 matrix product is
-- below 0.6 of that peak: its library does not know the processor then.
local base = require "lamina.core.base"
local io_core = require "lamina.core.io"

local workloads = require "workloads"

local o = { runs = "5", seconds = "0.2" }
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%w+)$"
  if not name or not arg[i + 1] then error("bench: an option without a value: " .. arg[i]) end
  o[name] = arg[i + 1]
end
local runs, seconds = math.tointeger(tonumber(o.runs)), tonumber(o.seconds)
local RETRIES, CALM, HEALTHY = 20, 0.9, 0.6

-- ---- the machine -----------------------------------------------------------------------------------------------

local best = { float32 = 0, float64 = 0 }

-- The loop's speed now, the best of a few: a single one may be cut by the system's clock tick.
local function peak(dtype)
  local value = 0
  for _ = 1, 5 do value = math.max(value, base.flops(dtype)) end
  best[dtype] = math.max(best[dtype], value)
  return value
end

local function is_calm(dtype) return peak(dtype) >= CALM * best[dtype] end

local function wait(time)
  local stop = base.clock() + time
  while base.clock() < stop do os.execute "sleep 0.1" end
end

-- f() between two looks at the machine, again until it was calm; nil after too many tries.
local function calm_sample(dtype, f)
  for _ = 1, RETRIES do
    local before, value, after = is_calm(dtype), f(), is_calm(dtype)
    if before and after then return value end
    wait(0.3)
  end
end

local function median(list)
  table.sort(list)
  local n = #list
  return n % 2 == 1 and list[n // 2 + 1] or (list[n // 2] + list[n // 2 + 1]) / 2
end

-- ---- the two sides ---------------------------------------------------------------------------------------------

local function measure(work)
  local repetitions, start = 0, base.clock()
  repeat
    work()
    repetitions = repetitions + 1
  until base.clock() - start >= seconds
  return (base.clock() - start) / repetitions
end

-- The peer: a process that answers lines; asked through a named pipe.
local Peer = {}
Peer.__index = Peer

function Peer.start(python)
  local pipe = os.tmpname()
  os.remove(pipe)
  assert(os.execute("mkfifo " .. pipe), "bench: mkfifo failed")
  local folder = arg[0]:match "^(.*)/" or "."
  local answers = assert(io.popen(string.format("%s %s/peer_torch.py <%s", python, folder, pipe), "r"))
  local questions = assert(io.open(pipe, "w"))
  os.remove(pipe)
  questions:setvbuf "line"
  return setmetatable({ questions = questions, answers = answers }, Peer)
end

function Peer:ask(question)
  self.questions:write(io_core.json_encode(question), "\n")
  return (assert(self.answers:read "l", "bench: the peer ended"))
end

function Peer:seconds(workload)
  return tonumber(self:ask { workload = workload, seconds = seconds })
end

-- ---- the table -------------------------------------------------------------------------------------------------

local peer = o.peer and Peer.start(o.peer)
local results, ratios = {}, {}

for _ = 1, 20 do peak "float32" peak "float64" end
print(string.format("lamina %s, %s, %s kernels, %d threads; peak %.0f GFLOP/s float32, %.0f float64", base.version,
  base.cpu(), base.isa(), base.threads(), best.float32 / 1e9, best.float64 / 1e9))
local healthy = peer ~= nil
if peer then
  print(peer:ask { hello = base.threads() })
  local product = { kind = "matmul", m = 1024, k = 1024, n = 1024, dtype = "float32", name = "health" }
  local samples = {}
  for i = 1, 5 do samples[i] = calm_sample("float32", function() return peer:seconds(product) end) end
  local share = #samples > 0 and 2 * 1024 ^ 3 / median(samples) / best.float32 or 0
  healthy = share >= HEALTHY
  print(string.format("its 1024 matrix product reaches %.2f of peak%s", share, healthy and ""
    or ": below 0.6, so no ratio is given (or the machine is never idle)"))
end
print(string.format("%-28s %12s %12s %7s %7s", "workload", "ours ms", "peer ms", "ratio", "peak"))

for _, workload in ipairs(workloads.list) do
  if not o.only or workload.name:find(o.only, 1, true) then
    local work, flops, dtype = workloads.make(workload)
    local ours, theirs = {}, {}
    work()
    work()
    for _ = 1, runs do
      ours[#ours + 1] = calm_sample(dtype, function() return measure(work) end)
      if peer then theirs[#theirs + 1] = calm_sample(dtype, function() return peer:seconds(workload) end) end
    end
    local mine = #ours >= runs and median(ours)
    local other = #theirs >= runs and median(theirs)
    local ratio = healthy and mine and other and other / mine
    if ratio then ratios[#ratios + 1] = ratio end
    results[#results + 1] = { workload = workload.name, ours = mine or nil, peer = other or nil, ratio = ratio or nil,
      peak = flops > 0 and mine and flops / mine / best[dtype] or nil }
    local function cell(value, format) return value and string.format(format, value) or "-" end
    print(string.format("%-28s %12s %12s %7s %7s", workload.name, cell(mine and 1e3 * mine, "%.3f"),
      cell(other and 1e3 * other, "%.3f"), cell(ratio, "%.2f"), cell(results[#results].peak, "%.2f"))
      .. (mine and "" or "  the machine was never idle"))
    work = nil
    collectgarbage()
    base.trim()
  end
end
if #ratios > 0 then
  local sum = 0
  for _, r in ipairs(ratios) do sum = sum + math.log(r) end
  print(string.format("geometric mean of %d ratios: %.2f", #ratios, math.exp(sum / #ratios)))
end
if o.json then
  io_core.text_write(o.json, io_core.json_encode({ lamina = base.version, processor = base.cpu(), isa = base.isa(),
    threads = base.threads(), peak = best, results = results }, 2) .. "\n")
end
