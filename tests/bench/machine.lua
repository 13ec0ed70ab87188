--- What the benchmarks share: the machine's peak, samples that a busy machine does not spoil, medians.
--
-- Beside every sample runs a loop of multiply-adds in registers: a sample counts only when that loop reached its own
-- best before and after it, for a busy machine slows both.
local base = require "lamina.core.base"

local M = { best = { float32 = 0, float64 = 0 } }
local RETRIES, CALM = 20, 0.9

-- The loop's speed now, the best of a few: a single one may be cut by the system's clock tick.
local function peak(dtype)
  local value = 0
  for _ = 1, 5 do value = math.max(value, base.flops(dtype)) end
  M.best[dtype] = math.max(M.best[dtype], value)
  return value
end

--- Looks at the machine until it has shown its best, into M.best.
function M.warm_up()
  for _ = 1, 20 do peak "float32" peak "float64" end
end

local function is_calm(dtype) return peak(dtype) >= CALM * M.best[dtype] end

local function wait(time)
  local stop = base.clock() + time
  while base.clock() < stop do os.execute "sleep 0.1" end
end

--- f() between two looks at the machine, again until it was calm; nil after too many tries.
function M.calm_sample(dtype, f)
  for _ = 1, RETRIES do
    local before, value, after = is_calm(dtype), f(), is_calm(dtype)
    if before and after then return value end
    wait(0.3)
  end
end

--- The median of a list, which is sorted.
function M.median(list)
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
