--- Models: areas of layers between an input and readouts.
--
--   local net = model "LeNet" {
--     input { 1, 28, 28 },
--     area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
--     readout "digit" { dense { 10 } },
--   }
--
-- net(x) gives the readout of a batch x; print(net) shows areas, layers, shapes, parameters and multiply-adds. Layers
-- are called by area and word with a number, "V1.conv1", or by the option `name`; parameters add ".weight", ".bias".
local builder = require "lamina.model.build"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local runner = require "lamina.model.run"
local object = require "lamina.object"
local schema = require "lamina.schema"
local weights = require "lamina.weights"

local M = {}

-- ---- the words -------------------------------------------------------------------------------------------------

-- Splits a constructor's table into its list (with its length, holes included) and its options.
local function split(given)
  local list, options, count = {}, {}, 0
  for key, value in pairs(given) do
    if math.type(key) == "integer" then
      list[key] = value
      count = math.max(count, key)
    else
      options[key] = value
    end
  end
  return list, options, count
end

local function need_table(word, given, position, example)
  if type(given) == "table" and not layer.is_spec(given) and not layer.is_word(given) then return end
  errors.raise("argument", position, "%s: expected a table such as %s, got a %s", word, example, type(given))
end

--- input { channels, height, width }: the shape of one input, without the batch axis.
function M.input(given)
  local position = errors.position(2)
  need_table("input", given, position, "{ 1, 28, 28 }")
  local shape, options, count = split(given)
  schema.check("input", options, {}, position)
  if count == 0 then errors.raise("argument", position, "input: expected sizes such as { 1, 28, 28 }") end
  for i = 1, count do
    if math.type(shape[i]) ~= "integer" or shape[i] < 1 then
      errors.raise("argument", position, "input: size %d is %s, expected a whole number of at least 1", i,
        tostring(shape[i]))
    end
  end
  return { kind = "input", shape = shape, position = position }
end

local AREA = {}
local READOUT = { from = { type = "string", doc = "the area it reads from; the last one if absent" } }

local function named_block(kind, fields, example)
  return function(name)
    local at = errors.position(2)
    if type(name) ~= "string" then
      errors.raise("argument", at, "%s: expected a name, as in %s", kind, example)
    end
    return function(given)
      local position = errors.position(2)
      need_table(string.format("%s %q", kind, name), given, position, "{ dense { 10 } }")
      local items, options, count = split(given)
      local o = schema.check(string.format("%s %q", kind, name), options, fields, position)
      return { kind = kind, name = name, items = items, count = count, from = o.from, position = position }
    end
  end
end

--- area "V1" { layers... }: a stage of the model.
M.area = named_block("area", AREA, "area \"V1\" { conv { 16, kernel = 5 }, relu }")

--- readout "digit" { layers..., from = "IT" }: an output, read from the last area or the one named.
M.readout = named_block("readout", READOUT, "readout \"digit\" { dense { 10 } }")

-- ---- the model -------------------------------------------------------------------------------------------------

local Model = { __name = "model" }
Model.__index = object.index("a model", Model, "selected")

local MODEL = { seed = { type = "integer", doc = "of the first weights; the experiment's if absent" } }

local function make_parameters(net)
  net.list = {}
  for _, node in ipairs(net.nodes) do
    for _, p in ipairs(node.parameters) do
      local value = weights.make(node.options.init or "uniform", p, net.seed)
      value:requires_grad(true)
      node.params[p.name] = value
      net.list[#net.list + 1] = { name = p.full, tensor = value }
    end
  end
end

--- model "NAME" { input {...}, area "V1" {...}, readout "digit" {...}, seed = }: checks everything, then draws the
-- weights. The areas are run in order, each from the one before it; a readout takes the last area or the one it names
-- (from = "V1"). train { model = net, data = set } learns the weights; seed is that of the first ones.
function M.model(name)
  local at = errors.position(2)
  if type(name) ~= "string" then
    errors.raise("argument", at, "model: expected a name, as in model \"LeNet\" { input { 1, 28, 28 }, ... }")
  end
  return function(given)
    local position = errors.position(2)
    need_table(string.format("model %q", name), given, position, "{ input { 1, 28, 28 }, area \"V1\" {...} }")
    local items, options, count = split(given)
    local o = schema.check(string.format("model %q", name), options, MODEL, position)
    local net = builder.build(name, items, count, position)
    net.seed = o.seed or core.seed()
    setmetatable(net, Model)
    runner.prepare(net)
    make_parameters(net)
    require("lamina.experiment").record_weights(net)
    return net
  end
end

--- True for a model.
function M.is_model(value) return getmetatable(value) == Model end

local function check_input(net, x, level)
  if not core.is_tensor(x) then
    errors.raise("argument", level + 1, "%s: expected a batch of inputs as a tensor, got a %s", net.name, type(x))
  end
  local shape = x.shape
  local fits = #shape == #net.input + 1
  for i = 1, #net.input do fits = fits and shape[i + 1] == net.input[i] end
  if not fits then
    errors.raise("shape", level + 1, "%s: the input is %s, expected a batch of %s (n x %s)", net.name,
      layer.shape_text(shape), layer.shape_text(net.input), layer.shape_text(net.input))
  end
  if x.dtype ~= "float32" and x.dtype ~= "float64" then
    errors.raise("dtype", level + 1, "%s: the input has dtype %s, expected float32", net.name, x.dtype)
  end
end

-- One output as itself, several by name.
local function outputs_of(net, outputs)
  local name, value = next(outputs)
  if next(outputs, name) == nil then return value end
  if #net.readouts == 1 then return outputs[net.readouts[1].name] end
  return outputs
end

--- net:forward(x, { training =, step = }): the output for a batch; several readouts give a table by name. training
-- switches dropout on; step is the key of what it draws.
function Model:forward(x, ctx)
  check_input(self, x, 2)
  ctx = ctx or {}
  local outputs = runner.run(self, x, { training = ctx.training or false, step = ctx.step or 0,
    seed = ctx.seed or self.seed }, {})
  return outputs_of(self, outputs)
end

Model.__call = function(self, x)
  check_input(self, x, 2)
  return outputs_of(self, runner.run(self, x, { training = false, step = 0, seed = self.seed }, {}))
end

--- net:parameters(pattern): a list of { name =, tensor = } in the order of the layers; pattern is a Lua pattern on
-- names.
function Model:parameters(pattern)
  local list = {}
  for _, p in ipairs(self.list) do
    if not pattern or p.name:find(pattern) then list[#list + 1] = p end
  end
  return list
end

--- net:count(): the number of parameters.
function Model:count()
  local n = 0
  for _, p in ipairs(self.list) do n = n + p.tensor:count() end
  return n
end

--- net:layers(): a list of { name = "V1.conv1", area = "V1", word = "conv", shape = { 6, 28, 28 } } in order.
function Model:layers()
  local list = {}
  for i, node in ipairs(self.nodes) do
    list[i] = { name = node.name, area = node.block.name, word = node.layer.full,
      shape = table.move(node.output, 1, #node.output, 1, {}) }
  end
  return list
end

local function wanted_of(net, layers, level)
  local wanted = {}
  if layers == nil or layers == "all" then
    for _, node in ipairs(net.nodes) do wanted[node.name] = true end
    return wanted
  end
  if type(layers) == "string" then layers = { layers } end
  for _, entry in ipairs(layers) do
    local name = type(entry) == "table" and entry.name or entry
    if not net.nodes_by_name[name] and not net.blocks_by_name[name] then
      local names = {}
      for _, block in ipairs(net.blocks) do names[#names + 1] = block.name end
      for _, node in ipairs(net.nodes) do names[#names + 1] = node.name end
      local near = schema.nearest(tostring(name), names)
      errors.raise("argument", level + 1, "%s has no layer or area '%s' %s", net.name, tostring(name),
        near and string.format("(did you mean '%s'?)", near) or "(there are " .. table.concat(names, ", ") .. ")")
    end
    wanted[name] = true
  end
  return wanted
end

--- net:activations(x, layers): what the layers give for a batch, as a table by name, without gradients. layers: "all"
-- (the default) for every layer, a name, or a list of names; an area's name stands for its last layer.
function Model:activations(x, layers)
  check_input(self, x, 2)
  local wanted = wanted_of(self, layers, 2)
  return core.no_grad(function()
    local outputs, found = runner.run(self, x, { training = false, step = 0, seed = self.seed }, wanted)
    local keep = {}
    for _, t in pairs(found) do keep[t] = true end
    for _, t in pairs(outputs) do
      if not keep[t] and not rawequal(t, x) then t:release() end
    end
    return found
  end)
end

--- net:inspect(x, ctx, watch): a forward pass with every layer by itself; watch(node, y) sees each layer's output.
function Model:inspect(x, ctx, watch)
  local wanted = wanted_of(self, "all", 2)
  runner.run(self, x, { training = ctx.training or false, step = ctx.step or 0, seed = ctx.seed or self.seed,
    watch = watch }, wanted)
end

--- net:digest(): SHA-256 over the parameters' names, shapes and bits, in order.
function Model:digest()
  local parts = {}
  for i, p in ipairs(self.list) do parts[i] = p.name .. " " .. p.tensor:digest() end
  return require("lamina.core.base").sha256(table.concat(parts, "\n"))
end

local function path_text(what, path)
  if type(path) == "string" and path ~= "" then return path end
  errors.raise("argument", 3, "%s: expected the name of a file, as in net:%s \"net.safetensors\", got a %s", what,
    what, type(path))
end

--- net:save(path): the parameters as safetensors, with the model's description in its metadata; a relative path is
-- one in the experiment's folder. Returns the path written.
function Model:save(path)
  path = require("lamina.experiment").path(path_text("save", path))
  local tensors = {}
  for _, p in ipairs(self.list) do tensors[p.name] = p.tensor:detach() end
  require("lamina.core.io").safetensors_write(path, tensors, { model = self.name, description = tostring(self),
    digest = self:digest() })
  return path
end

--- Copies tensors by name into the parameters, all or nothing; `what` names where they come from. Raises at `level`.
function Model:take(tensors, what, level)
  local known, wrong = {}, {}
  for _, p in ipairs(self.list) do
    known[p.name] = true
    local t = tensors[p.name]
    if not t then
      wrong[#wrong + 1] = p.name .. " is missing"
    elseif layer.shape_text(t.shape) ~= layer.shape_text(p.tensor.shape) then
      wrong[#wrong + 1] = string.format("%s is %s, expected %s", p.name, layer.shape_text(t.shape),
        layer.shape_text(p.tensor.shape))
    end
  end
  for name in pairs(tensors) do
    if not known[name] then wrong[#wrong + 1] = name .. " is not a parameter of this model" end
  end
  if #wrong > 0 then
    table.sort(wrong)
    local more = #wrong > 4 and string.format(" and %d more", #wrong - 4) or ""
    errors.raise("shape", level + 1, "%s does not fit %s: %s%s", what, self.name,
      table.concat(wrong, "; ", 1, math.min(#wrong, 4)), more)
  end
  core.no_grad(function()
    for _, p in ipairs(self.list) do p.tensor:copy(tensors[p.name]) end
  end)
end

--- net:load(path): takes the parameters from a file that net:save made, looked for in the experiment's folder and
-- then as given. Names and shapes must be the model's;
-- otherwise nothing is changed and the error lists what is missing, extra or of another shape.
function Model:load(path)
  path = require("lamina.experiment").find(path_text("load", path))
  self:take(require("lamina.core.io").safetensors_read(path), path, 2)
  return self
end

--- What a checkpoint keeps, and takes back.
function Model:state()
  local tensors = {}
  for _, p in ipairs(self.list) do tensors[p.name] = p.tensor:detach() end
  return { tensors = tensors, values = {} }
end

function Model:restore(state) self:take(state.tensors, "the checkpoint", 2) end

--- A copy of the parameters' values, for net:take.
function Model:snapshot()
  local tensors = {}
  for _, p in ipairs(self.list) do tensors[p.name] = p.tensor:detach():clone() end
  return tensors
end

-- ---- print(net) ------------------------------------------------------------------------------------------------

-- 61706 as 61,706.
local function grouped(n)
  local text = string.format("%d", n)
  local rest
  repeat
    text, rest = text:gsub("^(%d+)(%d%d%d)", "%1,%2")
  until rest == 0
  return text
end

Model.__tostring = function(net)
  local rows = { { "area", "layer", "output", "parameters", "multiply-adds" } }
  local total, adds = 0, 0
  for _, block in ipairs(net.blocks) do
    for i, node in ipairs(block.nodes) do
      local count = 0
      for _, p in pairs(node.params) do count = count + p:count() end
      total, adds = total + count, adds + node.cost
      rows[#rows + 1] = { i == 1 and block.name or "", node.short, layer.shape_text(node.output), grouped(count),
        grouped(node.cost) }
    end
  end
  rows[#rows + 1] = { "total", "", "", grouped(total), grouped(adds) }
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, #cell) end
  end
  local lines = { string.format("%s: input %s", net.name, layer.shape_text(net.input)) }
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local pad = string.rep(" ", widths[i] - #cell)
      cells[i] = i <= 2 and cell .. pad or pad .. cell
    end
    lines[#lines + 1] = "  " .. table.concat(cells, "  ")
  end
  return table.concat(lines, "\n")
end

return M
