--- What an architecture of the collection `models` is, so that a new one is one entry of a file in lib/models.
--
-- A file there returns a list of architecture.define { word =, doc =, ... }, each of which becomes models.<word>:
--
--   word        its name: models.alexnet
--   name        the name of the models that it makes: "AlexNet"
--   doc         a paragraph that ends in its source; its first sentence stands in the list that models() shows
--   example     lines as typed at the prompt (lib/help/page.lua)
--   input       the usual shape of an input, { 3, 224, 224 }, or { 128 }: a number of tokens
--   classes     the usual number of classes; 1000 if absent
--   parameters  how many parameters it has with its usual options: what the source says, which a test holds it to
--   options     the schema of its own options (lib/schema.lua); those of M.common are added to every one
--   resolve     (o): the checked options, changed where they depend on one another; nil and a message where they
--               contradict one another
--   make        (o, wide): what stands in the table of the word `model`: input, areas, readouts, options such as
--               steps; and, where others publish weights of it, a table that says what they call its layers:
--               { ["V1.conv1"] = "features.0", ... }, or a single tensor of one, { ["V1.token1.weight"] = "token" }.
--               A list of names, { "norm1_0", "norm1_1" }, means tensors that are stacked along a new first axis, as
--               norm.batch { per_step = true } wants them. o.input is a shape; wide(64) is 64 times the option
--               width, wide(64, 2) a multiple of 2.
--
-- Areas are named after those of the ventral stream, V1, V2, V4 and IT, with the layers in the order of the paper:
-- the usual first guess, which predictivity and separability then test. The readout is called "category".
local builder = require "lamina.model.build"
local errors = require "lamina.errors"
local fit = require "lamina.fit"
local layer = require "lamina.layer"
local model = require "lamina.model"
local schema = require "lamina.schema"

local M = {}

--- The options that every architecture has.
M.common = {
  classes = { type = "integer", min = 1, doc = "how many classes the readout tells apart" },
  input = { type = { "integer", "table" }, expected = "a side in pixels, { height, width } or { channels, height, "
    .. "width }", doc = "the shape of an input" },
  width = { type = "number", default = 1, above = 0, doc = "a factor on the number of channels and units of every "
    .. "hidden layer" },
  weights = { type = "string", doc = "a safetensors file: one that net:save wrote, or one with the names that others "
    .. "publish its weights under (PyTorch's, with or without \"module.\")" },
  recompute = { type = { "boolean", "integer" }, default = false, min = 1, doc = "save memory when training; as for "
    .. "`model`" },
  seed = { type = "integer", doc = "of the first weights; the experiment's if absent" },
  name = { type = "string", doc = "the model's name" },
}

local Architecture = { __name = "architecture" }
Architecture.__index = { makes = "model" }

Architecture.__tostring = function(self) return self.full end

--- Makes an architecture from its description (see the head of this file).
function M.define(description)
  local d = description
  d.full, d.classes = "models." .. d.word, d.classes or 1000
  local options = { positional = { "weights" } }
  for name, field in pairs(M.common) do options[name] = field end
  options.classes = { type = "integer", default = d.classes, min = 1, doc = M.common.classes.doc }
  options.input = { type = M.common.input.type, expected = M.common.input.expected,
    doc = string.format("%s; %s if absent", #d.input == 1 and "how many tokens an input has" or M.common.input.doc,
      layer.shape_text(d.input)) }
  options.name = { type = "string", default = d.name, doc = M.common.name.doc }
  for name, field in pairs(d.options or {}) do options[name] = field end
  d.options = options
  return setmetatable(d, Architecture)
end

--- True for an architecture.
function M.is_architecture(value) return getmetatable(value) == Architecture end

-- ---- options ---------------------------------------------------------------------------------------------------

local function whole(n) return math.type(n) == "integer" and n >= 1 end

-- The shape that the option input means.
local function input_shape(self, given, position)
  if given == nil then return table.move(self.input, 1, #self.input, 1, {}) end
  if #self.input == 1 then
    if whole(given) then return { given } end
    errors.raise("argument", position, "%s: option 'input' is %s, expected a number of tokens such as %d", self.full,
      type(given) == "table" and "a table" or tostring(given), self.input[1])
  end
  if type(given) ~= "table" then given = { given, given } end
  local ok = #given >= 2 and #given <= 3
  for _, size in ipairs(given) do ok = ok and whole(size) end
  if not ok then
    errors.raise("argument", position, "%s: option 'input' is { %s }, expected %s", self.full,
      table.concat(given, ", "), M.common.input.expected)
  end
  if #given == 3 then return { given[1], given[2], given[3] } end
  return { self.input[1], given[1], given[2] }
end

-- Numbers of channels times the option width: at least one of them for each of `groups`, and a multiple of it.
local function widener(factor)
  return function(n, groups)
    return fit.multiple(n * factor, groups or 1)
  end
end

local function checked(self, given, position)
  local o = schema.check(self.full, given, self.options, position)
  o.input = input_shape(self, o.input, position)
  if not self.resolve then return o end
  local resolved, message = self.resolve(o)
  if not resolved then errors.raise("argument", position, "%s: %s", self.full, message) end
  return resolved
end

-- The table of the word `model`, and what others call the layers.
local function items_of(self, o)
  local items, names = self.make(o, widener(o.width))
  items.seed, items.recompute = o.seed, o.recompute or nil
  return items, names
end

-- ---- making one ------------------------------------------------------------------------------------------------

-- The options as metadata of a file keeps them: what was given, but for the file and the seed.
local function kept(given, o)
  local list = {}
  for name, value in pairs(type(given) == "table" and given or {}) do
    if name == "input" then value = o.input end
    local plain = type(value) ~= "userdata" and type(value) ~= "function" and not getmetatable(value)
    if type(name) == "string" and plain and name ~= "weights" and name ~= "seed" then list[name] = value end
  end
  return list
end

Architecture.__call = function(self, given, ...)
  local position = errors.position(2)
  schema.alone(self.full, self.full .. " { classes = 10 }", position, ...)
  local o = checked(self, given, position)
  local items, names = items_of(self, o)
  local net = model.model(o.name)(items)
  net.declaration.architecture = { word = self.word, options = kept(given, o) }
  if o.weights then require("lamina.architecture.weights").load(net, o.weights, names, self, position) end
  return net
end

--- The checked graph of an architecture with these options, as lib/model/build.lua gives it, without drawing weights,
-- and what others call its layers.
function M.plan(self, given)
  local position = errors.position(2)
  local o = checked(self, given, position)
  local items, names = items_of(self, o)
  local list, options, count = layer.split(items)
  return builder.build { name = o.name, items = list, count = count, position = position, steps = options.steps,
    update = options.update or "serial" }, names
end

--- The number of parameters of what M.plan gives.
function M.count(build)
  local n = 0
  for _, node in ipairs(build.nodes) do
    for _, p in ipairs(node.shared and {} or node.parameters) do n = n + layer.elements(p.shape) end
  end
  return n
end

return M
