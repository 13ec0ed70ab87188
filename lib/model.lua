--- Models: areas of layers between an input and readouts.
--
--   local net = model "LeNet" {
--     input { 1, 28, 28 },
--     area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
--     readout "digit" { dense { 10 } },
--   }
--
-- net(x) gives the readout of a batch x; print(net) shows areas, layers, shapes, parameters and multiply-adds. Layers
-- are called by area and word with a number, "V1.conv1", within words of layers "V1.residual1.conv2", or by the
-- option `name`; parameters add ".weight", ".bias". Areas and readouts read the area before them, or what `from`
-- names. With steps = N the model runs N times on its input, and feedback and lateral connect one step with the next.
local builder = require "lamina.model.build"
local constraints = require "lamina.constraints"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local object = require "lamina.object"
local parts = require "lamina.model.parts"
local runner = require "lamina.model.run"
local schema = require "lamina.schema"
local text = require "lamina.model.text"
local words = require "lamina.model.words"

local M = {}

for _, name in ipairs { "input", "area", "readout", "feedback", "lateral", "shared" } do M[name] = words[name] end

-- ---- making a model --------------------------------------------------------------------------------------------

local Model = { __name = "model" }

for name, method in pairs(require "lamina.model.weights") do Model[name] = method end
for name, method in pairs(parts.methods) do Model[name] = method end
for name, method in pairs(require("lamina.model.recurrent").methods) do Model[name] = method end

--- net:driven(area): the weights that the area's output drives, through poolings, activations, shortcuts, feedback
-- and laterals: a list of { node =, name =, tensor =, dim =, channels =, groups = }; each has driven:spread(values),
-- a tensor that broadcasts against the weight and holds the value of the channel that acts. See lib/model/driven.lua.
-- > net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu }, area "V2" { dense { 6 } } }
-- > net:driven("V1")[1].name   --> V2.dense1.weight
function Model:driven(area) return require("lamina.model.driven").of(self, area) end

local find_method = object.index("a model", Model,
  "selected steps frozen core plan plain position seed trained recompute truncate")

-- net.V1 is an area, as net:area "V1".
Model.__index = function(self, name)
  local blocks = rawget(self, "blocks_by_name")
  if not blocks or Model[name] ~= nil or type(name) ~= "string" then return find_method(self, name) end
  if blocks[name] then return Model.area(self, name) end
  local value = find_method(self, name)
  if value == nil and name:find "^%u" then self:no_such(name, 2) end
  return value
end

local MODEL = {
  seed = { type = "integer", doc = "of the first weights; the experiment's if absent" },
  steps = { type = { "integer", "string" }, min = 1, doc = "time steps of a model with feedback, laterals or delays; "
    .. "\"input\": as many as the input sequence has" },
  update = { type = "string", default = "serial", choices = { "serial", "parallel" },
    doc = "within a step, areas see what those before them make of this step (serial), or made of the last "
      .. "(parallel)" },
  recompute = { type = { "boolean", "integer" }, default = false, min = 1, doc = "save memory: what layers keep for "
    .. "the backward pass is dropped and computed again, in so many stretches; true: the square root of the number "
    .. "of layers. For models without steps; not where layers are watched (local rules, penalties on activities)" },
  stateful = { type = "boolean", default = false, doc = "whether a batch begins with what the last steps of the one "
    .. "before gave, without a gradient to it (net:reset_state() begins anew)" },
  truncate = { type = "integer", min = 1, doc = "steps after each of which gradients through time are cut; none "
    .. "if absent" },
  core = { type = "any", doc = "areas of another model to build on, net:upto \"V2\"" },
  frozen = { type = "boolean", default = false, doc = "whether the core's weights and statistics stay as they are" },
}
schema.document("model", MODEL)

-- The checked options; what a core brings stands before the model's own items.
local function declare(name, given, position)
  local items, options, count = layer.split(given)
  local o = schema.check(string.format("model %q", name), options, MODEL, position)
  if type(o.steps) == "string" and o.steps ~= "input" then
    errors.raise("argument", position, "model %q: option 'steps' is '%s', expected a whole number of at least 1 or "
      .. "'input'", name, o.steps)
  end
  if o.frozen and o.core == nil then
    errors.raise("argument", position, "model %q: frozen = true goes with core = net:upto \"AREA\"; an area of the "
      .. "model's own is frozen by area \"V1\" { frozen = true, ... } or net:freeze \"V1\"", name)
  end
  if o.recompute and o.steps then
    errors.raise("argument", position, "model %q: recompute goes with a model without steps; the option is for "
      .. "depth, and steps = %s is time", name, tostring(o.steps))
  end
  for _, option in ipairs { "stateful", "truncate" } do
    if o[option] and not (o.steps or o.core) then
      errors.raise("argument", position, "model %q: %s is for a model over time; say how many steps, such as steps = "
        .. "5 or steps = \"input\"", name, option)
    end
  end
  local declaration = { name = name, items = items, count = count, position = position, steps = o.steps,
    stateful = o.stateful, truncate = o.truncate, update = o.update, seed = o.seed or core.seed(),
    recompute = o.recompute }
  if o.core ~= nil then parts.build_on(declaration, o, options, position) end
  return declaration
end

local function assemble(declaration)
  local net = builder.build(declaration)
  net.declaration, net.seed, net.recompute = declaration, declaration.seed, declaration.recompute or nil
  net.stateful, net.truncate = declaration.stateful, declaration.truncate
  net.trace, net.joins, net.sharing, net.join, net.before = nil, nil, nil, nil, nil
  setmetatable(net, Model)
  runner.prepare(net)
  net:make()
  constraints.declared(net)
  return net
end

--- A model with the same declaration and first weights of its own.
function M.build_again(net)
  local copy = assemble(net.declaration)
  for _, block in ipairs(copy.blocks) do
    if block.frozen then copy:freeze(block.name) end
  end
  return copy
end

--- model "NAME" { input {...}, area "V1" {...}, readout "digit" {...}, feedback {...}, seed =, steps =, update =,
-- recompute =, stateful =, truncate =, core =, frozen = }: checks everything, then draws the weights. An area or
-- readout takes the area before it, or what it names (from = "V1"; several: from = { "V1", "V2" }). train { model =
-- net, data = set } learns the weights; seed is that of the first ones.
--
-- steps = N: the model runs N times, on the same input or on a sequence (batch x N x input). In a step areas run in
-- the order of the script. update = "serial": an area sees what the one before it makes of this step; "parallel":
-- what it made of the last, so that a signal takes a step from area to area; the input and readouts are without delay
-- in both. What lies before the first step is zero, or with stateful = true what the last batch ended with. core =
-- net:upto "V2" begins with another model's areas and a copy of their weights, with shared(net:upto "V2") with the
-- weights themselves.
-- > net = model "small" { input { 1, 12, 12 },
-- >   area "V1" { conv { 4, kernel = 5 }, relu, pool.max { 2 } }, readout "class" { dense { 3 } } }
-- > net(zeros { 10, 1, 12, 12 }).shape, net:count()   --> { 10, 3 } 299
function M.model(name, ...)
  local at = errors.position(2)
  if type(name) ~= "string" then
    errors.raise("argument", at, "model: expected a name, as in model \"LeNet\" { input { 1, 28, 28 }, ... }")
  end
  words.name_alone("model", at, ...)
  return function(given)
    local position = errors.position(2)
    words.need_table(string.format("model %q", name), given, position, "{ input { 1, 28, 28 }, area \"V1\" {...} }")
    local declaration = declare(name, given, position)
    local net = assemble(declaration)
    if declaration.core then
      local from = declaration.core.net
      constraints.adopt(net, constraints.described(from, net.core_blocks), from:state().tensors, position)
      parts.take_over(net, declaration.core)
      constraints.refresh(net)
    end
    for _, block in ipairs(net.blocks) do
      if block.frozen then net:freeze(block.name) end
    end
    require("lamina.experiment").record_weights(net)
    return net
  end
end

--- True for a model.
function M.is_model(value) return getmetatable(value) == Model end

--- Raises unless a value is a model. word: in whose name; hint: what is to be added to the message.
function M.need(value, word, position, hint)
  if M.is_model(value) then return end
  errors.raise("argument", position, "%s: model is %s, expected a model%s", word, schema.kind(value), hint or "")
end

-- ---- running it ------------------------------------------------------------------------------------------------

local function same_item(shape, first, input)
  if #shape ~= #input + first - 1 then return false end
  for i = 1, #input do
    if shape[first + i - 1] ~= input[i] then return false end
  end
  return true
end

-- Nil, or what is wrong with the time steps of an input.
local function steps_problem(net, shape, steps)
  local sequence = #shape == #net.input + 2
  if sequence and not net.steps then return "a sequence, but the model has no steps; steps = " .. shape[2] end
  local wanted = steps or net.steps
  if sequence and wanted ~= "input" and wanted ~= shape[2] then
    return string.format("a sequence of %d steps, but the model runs %s (net:forward(x, { steps = %d }) runs as "
      .. "many)", shape[2], tostring(wanted), shape[2])
  end
  if not sequence and net.steps == "input" and not steps then
    return "one image for each item, but steps = \"input\" takes a sequence (batch x steps x input)"
  end
end

-- Whether whole numbers are what it takes: tokens for an embedding.
local function takes_tokens(net)
  for _, node in ipairs(net.nodes) do
    if node.layer.word == "embedding" then return true end
  end
  return false
end

-- The input, as floats.
local function check_input(net, x, level, steps)
  if not core.is_tensor(x) then
    errors.raise("argument", level + 1, "%s: expected a batch of inputs as a tensor, got a %s", net.name, type(x))
  end
  local shape = x.shape
  if not same_item(shape, 2, net.input) and not (net.steps and same_item(shape, 3, net.input)) then
    local item = layer.shape_text(net.input)
    errors.raise("shape", level + 1, "%s: the input is %s, expected a batch of %s (n x %s%s)%s", net.name,
      layer.shape_text(shape), item, item, net.steps and ", or n x steps x " .. item or "", #shape == 5
      and "; movies (n x frames x channels x rows x columns) are shown by activations { model = net, stimuli = x } "
      .. "and tuning.responses" or "")
  end
  local problem = steps_problem(net, shape, steps)
  if problem then
    errors.raise("shape", level + 1, "%s: the input is %s: %s", net.name, layer.shape_text(shape), problem)
  end
  if x.dtype == "int64" and takes_tokens(net) then return x:to "float32" end
  if x.dtype ~= "float32" and x.dtype ~= "float64" then
    errors.raise("dtype", level + 1, "%s: the input has dtype %s, expected float32", net.name, x.dtype)
  end
  return x
end

--- net:takes(shape): whether one item of this shape is an input of the model (with steps: also a sequence of them).
-- > net = models.lenet5 { classes = 10 }
-- > net:takes { 1, 32, 32 }, net:takes { 3, 32, 32 }   --> true false
function Model:takes(shape)
  return same_item(shape, 1, self.input)
    or self.steps ~= nil and same_item(shape, 2, self.input) and (self.steps == "input" or self.steps == shape[1])
end

-- One output as itself, several by name.
local function outputs_of(net, outputs)
  if #net.outputs == 1 then return outputs[net.outputs[1].name] end
  return outputs
end

local function context_of(net, ctx)
  local steps = ctx.steps
  if steps ~= nil and (not net.steps or math.type(steps) ~= "integer" or steps < 1) then
    errors.raise("argument", 3, "%s: steps = %s; expected a whole number of at least 1, of a model with steps",
      net.name,
      tostring(steps))
  end
  return { training = ctx.training or false, step = ctx.step or 0, seed = ctx.seed or net.seed, watch = ctx.watch,
    stop = ctx.stop, steps = steps }
end

--- net:forward(x, { training =, step =, steps =, watch = }): the output for a batch; several readouts give a table by
-- name. training switches dropout and the statistics of the batch on; step is the key of what is drawn; steps
-- replaces the model's. watch(node, x, y, t) sees every layer's input (a list where it joins branches) and output at
-- time step t; both are given back afterwards: what is kept is kept as x:detach() or x:clone().
-- > net = model "m" { input { 100 }, area "V1" { dropout { 0.5 } } }
-- > y = net:forward(ones { 1, 100 }, { training = true })
-- > y:max()   --> 2.
function Model:forward(x, ctx)
  ctx = ctx or {}
  if type(ctx) ~= "table" then
    errors.raise("argument", 2, "%s: forward takes options in a table, such as { training = true }, got a %s",
      self.name, type(ctx))
  end
  x = check_input(self, x, 2, ctx.steps)
  return outputs_of(self, (runner.run(self, x, context_of(self, ctx), {})))
end

Model.__call = function(self, x)
  x = check_input(self, x, 2)
  return outputs_of(self, (runner.run(self, x, context_of(self, {}), {})))
end

--- net:layers(): a list of { name = "V1.conv1", area = "V1", word = "conv", shape = { 6, 28, 28 } } in order.
-- > net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu } }
-- > net:layers()[1].name, net:layers()[1].shape   --> V1.conv1 { 4, 6, 6 }
function Model:layers()
  local list = {}
  for i, node in ipairs(self.nodes) do
    list[i] = { name = node.name, area = node.block.name, word = node.layer.full,
      shape = table.move(node.output, 1, #node.output, 1, {}) }
  end
  return list
end

-- The steps whose activations are asked for: the last, one of them, or all.
local function steps_of(net, x, steps, level, run)
  local count = x.ndim == #net.input + 2 and x.shape[2] or run or net.steps or 1
  if steps == nil or steps == "last" then return { "last" }, count end
  if steps == "all" then
    local list = {}
    for t = 1, count do list[t] = t end
    return list, count
  end
  if math.type(steps) == "integer" and steps >= 1 and steps <= count then return { steps }, count end
  errors.raise("argument", level + 1, "%s: steps = %s; expected \"last\", \"all\" or a step from 1 to %d", net.name,
    tostring(steps), count)
end

-- Adds a name with the steps at which it is asked for: "V1@3" says its own.
local function add_wanted(net, wanted, name, steps, count, level)
  local plain, at = tostring(name):match "^(.-)@(%d+)$"
  local node = net:find(plain or name)
  if not node then net:no_such(name, level + 1) end
  if at then
    local t = math.tointeger(at)
    if t < 1 or t > count then
      errors.raise("argument", level + 1, "%s: there is no step %d in '%s'; the model runs %d", net.name, t, name,
        count)
    end
    wanted[#wanted + 1] = { node = node, name = name, time = t < count and t or "last" }
    return
  end
  for _, t in ipairs(steps) do
    local labelled = t == "last" and name or name .. "@" .. t
    wanted[#wanted + 1] = { node = node, name = labelled, time = t == count and "last" or t }
  end
end

local function wanted_of(net, x, layers, steps, level, run)
  local wanted, times, count = {}, steps_of(net, x, steps, level + 1, run)
  if layers == nil or layers == "all" then
    for _, node in ipairs(net.nodes) do add_wanted(net, wanted, node.name, times, count, level + 1) end
    return wanted
  end
  if type(layers) ~= "table" then layers = { layers } end
  for _, entry in ipairs(layers) do
    add_wanted(net, wanted, type(entry) == "table" and entry.name or entry, times, count, level + 1)
  end
  return wanted
end

local ACTIVATIONS = schema.document("model:activations", {
  steps = { type = { "integer", "string" }, doc = "\"last\", \"all\" or one step" },
  run = { type = "integer", min = 1, doc = "how many steps the model runs; replaces its own" },
  step = { type = "integer", default = 0, min = 0, doc = "the key of what layers draw at random" } })

--- net:activations(x, layers, { steps = "last" }): what the layers give for a batch, as a table by name, without
-- gradients. layers: "all" (the default) for every layer, a name, or a list of names; the name of an area or of a
-- word of layers ("V1.residual1") stands for its last layer. Of a model with steps: the last step's, with steps = 3
-- those of step 3 under "V1@3", with "all" those of every step; "V1@3" as a name asks for one. A connection that has
-- brought nothing yet has no activations. run = 20 replaces the model's number of steps, for a sequence of another
-- length. step = 0 keys what layers draw at random (vone's noise). activations { model = net, stimuli = set } does it
-- for any number of stimuli, movies among them, and gives an assembly.
-- > net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu }, area "IT" { dense { 6 } } }
-- > seen = net:activations(zeros { 5, 1, 8, 8 }, { "V1", "IT" })
-- > seen.V1.shape, seen.IT.shape   --> { 5, 4, 6, 6 } { 5, 6 }
function Model:activations(x, layers, options)
  local o = schema.check("activations", options, ACTIVATIONS)
  x = check_input(self, x, 2, o.run)
  local ctx = context_of(self, { step = o.step, steps = o.run })
  local wanted = wanted_of(self, x, layers, o.steps, 2, o.run)
  return core.no_grad(function()
    local _, found = runner.run(self, x, ctx, wanted, true)
    return found
  end)
end

--- net:inspect(x, ctx, watch): a forward pass with every layer by itself; watch(node, y) sees each layer's output.
-- > net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu } }
-- > seen = {}
-- > net:inspect(zeros { 1, 1, 8, 8 }, {}, function(node, y) seen[node.name] = y.shape end)
-- > seen   --> { ["V1.conv1"] = { 1, 4, 6, 6 }, ["V1.relu1"] = { 1, 4, 6, 6 } }
function Model:inspect(x, ctx, watch)
  ctx = context_of(self, ctx)
  ctx.look = true
  ctx.watch = function(node, _, y) watch(node, y) end
  runner.run(self, x, ctx, {})
end

Model.__tostring = text.of

return M
