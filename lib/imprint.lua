--- lamina.imprint: templates taken from what a layer sees of images, the unsupervised learning of HMAX.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local stimuli = require "lamina.stimuli"

local M = {}

local TRIES <const> = 100 -- windows looked at before an empty one is taken

local FIELDS = schema.document("imprint", {
  positional = { "model", "stimuli" },
  model = { type = "any", required = true, doc = "a model with layers `templates`" },
  stimuli = { type = "any", required = true, doc = "images: a stimulus set, a data set or a tensor N x C x H x W" },
  layers = { type = { "string", "table" }, doc = "names of areas or layers; all layers `templates` whose match is "
    .. "\"gaussian\" if absent" },
  seed = { type = "integer", doc = "of the images and places that are drawn; the experiment's if absent" },
})

-- The layers `templates` that are meant, without second uses of shared ones.
local function chosen(net, names, position)
  local list, wanted = {}, {}
  if type(names) == "string" then names = { names } end
  if names then net:check_layers(names, "imprint", "layers", position) end
  for _, name in ipairs(names or {}) do
    wanted[name] = true
  end
  for _, node in ipairs(net.nodes) do
    if node.layer.full == "templates" and not node.shared then
      local meant = node.options.match == "gaussian"
      if names then meant = wanted[node.name] or wanted[node.block.name] end
      if meant then list[#list + 1] = node end
    end
  end
  if #list == 0 then
    errors.raise("argument", position, "imprint: %s has no layer `templates`%s", net.name, names and " in "
      .. table.concat(names, ", ") or " with match = \"gaussian\"")
  end
  return list
end

-- What layers see of one image, by node: 1 x ... each.
local function inputs(net, nodes, x)
  local wanted, found = {}, {}
  for _, node in ipairs(nodes) do wanted[node.sources[1]] = true end
  net:inspect(x, {}, function(node, y)
    if wanted[node] then found[node] = y:detach() end
  end)
  local list = {}
  for i, node in ipairs(nodes) do list[i] = node.sources[1] == net.port and x or found[node.sources[1]] end
  return list
end

-- The windows of a map as rows in the order of the weight: positions x inputs.
local function windows(node, x)
  if node.options.vector then return x end
  local o = node.options
  if #o.kernel ~= 2 then return nil end
  local columns = ops.unfold(require("lamina.convolution").padded(o, x), { kernel = o.kernel, stride = o.stride,
    pad = o.pad, dilation = o.dilation })
  return ops.contiguous(ops.permute(columns, { 1, 3, 2 })):reshape { -1, columns:size(2) }
end

-- A window of those drawn that is not empty.
local function drawn(rows, seed, purpose, step)
  local places = core.draw { kind = "uniform", shape = { TRIES }, seed = seed, step = step, purpose = purpose,
    dtype = "float64" }:totable()
  local filled = rows:abs():max({ dim = 2 }):gt(0):totable()
  local at
  for _, u in ipairs(places) do
    at = math.min(math.floor(u * #rows) + 1, #rows)
    if filled[at] ~= false and filled[at] ~= 0 then break end
  end
  return rows[at]
end

--- imprint { net, images, layers =, seed = }: the templates of layers become windows of what these layers see of
-- images: template k of a layer is a window at a random place of a random image (empty windows are passed over; of a
-- vector, all of it). So HMAX learns its S2 cells (Serre et al. 2007), a layer of templates behind any network its
-- exemplars; shared layers take windows from where they are used first. Keyed by seed, layer, and k. Returns the
-- model.
-- > net = model "HMAX" { input { 1, 32, 32 }, area "V1" { conv { 4, kernel = 7 }, abs, pool.max { 4 } },
-- >   area "V2" { templates { 20, kernel = 3, match = "gaussian" } } }
-- > imprint { net, stimuli.objects { n = 10, size = 32 } }
-- > net.V2.shape   --> { 20, 4, 4 }
function M.imprint(given, ...)
  local position = errors.position(2)
  schema.alone("imprint", "imprint { model, stimuli }", position, ...)
  local o = schema.check("imprint", given, FIELDS, position)
  local net = o.model
  models.need(net, "imprint", position)
  local set = stimuli.of(o.stimuli, position)
  local nodes, seed = chosen(net, o.layers, position), o.seed or core.seed()
  local rows = {} -- for each node what its templates become
  local by_image = {} -- image -> list of { node, k }
  for i, node in ipairs(nodes) do
    if not node.options.vector and #node.options.kernel ~= 2 then
      errors.raise("argument", position, "imprint: %s has %d axes; windows are taken from maps channels x height x "
        .. "width", node.name, #node.options.kernel)
    end
    rows[i] = {}
    local picks = core.draw { kind = "uniform", shape = { node.options.width }, seed = seed, dtype = "float64",
      purpose = node.name .. ".imprint.image" }:totable()
    for k, u in ipairs(picks) do
      local image = math.min(math.floor(u * set.n) + 1, set.n)
      by_image[image] = by_image[image] or {}
      table.insert(by_image[image], { i, k })
    end
  end
  core.no_grad(function()
    for image = 1, set.n do
      if by_image[image] then
        local seen = inputs(net, nodes, set.x[{ { image, image } }])
        local cut = {}
        for _, pair in ipairs(by_image[image]) do
          local i, k = table.unpack(pair)
          cut[i] = cut[i] or windows(nodes[i], seen[i])
          rows[i][k] = drawn(cut[i], seed, nodes[i].name .. ".imprint.place", k)
        end
      end
    end
    for i, node in ipairs(nodes) do
      local weight = node.buffers.weight or node.params.weight
      weight:copy(ops.stack(rows[i], { dim = 1 }):reshape(weight.shape))
    end
  end)
  return net
end

return M
