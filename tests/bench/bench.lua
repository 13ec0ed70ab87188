-- Times the workloads of workloads.lua, beside a peer if one is named: what ./run bench runs.
--
--   lamina --threads 2 tests/bench/bench.lua [--peer PYTHON] [--json FILE] [--only TEXT] [--runs 5] [--seconds 0.2]
--
-- The sides take turns, `runs` times each, on the same threads; samples from a busy machine do not count
-- (machine.lua). Times are medians; the ratio is the median over the turns of peer / ours, the share of the peak that
-- over our samples of their speed by the peak measured beside each, and `clock` the same by the peak at the clock
-- that the workload runs at (machine.lua). No ratio is printed where the peer's own 1024 matrix product is below 0.6
-- of the peak: its library does not know the processor then. The last lines name the targets (targets.lua) that were
-- missed.
local base = require "lamina.core.base"
local io_core = require "lamina.core.io"

local machine = require "machine"
local targets = require "targets"
local workloads = require "workloads"

local o = machine.options(arg, { runs = "5", seconds = "0.2" })
local runs, seconds = math.tointeger(tonumber(o.runs)), tonumber(o.seconds)
local HEALTHY = 0.6
local best, calm_sample, median = machine.best, machine.calm_sample, machine.median

-- ---- the two sides ---------------------------------------------------------------------------------------------

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

machine.warm_up()
print(string.format("lamina %s, %s, %s kernels, %d threads; peak %.0f GFLOP/s float32, %.0f float64", base.version,
  base.cpu(), base.isa(), base.threads(), best.float32 / 1e9, best.float64 / 1e9))
local healthy = peer ~= nil
if peer then
  print(peer:ask { hello = base.threads() })
  local product = { kind = "matmul", m = 1024, k = 1024, n = 1024, dtype = "float32", name = "health" }
  local samples = {}
  for _ = 1, 5 do
    local taken, peak = calm_sample("float32", function() return peer:seconds(product) end)
    samples[#samples + 1] = taken and 2 * 1024 ^ 3 / taken / peak
  end
  local share = #samples > 0 and median(samples) or 0
  healthy = share >= HEALTHY
  print(string.format("its 1024 matrix product reaches %.2f of peak%s", share, healthy and ""
    or ": below 0.6, so no ratio is given (or the machine is never idle)"))
end
print(string.format("%-28s %12s %12s %7s %7s %7s", "workload", "ours ms", "peer ms", "ratio", "peak", "clock"))

for _, workload in ipairs(workloads.list) do
  if not o.only or workload.name:find(o.only, 1, true) then
    local work, flops, dtype = workloads.make(workload)
    local ours, theirs, pairs_of, shares, clocks = {}, {}, {}, {}, {}
    work()
    work()
    for _ = 1, runs do
      local mine, peak, slower = calm_sample(dtype, function() return machine.measure(work, seconds) end)
      local other = peer and calm_sample(dtype, function() return peer:seconds(workload) end)
      ours[#ours + 1], theirs[#theirs + 1] = mine, other or nil
      pairs_of[#pairs_of + 1] = mine and other and other / mine or nil
      if mine and flops > 0 then
        shares[#shares + 1], clocks[#clocks + 1] = flops / mine / peak, flops / mine / slower
      end
    end
    local mine = #ours >= runs and median(ours)
    local other = #theirs >= runs and median(theirs)
    local ratio = healthy and mine and other and median(pairs_of)
    if ratio then ratios[#ratios + 1] = ratio end
    results[#results + 1] = { workload = workload.name, ours = mine or nil, peer = other or nil, ratio = ratio or nil,
      peak = mine and #shares > 0 and median(shares) or nil, clock = mine and #clocks > 0 and median(clocks) or nil,
      target = workload.target }
    local function cell(value, format) return value and string.format(format, value) or "-" end
    print(string.format("%-28s %12s %12s %7s %7s %7s", workload.name, cell(mine and 1e3 * mine, "%.3f"),
      cell(other and 1e3 * other, "%.3f"), cell(ratio, "%.2f"), cell(results[#results].peak, "%.2f"),
      cell(results[#results].clock, "%.2f"))
      .. (mine and "" or "  the machine was never idle"))
    work = nil
    collectgarbage()
    base.trim()
  end
end
if #ratios > 0 then
  print(string.format("geometric mean of %d ratios: %.2f", #ratios, targets.mean(ratios)))
end
local missed = targets.check(results)
for _, line in ipairs(missed) do print(line) end
if o.json then
  io_core.text_write(o.json, io_core.json_encode({ lamina = base.version, processor = base.cpu(), isa = base.isa(),
    threads = base.threads(), peak = best, results = results, missed = missed }, 2) .. "\n")
end
