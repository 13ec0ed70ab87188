--- lamina.tolerance: how alike the answers of each layer to an image and to the same image moved are.
local errors = require "lamina.errors"
local models = require "lamina.model"
local io = require "lamina.core.io"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

local Tolerance = { __name = "tolerance" }
local methods = {}
Tolerance.__index = object.index("a tolerance", methods, "layers shifts similarity measure stimuli")

Tolerance.__tostring = function(self)
  local widest = 5
  for _, name in ipairs(self.layers) do widest = math.max(widest, #name) end
  local head = { "layer" .. string.rep(" ", widest - 5) }
  for _, shift in ipairs(self.shifts) do head[#head + 1] = string.format("%6g", shift) end
  local lines = { string.format("tolerance: %d images, %s between an image and the same moved by 0 to %g",
    self.stimuli, self.measure, self.shifts[#self.shifts]), table.concat(head, "  ") }
  for i, name in ipairs(self.layers) do
    local cells = { name .. string.rep(" ", widest - #name) }
    for k in ipairs(self.shifts) do cells[#cells + 1] = string.format("%6.3f", self.similarity[{ i, k }]) end
    lines[#lines + 1] = table.concat(cells, "  ")
  end
  return table.concat(lines, "\n")
end

--- tolerance:csv(path): writes the similarities as a table, a row for each layer and shift, into the
-- folder of the experiment. Returns the tolerance.
-- > net = model "m" { input { 1, 16, 16 }, area "V1" { conv { 4, kernel = 3 }, relu } }
-- > seen = tolerance { net, stimuli.objects { n = 4, size = 16 }, shifts = { 0, 2 } }
-- > #data.csv(seen:csv "tolerance.csv" and "tolerance.csv").layer   --> 4
function methods:csv(path)
  local rows = { { "layer", "shift", "similarity" } }
  for i, name in ipairs(self.layers) do
    for k, shift in ipairs(self.shifts) do rows[#rows + 1] = { name, shift, self.similarity[{ i, k }] } end
  end
  io.csv_write(require("lamina.experiment").path(path), rows)
  return self
end

local FIELDS = schema.document("tolerance", {
  positional = { "model", "stimuli" },
  model = { type = "any", required = true, doc = "a model" },
  stimuli = { type = "any", required = true, doc = "images: a stimulus set, a data set or a tensor N x C x H x W" },
  layers = { type = { "string", "table" }, default = "all", doc = "names of layers or areas, or \"all\"" },
  shifts = { type = "table", default = { 0, 1, 2, 3, 4 }, doc = "pixels, or amounts that `by` understands" },
  by = { type = "function", doc = "(x, amount) -> the images changed by it, or a list of such; absent: moved to the "
    .. "right, left, down and up" },
  edge = { type = "string", default = "replicate", choices = { "replicate", "zero", "circular" },
    doc = "what comes in at the border: the border's own pixels, 0, or what leaves on the other side" },
  measure = { type = "string", default = "cosine", choices = { "cosine", "correlation", "distance" },
    doc = "between two answers: the cosine, Pearson's r, or 1 - |a - b| / (|a| + |b|)" },
  batch = { type = "integer", default = 64, min = 1, doc = "images at a time" },
})

-- Images moved by whole pixels, n to the right and m down.
local function moved(x, right, down, edge)
  if edge == "circular" then return ops.roll(x, { shifts = { down, right }, dims = { 3, 4 } }) end
  local h, w, r, d = x:size(3), x:size(4), math.abs(right), math.abs(down)
  local wide = ops.pad(x, { before = { d, r }, after = { d, r }, dims = { 3, 4 },
    mode = edge == "zero" and "constant" or edge })
  return ops.contiguous(wide[{ {}, {}, { d - down + 1, d - down + h }, { r - right + 1, r - right + w } }])
end

local function four_ways(edge, position)
  return function(x, amount)
    if math.type(amount) ~= "integer" or math.abs(amount) >= math.min(x:size(3), x:size(4)) then
      errors.raise("argument", position, "tolerance: shifts holds %s, expected whole pixels below the images' side",
        tostring(amount))
    end
    if amount == 0 then return x end
    return { moved(x, amount, 0, edge), moved(x, -amount, 0, edge), moved(x, 0, amount, edge),
      moved(x, 0, -amount, edge) }
  end
end

local function length(x) return ops.sqrt(ops.sum(ops.square(x), { dim = 2 })) end

-- How alike the rows of two tensors are; 0 where one of them is 0 (or does not vary, for the correlation).
local function alike(a, b, measure)
  if measure == "distance" then
    local sum = length(a) + length(b)
    return 1 - length(a - b) / ops.where(ops.gt(sum, 0), sum, 1)
  end
  if measure == "correlation" then
    a, b = a - ops.mean(a, { dim = 2, keepdim = true }), b - ops.mean(b, { dim = 2, keepdim = true })
  end
  local product = length(a) * length(b)
  local some = ops.gt(product, 0)
  return ops.where(some, ops.sum(a * b, { dim = 2 }) / ops.where(some, product, 1), 0)
end

local function layers_of(net, names, position)
  local list, seen = {}, {}
  if names == "all" then
    for i, one in ipairs(net:layers()) do list[i] = one.name end
    return list
  end
  net:check_layers(names, "tolerance", "layers", position, net.steps or 1)
  for _, name in ipairs(type(names) == "string" and { names } or names) do
    if not seen[name] then list[#list + 1] = name end
    seen[name] = true
  end
  return list
end

-- Answers of layers to images, each as n x units in double precision.
local function answers(net, x, layers)
  local found = net:activations(x, layers)
  for _, name in ipairs(layers) do found[name] = found[name]:reshape({ #x, -1 }):to "float64" end
  return found
end

--- tolerance { net, images, layers = "all", shifts = { 0, 1, 2, 3, 4 }, by =, edge = "replicate", measure = "cosine"
-- }: for each layer, how alike its answers to an image and to the same image moved are, mean over images and over the
-- four directions: t.similarity is layers x shifts (float64), beside t.layers and t.shifts. 1 is an answer that does
-- not change; a layer that answers nothing has 0. measure "correlation" is Pearson's r, "distance" 1 - |a - b| / (|a|
-- + |b|). With by = function(x, amount) ... end the images are changed otherwise: turned, scaled, dimmed. print shows
-- it, t:csv(path) writes it.
-- > net = model "m" { input { 1, 32, 32 }, area "V1" { conv { 4, kernel = 5 }, relu, pool.max { 8 } } }
-- > t = tolerance { net, stimuli.objects { n = 5, size = 32 }, layers = "V1", shifts = { 0, 2, 4 } }
-- > t.similarity.shape, t.similarity[{ 1, 1 }]   --> { 1, 3 } 1.0
function M.tolerance(given, ...)
  local position = errors.position(2)
  schema.alone("tolerance", "tolerance { model, stimuli, layers = \"V1\" }", position, ...)
  local o = schema.check("tolerance", given, FIELDS, position)
  local net = o.model
  models.need(net, "tolerance", position)
  if #o.shifts == 0 then errors.raise("argument", position, "tolerance: shifts is empty") end
  local set, layers = stimuli.of(o.stimuli, position), layers_of(net, o.layers, position)
  local change = o.by or four_ways(o.edge, position)
  local sums = {}
  for i in ipairs(layers) do
    sums[i] = {}
    for k in ipairs(o.shifts) do sums[i][k] = 0 end
  end
  for first = 1, set.n, o.batch do
    local x = set.x[{ { first, math.min(first + o.batch - 1, set.n) } }]
    local still = answers(net, x, layers)
    for k, amount in ipairs(o.shifts) do
      local ways = change(x, amount)
      if tensor.is_tensor(ways) then ways = { ways } end
      for _, other in ipairs(ways) do
        local now = answers(net, other, layers)
        for i, name in ipairs(layers) do
          sums[i][k] = sums[i][k] + alike(still[name], now[name], o.measure):sum():item() / (#ways * set.n)
        end
      end
    end
  end
  return setmetatable({ layers = layers, shifts = o.shifts, similarity = tensor.tensor(sums, { dtype = "float64" }),
    measure = o.measure, stimuli = set.n }, Tolerance)
end

return M
