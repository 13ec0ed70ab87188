-- s24_lenet1989.lua: SYSTEMS S24. The zip-code network of LeCun et al. 1989: units, connections, parameters, and its
-- error on 2,007 digits after 23 passes over 7,291. The digits are MNIST's, made 16x16 by means over areas and
-- brought to -1 to 1; the targets are -1 and 1, the loss their mean squared error. The paper updates after every
-- digit; here after every four. The figure: the errors pass by pass, and what H1 of the first network learned. Needs
-- --data DIR.
local p = experiment "s24-lenet1989" { seed = 1,
  params = { passes = 23, seeds = 3, training = 7291, test = 2007, batch = 4, rate = 0.12 } }

local architecture = require "lamina.architecture"

local function result(metric, value, comparison, threshold, published)
  report { id = "S24", metric = metric, value = value, comparison = comparison, threshold = threshold,
    published = published }
end

-- ---- counts ------------------------------------------------------------------------------------------------------

print(models.lenet1989 {})
local build = architecture.plan(models.lenet1989)
local units, connections = 16 * 16, 0
for _, node in ipairs(build.nodes) do
  if #node.parameters > 0 then -- each unit has its inputs and a bias
    local here = 1
    for _, size in ipairs(node.output) do here = here * size end
    units, connections = units + here, connections + node.cost + here
  end
end
result("units", units, "==", 1256, 1256)
result("connections", connections, "==", 64660, 64660)
result("parameters", architecture.count(build), "==", 9760, 9760)

-- ---- digits ------------------------------------------------------------------------------------------------------

local digits = data.mnist { standardise = false, validation = 0 }

local function small(set, n)
  local chosen = set:shuffle(p.training):take(n):load(500)
  return data.tensors { image.resize { chosen.x, 16 } * 2 - 1, chosen.y, classes = chosen.classes }
end

local training, test = small(digits.train, p.training), small(digits.test, p.test)

local function loss(y, labels)
  return (y - (ops.one_hot(labels, { classes = 10 }):to "float32" * 2 - 1)):square():mean()
end

local errors, histories, first = {}, {}, nil
for seed = 1, p.seeds do
  local net = models.lenet1989 { seed = seed, name = "LeNet-1989-" .. seed }
  local history = train { model = net, data = training, loss = loss, epochs = p.passes, batch = p.batch, seed = seed,
    optimizer = sgd { rate = p.rate, schedule = cosine { final = 0.3 } }, validate = test, keep = "last",
    log = false }
  errors[seed] = 100 * evaluate { model = net, data = test, loss = loss }.error
  histories[seed], first = history, first or net
  print(string.format("seed %d: training error %.2f %%, test error %.2f %%", seed,
    100 * history[#history].train_error, errors[seed]))
end
local all = tensor(errors)
result("test_error_percent", all:mean():item(), "<=", 5.5, 5.0) -- the mean over the seeds
if p.seeds > 1 then result("test_error_percent_sd", all:std():item()) end

-- ---- the figure --------------------------------------------------------------------------------------------------

-- The mean over the seeds of an error pass by pass in percent, with its deviation as a band.
local function by_pass(column, label, dash)
  local line = { x = {}, y = {}, low = p.seeds > 1 and {} or nil, high = p.seeds > 1 and {} or nil, label = label,
    dash = dash }
  for pass = 1, p.passes do
    local values = {}
    for seed, history in ipairs(histories) do values[seed] = 100 * history[pass][column] end
    local mean = tensor(values):mean():item()
    line.x[pass], line.y[pass] = pass, mean
    if line.low then
      local sd = tensor(values):std():item()
      line.low[pass], line.high[pass] = math.max(mean - sd, 0), mean + sd
    end
  end
  return line
end

plot.panels { columns = 2, widths = { 3, 2 },
  plot.line { by_pass("train_error", "training, while learning", true), by_pass("valid_error", "test"),
    xlabel = "pass over 7,291 digits", ylabel = "error (%)", zero = true },
  plot.images { first:find("V1.H1").params.weight:detach(), columns = 3, title = "H1's filters" } }
  :save "figure.svg"
