-- How the cost of a training step grows with the work: what ./run bench --scaling runs.
--
--   lamina --threads 2 tests/bench/scaling.lua [--json FILE] [--only TEXT] [--runs 5] [--seconds 0.2]
--
-- A small convolutional network is trained with one of its sizes doubled again and again while the others stay; the
-- exponent is the slope of log(time) over log(size) by least squares. Batch and depth should cost their first power,
-- image side and width their second, less where what does not grow still counts. Then ResNet-18 on 1 and 2 threads.
local base = require "lamina.core.base"
local io_core = require "lamina.core.io"

local machine = require "machine"
local workloads = require "workloads"

local M = {}
local SPEED_UP = 1.8 -- the target on 2 threads

--- The slope of log(y) over log(x) by least squares.
function M.exponent(x, y)
  local n, mx, my, above, below = #x, 0, 0, 0, 0
  for i = 1, n do mx, my = mx + math.log(x[i]) / n, my + math.log(y[i]) / n end
  for i = 1, n do
    local dx = math.log(x[i]) - mx
    above, below = above + dx * (math.log(y[i]) - my), below + dx * dx
  end
  return above / below
end

M.axes = {
  { name = "batch", sizes = { 8, 16, 32, 64, 128 }, expected = 1 },
  { name = "side", sizes = { 8, 16, 32, 64, 128 }, expected = 2 },
  { name = "depth", sizes = { 2, 4, 8, 16, 32 }, expected = 1 },
  { name = "width", sizes = { 16, 32, 64, 128, 256 }, expected = 2 },
}

--- A training step of the network: { batch =, side =, depth =, width = }, those absent being 16, 32, 4 and 32.
function M.step(size)
  local batch, side, width = size.batch or 16, size.side or 32, size.width or 32
  local layers = {}
  for _ = 1, size.depth or 4 do
    layers[#layers + 1] = conv { width, kernel = 3, pad = 1 }
    layers[#layers + 1] = relu
  end
  local net = model "scaling" { input { width, side, side }, area "stack"(layers),
    readout "class" { pool.global "avg", dense { 10 } } }
  local x, y, optimizer = randn { batch, width, side, side }, randint(1, 10, { batch }), sgd { rate = 0.01 }
  optimizer:attach(net)
  return function()
    local output = net:forward(x, { training = true, step = 1 })
    local loss = cross_entropy(output, y)
    optimizer:step(loss)
    output:release()
    loss:release()
  end
end

local function time(work, o)
  local taken = machine.time(work, math.tointeger(tonumber(o.runs)), tonumber(o.seconds))
  collectgarbage()
  base.trim()
  return taken
end

local function cells(list, format)
  local text = {}
  for i, value in ipairs(list) do text[i] = string.format("%9s", string.format(format, value)) end
  return table.concat(text, " ")
end

local function grow(axis, o)
  local times, sizes = {}, {}
  for _, size in ipairs(axis.sizes) do
    local taken = time(M.step { [axis.name] = size }, o)
    if taken then sizes[#sizes + 1], times[#times + 1] = size, taken end
  end
  local exponent = #times >= 3 and M.exponent(sizes, times) or nil
  print(string.format("%-8s%s", axis.name, cells(sizes, "%d")))
  local ms = {}
  for i, taken in ipairs(times) do ms[i] = 1e3 * taken end
  print(string.format("%-8s%s   exponent %s, expected up to %d", "  ms", cells(ms, "%.2f"),
    exponent and string.format("%.2f", exponent) or "- (the machine was never idle)", axis.expected))
  return { axis = axis.name, sizes = sizes, ms = ms, exponent = exponent }
end

-- One thread and two in turns: the speed-up is the median over the turns.
local function threads(o)
  local work, taken, ratios = workloads.make { kind = "train", net = "ResNet-18", batch = 16 }, { {}, {} }, {}
  local before, runs = base.threads(), math.tointeger(tonumber(o.runs))
  work()
  for turn = 1, runs do
    for n = 1, 2 do
      base.threads(n)
      taken[n][turn] = machine.calm_sample("float32", function()
        return machine.measure(work, tonumber(o.seconds))
      end)
    end
    ratios[turn] = taken[1][turn] and taken[2][turn] and taken[1][turn] / taken[2][turn]
  end
  base.threads(before)
  if #ratios < runs then
    print "ResNet-18, batch 16: the machine was never idle"
    return nil
  end
  local ratio = machine.median(ratios)
  taken = { machine.median(taken[1]), machine.median(taken[2]) }
  print(string.format("ResNet-18, batch 16: %.0f ms on 1 thread, %.0f on 2: %.2f times as fast", 1e3 * taken[1],
    1e3 * taken[2], ratio))
  if ratio < SPEED_UP then
    print(string.format("missed: speed-up on 2 threads %.2f, target %.2f", ratio, SPEED_UP))
  end
  return { ms = { 1e3 * taken[1], 1e3 * taken[2] }, speed_up = ratio, target = SPEED_UP }
end

local function main()
  local o = machine.options(arg, { runs = "5", seconds = "0.2" })
  local growth, speed_up = {}, nil
  machine.warm_up()
  print(string.format("lamina %s, %s, %s kernels, %d threads: a training step as the work grows", base.version,
    base.cpu(), base.isa(), base.threads()))
  for _, axis in ipairs(M.axes) do
    if not o.only or axis.name:find(o.only, 1, true) then growth[#growth + 1] = grow(axis, o) end
  end
  if not o.only or ("threads"):find(o.only, 1, true) then speed_up = threads(o) end
  if o.json then
    io_core.text_write(o.json, io_core.json_encode({ lamina = base.version, processor = base.cpu(), isa = base.isa(),
      threads = base.threads(), growth = growth, resnet18 = speed_up }, 2) .. "\n")
  end
end

if arg and arg[0] and arg[0]:match "scaling%.lua$" then main() end

return M
