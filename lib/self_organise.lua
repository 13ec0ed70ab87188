--- lamina.self_organise: the unsupervised learning of the neocognitron (Fukushima 1980).
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local stimuli = require "lamina.stimuli"

local M = {}

local FIELDS = schema.document("self_organise", {
  positional = { "model", "stimuli" },
  model = { type = "any", required = true, doc = "a model with layers `s_cells`" },
  stimuli = { type = "any", required = true, doc = "images: a stimulus set, a data set or a tensor N x C x H x W" },
  presentations = { type = "integer", default = 20, min = 1, doc = "how often each image is shown" },
  rate = { type = { "number", "table" }, default = { 1, 16 }, min = 0, doc = "q, or a list with that of the first, "
    .. "second, ... layer of S cells, the last for all behind" },
  order = { type = "string", default = "together", choices = { "together", "stages" }, doc = "all layers at each "
    .. "presentation, or each layer through all presentations before the next begins (Fukushima 1988)" },
  column = { type = { "integer", "table" }, default = 5, min = 1, doc = "side of an S-column, or a list of them; a "
    .. "layer whose maps are smaller is one column" },
})

-- The value of an option for layer i.
local function of_layer(value, i)
  if type(value) ~= "table" then return value end
  return value[math.min(i, #value)]
end

local function check_list(o, name, position, least)
  local list = type(o[name]) == "table" and o[name] or { o[name] }
  for i, value in ipairs(list) do
    if type(value) ~= "number" or value < least or name == "column" and math.type(value) ~= "integer" then
      errors.raise("argument", position, "self_organise: %s[%d] is %s, expected a %snumber of at least %d", name, i,
        tostring(value), name == "column" and "whole " or "", least)
    end
  end
  if #list == 0 then errors.raise("argument", position, "self_organise: %s is empty", name) end
end

-- Where in a list of h x w values the largest of rows top.. and columns left.., `side` each, lies; nil where none is
-- above 0.
local function largest(values, h, w, top, left, side)
  local best, at = 0, nil
  for i = math.max(top, 1), math.min(top + side - 1, h) do
    for k = math.max(left, 1), math.min(left + side - 1, w) do
      local value = values[(i - 1) * w + k]
      if value > best then best, at = value, (i - 1) * w + k end
    end
  end
  return at
end

--- The seed cells of an answer (planes x h x w): plane -> place (row by row, from 1). The strongest cell of each
-- column is a candidate; of several candidates in a plane the strongest is its seed (at equal strength the first).
function M.seeds(answer, column)
  local planes, h, w = table.unpack(answer.shape)
  local best, plane = answer:reshape({ planes, -1 }):max { dim = 1 }
  best = best:totable()
  plane = (plane or answer:reshape({ planes, -1 }):argmax { dim = 1 }):totable()
  local seeds = {}
  local high, wide = math.max(h - column + 1, 1), math.max(w - column + 1, 1)
  for top = 1, high do
    for left = 1, wide do
      local at = largest(best, h, w, top, left, column)
      local k = at and plane[at]
      if k and (not seeds[k] or best[at] > best[seeds[k]]) then seeds[k] = at end
    end
  end
  return seeds
end

-- What the cell at a place of a layer sees: 1 x channels x kh x kw.
local function window(node, x, at)
  local o = node.options
  x = require("lamina.convolution").padded(o, x)
  local row, column = (at - 1) // o.out[2], (at - 1) % o.out[2]
  if o.pad[1] + o.pad[2] > 0 then
    x = ops.pad(x, { before = { o.pad[1], o.pad[2] }, after = { o.pad[1], o.pad[2] }, dims = { 3, 4 } })
  end
  local top, left = row * o.stride[1] + 1, column * o.stride[2] + 1
  return x[{ {}, {}, { top, top + o.kernel[1] - 1 }, { left, left + o.kernel[2] - 1 } }]
end

-- One layer's step: every seed's plane learns what the seed saw, a by q c u and b by q / 2 v.
local function step(node, x, answer, rate, column)
  local c = node.options.spread
  for plane, at in pairs(M.seeds(answer[1], column)) do
    local seen = window(node, x, at)
    local a, b = node.params.weight[plane], node.params.inhibition[{ { plane, plane } }]
    a:copy(a + (seen * c)[1] * rate)
    b:copy(b + (seen:square() * c):sum():sqrt() * (rate / 2))
  end
end

local function s_layers(net, position)
  local list = {}
  for _, node in ipairs(net.nodes) do
    if node.layer.full == "s_cells" and not node.frozen then
      if node.shared then
        errors.raise("argument", position, "self_organise: %s is used in several places; S cells learn where they "
          .. "have one use", node.shared.name)
      end
      list[#list + 1] = node
    end
  end
  if #list == 0 then
    errors.raise("argument", position, "self_organise: %s has no layer `s_cells` that could learn", net.name)
  end
  return list
end

-- One presentation, at which layers from the first to the last of these learn.
local function present(net, nodes, x, o, first, last)
  local wanted, found = {}, {}
  for i = first, last do wanted[nodes[i]], wanted[nodes[i].sources[1]] = true, true end
  net:inspect(x, {}, function(node, y)
    if wanted[node] then found[node] = y:detach() end
  end)
  found[net.port] = x
  for i = first, last do
    step(nodes[i], found[nodes[i].sources[1]], found[nodes[i]], of_layer(o.rate, i), of_layer(o.column, i))
  end
end

--- self_organise { net, images, presentations = 20, rate = { 1, 16 }, column = 5 }: how the neocognitron learns
-- without a teacher (Fukushima 1980). Images are shown one by one, all of them `presentations` times over. At each,
-- every layer `s_cells` of the net finds its seed cells: within each S-column (squares of column x column places,
-- which overlap, all planes) the strongest cell is a candidate, and of the candidates in one plane the strongest is
-- the seed. The plane's weights, which all its cells share, grow by what the seed saw: a by q c u, b by q / 2 v, q
-- the rate, so that its cells come to prefer it; planes without a seed stay as they are. Layers learn at the same
-- time, from what they answered before. Frozen areas do not learn. Returns the model.
-- > net = model "neocognitron" { input { 1, 16, 16 }, area "S1" { s_cells { 4, kernel = 3 } } }
-- > before = net:digest()
-- > self_organise { net, stimuli.digits { digits = { 0, 1 }, size = 16 }, presentations = 2 }
-- > net:digest() ~= before   --> true
function M.self_organise(given, ...)
  local position = errors.position(2)
  schema.alone("self_organise", "self_organise { model, stimuli }", position, ...)
  local o = schema.check("self_organise", given, FIELDS, position)
  local net = o.model
  models.need(net, "self_organise", position)
  check_list(o, "rate", position, 0)
  check_list(o, "column", position, 1)
  local set, nodes = stimuli.of(o.stimuli, position), s_layers(net, position)
  core.no_grad(function()
    local function show(first, last)
      for k = 1, o.presentations * set.n do
        present(net, nodes, set.x[{ { (k - 1) % set.n + 1, (k - 1) % set.n + 1 } }], o, first, last)
      end
    end
    if o.order == "together" then
      show(1, #nodes)
    else
      for i = 1, #nodes do show(i, i) end
    end
  end)
  return net
end

return M
