--- What the benchmarks share: the machine's peak, samples that a busy machine does not spoil, medians.
--
-- Beside every sample, before and after, runs a loop of multiply-adds in registers. The sample counts only when both
-- times the loop reached CALM of its best, and the two speeds are alike: a machine that gave its cores to something
-- else slows it. Its best alone would be too strict: the clock of a processor moves by a tenth with its load and, on
-- a virtual machine, with that of strangers. For the same reason a share of the peak is taken of the peak beside the
-- sample, and a ratio of two sides, or of two numbers of threads, is the median over pairs of samples, one after the
-- other.
--
-- A loop in registers draws less power than one that also loads and stores, and some processors let it run at a
-- higher clock, to which they come back some milliseconds after other work. So there are two peaks: the loop's own,
-- and what it does at the clock that the work has left, in the first quarter of a millisecond after it.
local base = require "lamina.core.base"

local M = { best = { float32 = 0, float64 = 0 } } -- of all threads that the benchmark was started with
local RETRIES, CALM, ALIKE = 20, 0.8, 0.9
local best_of_one = { float32 = 0, float64 = 0 } -- of a single thread

-- The loop's speed now, of each thread, the median of a few: one may be cut by the system's clock tick, another run
-- at a clock that the processor keeps for a moment only.
local function look(dtype)
  local values = {}
  for i = 1, 9 do values[i] = base.flops(dtype) / base.threads() end
  local value = M.median(values)
  best_of_one[dtype] = math.max(best_of_one[dtype], value)
  M.best[dtype] = best_of_one[dtype] * base.threads()
  return value
end

-- The loop's speed, of all threads, at the clock that the processor has now: the best of a few, since one may be cut.
local function at_clock(dtype)
  local best = 0
  for _ = 1, 5 do best = math.max(best, base.flops(dtype, 10000000)) end
  return best
end

--- Looks at the machine until it has shown its best, into M.best.
function M.warm_up()
  for _ = 1, 20 do look "float32" look "float64" end
end

--- Whether a sample between two looks counts, best being the loop's best ever.
function M.is_calm(before, after, best)
  local low, high = math.min(before, after), math.max(before, after)
  return low >= CALM * best and low >= ALIKE * high
end

local function wait(time)
  local stop = base.clock() + time
  while base.clock() < stop do os.execute "sleep 0.1" end
end

--- f() between two looks at the machine, again until it was calm, the peak of all threads beside it, and that at the
-- clock that f has left; nil after too many tries.
function M.calm_sample(dtype, f)
  for _ = 1, RETRIES do
    local before, value, slower, after = look(dtype), f(), at_clock(dtype), look(dtype)
    if M.is_calm(before, after, best_of_one[dtype]) then
      return value, (before + after) / 2 * base.threads(), slower
    end
    wait(0.3)
  end
end

--- The median of a list.
function M.median(list)
  list = table.move(list, 1, #list, 1, {})
  table.sort(list)
  local n = #list
  return n % 2 == 1 and list[n // 2 + 1] or (list[n // 2] + list[n // 2 + 1]) / 2
end

--- Seconds that work() takes, the mean over at least `seconds` of repeating it.
function M.measure(work, seconds)
  local repetitions, start = 0, base.clock()
  repeat
    work()
    repetitions = repetitions + 1
  until base.clock() - start >= seconds
  return (base.clock() - start) / repetitions
end

--- The median of `runs` calm samples of work(); nil where the machine was never idle for one of them.
function M.time(work, runs, seconds)
  local samples = {}
  work()
  for i = 1, runs do
    samples[i] = M.calm_sample("float32", function() return M.measure(work, seconds) end)
    if not samples[i] then return nil end
  end
  return M.median(samples)
end

--- The options of a command line, --name value, over those of `defaults`.
function M.options(list, defaults)
  for i = 1, #list, 2 do
    local name = list[i]:match "^%-%-(%w+)$"
    if not name or not list[i + 1] then error("bench: an option without a value: " .. list[i]) end
    defaults[name] = list[i + 1]
  end
  return defaults
end

return M
