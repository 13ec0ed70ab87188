--- lamina.neural.gram: all that linear analyses need of a layer, from one pass over its activations: products of
-- images.
--
-- For n images with features x (n x p) the Gram matrix of the features less their mean over images, K = Z Z' (n x n),
-- with the rows' sums and products with the mean, holds whatever does not change when features are rotated: ordinary
-- least squares, ridge, PLS and principal components for any division of the images into folds, RDMs, linear CKA. It
-- is summed over blocks of features, so that mapped activations (lamina.activations) of any size are read once and
-- never stand in memory whole; what is kept is n x n for each layer.
local common = require "lamina.neural.common"
local core = require "lamina.core.rdm"
local errors = require "lamina.errors"
local features = require "lamina.neural.features"
local fitted = require "lamina.neural.fitted"
local object = require "lamina.object"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local sets = require "lamina.rdm.set"
local similarity = require "lamina.similarity"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

local CHUNK = 4096 -- features at a time: part of the numerics

local FIELDS = { stimuli = { type = "any", doc = "images; may be absent where the features are an assembly "
  .. "(activations), which has their ids, or tensors" } }
for name, field in pairs(features.fields) do FIELDS[name] = field end
schema.document("neural.gram", FIELDS)

local Gram = { __name = "gram" }
Gram.__index = object.index("a gram", Gram, "id")

Gram.__tostring = function(self)
  local rows = { { "layer", "area", "features", "bits" } }
  for i, layer in ipairs(self.layers) do
    rows[i + 1] = { layer.name, layer.area, tostring(layer.features), layer.kernel.close and "close" or "exact" }
  end
  return string.format("gram: products of %d images in %s, from one pass over the features\n%s", self.n,
    common.plural(#self.layers, "layer"), common.columns(rows, { true, true, false, true }))
end

--- True for what neural.gram makes.
function M.is(value) return getmetatable(value) == Gram end

-- ---- the pass --------------------------------------------------------------------------------------------------

-- kernel (n x n), sums (n: of each row's features), along (n: products with the mean), square (of the mean).
local function read_layer(layer, position)
  local x, found = layer.x, { name = layer.name, area = layer.area, features = layer.x:size(2), square = 0 }
  for first = 1, x:size(2), CHUNK do
    local part = fitted.columns(x, first, math.min(first + CHUNK - 1, x:size(2)))
    if not part:isfinite():all():item() then
      errors.raise("numeric", position, "neural.gram: layer %s holds NaN or infinite features (%d of %d)", layer.name,
        common.holes(x), x:count())
    end
    local mean = part:mean { dim = 1, keepdim = true }
    local z = part - mean
    local kernel, sums, along = z:matmul(z:t()), part:sum(2), part:matmul(mean:t()):reshape { -1 }
    found.kernel = found.kernel and found.kernel + kernel or kernel
    found.sums = found.sums and found.sums + sums or sums
    found.along = found.along and found.along + along or along
    found.square = found.square + mean:square():sum():item()
  end
  return found
end

-- Features that stand there already, without images: the ids are the assembly's, or there are none.
local function without_images(o, position)
  local given, n = o.features, nil
  local assemblies = require "lamina.neural.assembly"
  if assemblies.is_assembly(given) then
    return setmetatable({ id = given.stimulus.stimulus_id, numbered = given.numbered, name = given.name },
      { __len = function() return #given.stimulus end })
  end
  for name, value in pairs(given or {}) do
    local x = type(name) == "number" and type(value) == "table" and value[2] or value
    if not tensor.is_tensor(x) or x.ndim < 1 then n = nil break end
    n = n or #x
  end
  if not n or o.model then
    errors.raise("argument", position, "neural.gram: option 'stimuli' is missing, the images (only features that are "
      .. "tensors or an assembly do without)")
  end
  return setmetatable({ name = "features" }, { __len = function() return n end })
end

--- neural.gram { model =, layers = "all", features =, stimuli =, input =, batch = 64 }: products of all images in
-- each layer, n x n, from one pass over the features (of a model, of tensors, or of `activations`, whose mapped
-- layers are read block by block). predictivity, neural.commitment and neural.separability take it as features = g
-- for ridge, ols and pls, also after pca, which give what they would give with the features themselves (those with
-- standardised features, and the other maps, need these). g:rdm {}, g:cka {}, g:pca {} are made of it as well,
-- without another pass. g.layers[i] has name, area, features (how many), kernel.
-- > g = neural.gram { features = { V1 = randn { 20, 50 }, IT = randn { 20, 30 } } }
-- > g.layers[1].kernel.shape   --> { 20, 20 }
function M.gram(given, ...)
  local position = errors.position(2)
  schema.alone("neural.gram", "neural.gram { model = net, stimuli = set }", position, ...)
  local o = schema.check("neural.gram", given, FIELDS, position)
  local set = o.stimuli == nil and without_images(o, position) or stimuli.of(o.stimuli, position)
  o.set = set
  return tensor.no_grad(function()
    local layers = {}
    for i, layer in ipairs(features.collect(o, set, "neural.gram", position)) do
      layers[i] = read_layer(layer, position)
    end
    return setmetatable({ layers = layers, n = #set, id = set.id, numbered = set.numbered or false, set = set }, Gram)
  end)
end

-- ---- what is made of it ----------------------------------------------------------------------------------------

local function layer_of(self, name, word, position)
  local names = {}
  for i, layer in ipairs(self.layers) do
    if layer.name == name then return layer end
    names[i] = layer.name
  end
  errors.raise("argument", position, "%s: there is no layer '%s'%s (there are %s)", word, tostring(name),
    errors.hint(tostring(name), names), common.some(names))
end

local function layers_of(self, list, word, position)
  if #list == 0 then return self.layers end
  local found = {}
  for i, name in ipairs(list) do found[i] = layer_of(self, name, word, position) end
  return found
end

-- Coordinates that have this Gram matrix, n x r, by its eigenvectors: the features but for a rotation.
local function coordinates(kernel)
  local values, vectors = kernel:eigh { method = "exact" }
  local list, first, n = values:totable(), 1, #kernel
  while first < n and list[first] <= 1e-14 * list[n] do first = first + 1 end
  return vectors[{ {}, { first, n } }] * values[{ { first, n } }]:clamp(0, math.huge):sqrt():reshape { 1, -1 }
end

M.coordinates = coordinates

-- Products of rows that are less their own mean over features.
local function row_centred(layer)
  local raw = layer.kernel + layer.along:reshape { -1, 1 } + layer.along:reshape { 1, -1 } - layer.square
  return raw - layer.sums:reshape { -1, 1 } * layer.sums:reshape { 1, -1 } / layer.features
end

local rdms = {}

function rdms.squared_euclidean(layer)
  local own = ops.diagonal(layer.kernel, {}):reshape { -1, 1 }
  return (own + own:t() - 2 * layer.kernel):clamp(0, math.huge) / layer.features
end

function rdms.euclidean(layer) return rdms.squared_euclidean(layer):sqrt() end

function rdms.correlation(layer, position)
  local k = row_centred(layer)
  local own = ops.diagonal(k, {}):reshape { -1, 1 }
  if not ops.gt(own, layer.square * 1e-12):all():item() then
    errors.raise("numeric", position, "gram:rdm: some image's features in layer %s do not vary, so correlation "
      .. "has no "
      .. "meaning there: take method = \"euclidean\"", layer.name)
  end
  return 1 - k / (own * own:t()):sqrt()
end

local RDM = schema.document("gram:rdm", { method = { type = "string", default = "correlation", choices = {
  "correlation", "squared_euclidean", "euclidean" }, doc = "as in rdm" } })

-- Names by position and options of a method.
local function split(given, fields, word, position)
  local names, options = {}, {}
  for key, value in pairs(type(given) == "string" and { given } or given or {}) do
    if math.type(key) then names[key] = value else options[key] = value end
  end
  return names, schema.check(word, options, fields, position)
end

--- g:rdm { "V1", "IT", method = "correlation" }: the RDMs of these layers (of all, if none is named): correlation,
-- squared_euclidean (a mean over features, as rdm has it) or euclidean (its root).
-- > g = neural.gram { features = { V1 = randn { 20, 50 }, IT = randn { 20, 30 } } }
-- > g:rdm({ "V1", "IT" }).vectors.shape   --> { 2, 190 }
function Gram:rdm(given)
  local position = errors.position(2)
  local names, o = split(given, RDM, "gram:rdm", position)
  return tensor.no_grad(function()
    local parts, labels = {}, {}
    for i, layer in ipairs(layers_of(self, names, "gram:rdm", position)) do
      parts[i], labels[i] = core.condense(rdms[o.method](layer, position):reshape { 1, self.n, self.n }), layer.name
    end
    return sets.make({ vectors = #parts == 1 and parts[1] or ops.concat(parts, { dim = 1 }), id = self.id,
      names = labels, measure = o.method }, "gram:rdm", position)
  end)
end

local CKA = schema.document("gram:cka", { unbiased = { type = "boolean", default = true, doc = "as in cka" } })

--- g:cka { "V1", "IT", unbiased = true }: linear CKA of these layers (of all) with each other: layers x layers.
-- > x = randn { 20, 50 }
-- > g = neural.gram { features = { V1 = x, IT = x * 2 } }
-- > g:cka({ "V1", "IT" }):round()   --> [[1. 1.] [1. 1.]]
function Gram:cka(given)
  local position = errors.position(2)
  local names, o = split(given, CKA, "gram:cka", position)
  return tensor.no_grad(function()
    local list, rows = layers_of(self, names, "gram:cka", position), {}
    for i, a in ipairs(list) do
      rows[i] = {}
      for j, b in ipairs(list) do
        rows[i][j] = j < i and rows[j][i] or similarity.alignment(a.kernel, b.kernel, o.unbiased)
      end
    end
    return tensor.tensor(rows, { dtype = "float64" })
  end)
end

local PCA = schema.document("gram:pca", { positional = { "layer", "components" },
  layer = { type = "string", required = true, doc = "which" },
  components = { type = "integer", default = 1000, min = 1, doc = "at most" } })

--- g:pca { "IT", 10 }: the scores of a layer's images on its principal components (n x k, largest variance first, the
-- element of largest absolute value in each positive), their variances (divided by n - 1) and these as parts of the
-- whole.
-- > g = neural.gram { features = { IT = randn { 20, 30 } } }
-- > scores, variances = g:pca { "IT", 5 }
-- > scores.shape, variances.shape   --> { 20, 5 } { 5 }
function Gram:pca(given)
  local position = errors.position(2)
  local o = schema.check("gram:pca", type(given) == "string" and { given } or given, PCA, position)
  local layer = layer_of(self, o.layer, "gram:pca", position)
  return tensor.no_grad(function()
    local x = coordinates(layer.kernel):flip { 2 }
    local k = math.min(o.components, x:size(2), self.n - 1)
    x = x[{ {}, { 1, k } }]
    local values = x:square():sum(1)
    local sign = x:gather(x:abs():argmax { dim = 1, keepdim = true }, { dim = 1 }):sign()
    return x * sign, values / (self.n - 1), values / ops.diagonal(layer.kernel, {}):sum()
  end)
end

return M
