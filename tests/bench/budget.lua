-- All layers of AlexNet for 1000 images of 224 x 224, and maps from each of them to 168 neuroids, within 2 GB: what
-- ./run bench --budget runs.
--
--   lamina --threads 2 tests/bench/budget.lua [--images 1000] [--budget 2] [--width 1]
--
-- The activations are 4.4 GB in a file; of 21 layers, up to 193,600 features, all products of images come from one
-- pass over them, and of these ordinary least squares, ridge, PLS, RDMs and CKA. Weights and images are random: what
-- is shown is memory and time. The neuroids are noisy sums of units of the last hidden layer, which therefore must
-- come first in the table. Printed is the largest resident size of the process as the system counts it, program,
-- libraries and pages of mapped files included; ends with 1 where that is above the budget (GB).
local base = require "lamina.core.base"
local machine = require "machine"

local o = machine.options(arg, { images = "1000", budget = "2", width = "1" })
local n, budget = math.tointeger(tonumber(o.images)), tonumber(o.budget)
local begin = base.clock()

local function peak()
  for line in io.lines "/proc/self/status" do
    local kB = line:match "^VmHWM:%s+(%d+)"
    if kB then return kB * 1024 / 1e9 end
  end
end

local function say(what)
  print(string.format("%-32s %6.1f s   at most %.2f GB until now", what, base.clock() - begin, peak()))
end

collectgarbage("incremental", 110) -- tensors that nothing holds go soon, not when as many again are there
io.stdout:setvbuf "line"
-- The neuroids, and the products of images in all layers, which are all that the maps need: the model, the images and
-- the activations are gone afterwards.
local function record()
  local net = models.alexnet { width = tonumber(o.width) }
  local ids = {}
  for i = 1, n do ids[i] = "image " .. i end
  local images = data.from { n, function(i) return randn { 3, 224, 224, seed = i }, 0 end }
  images.id = ids
  local folder = os.tmpname()
  os.remove(folder)
  local acts = activations { model = net, stimuli = images, layers = "all", memory = budget * 0.5e9, cache = folder }
  say "activations of all layers"

  local last = acts:select { layer = "IT.relu3" }:mean():to "float64"
  last = last - last:mean { dim = 1, keepdim = true }
  local mean = last:matmul(randn { last:size(2), 168, seed = 1, dtype = "float64" })
  local noise = randn { n, 168, 4, seed = 2, dtype = "float64" } * (0.5 * mean:std():item())
  local neurons = neural.assembly { file = { responses = mean:unsqueeze(3) + noise, stimulus_id = ids } }
  say "simulated neuroids"

  local products = neural.gram { features = acts }
  say "products of images"
  os.execute("rm -rf '" .. folder .. "'")
  return products, neurons
end

local products, neurons = record()
collectgarbage()
local best = {}
for _, map in ipairs { { "ordinary least squares", ols {} }, { "PLS, 25 components", pls(25) },
  { "ridge, 10 penalties in 5 folds", ridge { alphas = logspace(-1, 5, 10) } } } do
  local score = predictivity { features = products, responses = neurons, mapping = map[2], splits = kfold { 5 } }
  say(map[1])
  collectgarbage() -- what one map made of each layer goes before the next comes
  for _, row in ipairs(score.rows) do
    if not best[map[1]] or row.r > best[map[1]].r then best[map[1]] = row end
  end
  print(string.format("  %d layers to %d neuroids; best is %s, r %.3f", #score.rows, score.rows[1].n,
    best[map[1]].layer, best[map[1]].r))
end
products:rdm {}
products:cka {}
say "RDMs and CKA of all layers"

local most = peak()
print(string.format("%.2f GB of %g GB: %s", most, budget, most <= budget and "within the budget" or "too much"))
os.exit(most <= budget)
