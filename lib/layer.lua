--- What a layer word is, so that a new one is one file: in lib/layers, or beside a script (local layer = require
-- "lamina.layer"; local gain = layer.define {...}).
--
-- A layer file ends in `return layer.define { word =, doc =, positional =, options =, shape =, ... }`:
--
--   word        what a script writes and what the layers' names are made of ("conv" gives conv1, conv2, ...)
--   doc         one paragraph: what it computes, shapes, source
--   example     lines as typed at the prompt that show what it is for (lib/help/page.lua); the tests run them
--   positional  names of the options that may stand first without a name: conv { 16 } is conv { width = 16 }
--   options     the schema of its options (see lib/schema.lua); `name` is added to every layer
--   resolve     (o, in_shape, info): fills in what depends on the input; nil and a message where that cannot be; info
--               has steps, the time steps of the model
--   shape       (o, in_shape): the shape of one output, without the batch axis; nil and a message where none fits
--   parameters  (o, in_shape): an ordered list of { name =, shape =, fan_in =, fan_out =, init =, inputs =,
--               constraint = }; init overrides the option `init`; inputs is the axis of the weight that runs over the
--               input's channels (after `flatten`, all its elements), 2 if absent; links lists the channel behind
--               each place of that axis, where it is not the place itself; constraint is what it must be after every
--               update (lib/constraints.lua); absent: none
--   buffers     (o, in_shape): an ordered list of { name =, shape =, value = }: what is kept and saved with the
--               weights but is not learned; value is a number or a function(shape, { name =, seed = }) that gives a
--               tensor; absent: none
--   apply       (o, p, x, ctx, activation): the output for a batch; p holds the parameters and buffers by name; ctx
--               says whether it is training, the step, the seed, the layer's full name (purpose), the time step
--               (time)
--   varies      true: what it gives changes from one time step to the next although its input does not
--   cost        (o, in_shape, out_shape): multiply-adds for one input; absent: 0
--   fuses       the name of an activation layer that `apply` can do in the same pass when it follows directly
--   merges      true: the word joins several branches, word { {...}, {...} }; in_shape is then the list of their
--               shapes, and x the list of what they give
--   reads       (o): the names of further layers or areas, or "input", that it reads besides what stands before it;
--               in_shape and x are then lists, what stands before it first
--   expand      (scope, o, source): a word whose values without names are layers, made of other layers; see
--               lib/model/scope.lua for what a scope can do. Returns the source that is its output
--   whole       true: of a word with `expand`, its table holds no layers but options alone
--   channels    (o, maps, shapes): for layers without weights that change the number or order of channels: what each
--               channel of the output carries, maps[i] being a list of what those of input i do (see net:driven)
--   flattens    true: the weight's axis of inputs runs over all elements of the input
--   tensors     (...): what calling the word with tensors does; a word without parameters needs none
--   optional    true: there are options with which it has no parameters, and then it computes with tensors, too
--   weights     of attention: (o, p, xs), the weights of its heads, for attention_maps
--   draws       (o): whether what it gives in evaluation is drawn at random, keyed by ctx.step; absent: false
--   monotone    of activations: true where a larger input never gives a smaller output, false where it may
--
-- A spec is what calling a word makes: which word, which options (unchecked), at which line.
local M = {}

local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local merged = require "lamina.merged"

local Word = { __name = "layer word" }
local Spec = { __name = "layer" }

Word.__tostring = function(self) return self.full end
Spec.__tostring = function(self) return self.layer.full .. " {...}" end

-- Layers without weights compute with tensors too: relu(x), pool.max(x, { 2 }), concat { a, b, dim = 2 }.
local function compute(word, position, x, options)
  if word.tensors then return word.tensors end
  local function refuse()
    errors.raise("argument", position, "%s holds weights: it is a layer for an area of a model, and cannot be called "
      .. "with a tensor%s", word.full, word.op and string.format(" (ops.%s takes weights of your own)",
        word.op) or "")
  end
  if word.parameters and not word.optional or word.expand then refuse() end
  return function()
    local o = require("lamina.schema").check(word.full, options, word.options, position)
    local shape, message = x.shape, nil
    table.remove(shape, 1)
    if word.resolve then o, message = word.resolve(o, shape, { steps = 1 }) end
    if o then
      if word.optional and #word.parameters(o, shape) > 0 then refuse() end
      local output
      output, message = word.shape(o, shape)
      if output then return word.apply(o, {}, x, { training = false, step = 0, seed = 0, time = 1 }) end
    end
    errors.raise("shape", position, "%s: %s", word.full, message)
  end
end

local function holds_tensors(value)
  return core.is_tensor(value) or type(value) == "table" and not getmetatable(value) and core.is_tensor(value[1])
end

--- A layer as a script wrote it: which word, which options (unchecked), at which line; with tensors, what the layer
-- makes of them.
Word.__call = function(self, options, ...)
  local position = errors.position(2)
  if holds_tensors(options) then return compute(self, position, options, ...)(options, ...) end
  if type(options) ~= "table" or M.is_word(options) or M.is_spec(options) then options = { options } end
  return setmetatable({ kind = "layer", layer = self, given = options, position = position }, Spec)
end

--- Makes a layer word from its description (see the head of this file).
function M.define(description)
  description.full = description.full or description.word
  local apply = description.apply
  if description.own == nil and apply then description.own = debug.getinfo(apply, "S").source:sub(1, 5) ~= "=lib/" end
  description.options = description.options or {}
  description.options.positional = description.positional
  if description.parameters then
    description.options.constraint = { type = { "string", "table" }, doc = "what its weights must be after every "
      .. "update, such as \"non_negative\" or { \"norm\", max = 1 }, or a list of these" }
  end
  description.options.name = { type = "string", doc = "its name within the area, instead of word and number" }
  return setmetatable(description, Word)
end

local FUNCTIONS = { resolve = true, shape = true, parameters = true, buffers = true, apply = true, cost = true,
  expand = true, channels = true, tensors = true, draws = true, reads = true }
local VALUES = { word = "string", full = "string", doc = "string", example = "string", op = "string",
  fuses = "string", positional = "table", options = "table", merges = "boolean", flattens = "boolean",
  varies = "boolean", monotone = "boolean", optional = "boolean", whole = "boolean" }

-- What a user's definition lacks or has too much, at its line.
local function check_definition(d, position)
  local function wrong(...) errors.raise("argument", position, ...) end
  if type(d) ~= "table" or getmetatable(d) then
    wrong("layer: expected a table such as layer { word = \"gain\", shape = ..., apply = ... }, got a %s", type(d))
  end
  local known = {}
  for name in pairs(FUNCTIONS) do known[#known + 1] = name end
  for name in pairs(VALUES) do known[#known + 1] = name end
  for name, value in pairs(d) do
    local wanted = FUNCTIONS[name] and "function" or VALUES[name]
    if not wanted then
      wrong("layer: unknown option '%s'%s", tostring(name), errors.hint(name, known))
    elseif type(value) ~= wanted then
      wrong("layer: option '%s' is a %s, expected a %s", name, type(value), wanted)
    end
  end
  if not d.word or not d.word:match "^[%a_][%w_]*$" then
    wrong("layer: option 'word' is %s, expected the word that scripts write, such as \"gain\"", tostring(d.word))
  end
  if not d.expand and not (d.shape and d.apply) then
    wrong("layer: '%s' needs shape and apply (or expand, for a word made of other layers)", d.word)
  end
end

-- The same layer with its results checked: what a definition gives that cannot be is told by its own name.
local function checked(d, position)
  local function wrong(kind, format, ...) errors.raise(kind, position, "%s: " .. format, d.full or d.word, ...) end
  local made = merged(d)
  made.shape = d.shape and function(o, shape)
    local output, message = d.shape(o, shape)
    if output == nil then return nil, message or "shape gives nil for an input of this shape" end
    if type(output) ~= "table" then wrong("argument", "shape returned a %s, expected a list of sizes",
      type(output)) end
    for _, size in ipairs(output) do
      if math.type(size) ~= "integer" or size < 1 then
        wrong("argument", "shape returned a size of %s, expected whole numbers of at least 1", tostring(size))
      end
    end
    return output
  end
  for _, kind in ipairs { "parameters", "buffers" } do
    made[kind] = d[kind] and function(o, shape)
      local list = d[kind](o, shape)
      for i, p in ipairs(type(list) == "table" and list or wrong("argument", "%s returned a %s, expected a "
        .. "list", kind,
        type(list))) do
        if type(p) ~= "table" or type(p.name) ~= "string" or type(p.shape) ~= "table" then
          wrong("argument", "%s[%d] is no { name = \"weight\", shape = { ... } }", kind, i)
        end
        p.fan_in, p.fan_out = p.fan_in or M.elements(p.shape), p.fan_out or M.elements(p.shape)
      end
      return list
    end
  end
  made.apply = d.apply and function(o, p, x, ctx, ...)
    local y = d.apply(o, p, x, ctx, ...)
    if not core.is_tensor(y) then wrong("argument", "apply returned a %s, expected a tensor", type(y)) end
    local first = core.is_tensor(x) and x or x[1]
    local want = ctx.node and table.move(ctx.node.output, 1, #ctx.node.output, 2, { first.shape[1] })
    if want and not M.same_shape(want, y.shape) then
      wrong("shape", "apply gave %s for a batch whose `shape` says %s", M.shape_text(y.shape), M.shape_text(want))
    end
    return y
  end
  return made
end

--- layer { word = "gain", doc =, options =, shape =, parameters =, apply = ... }: a layer word of your own, for this
-- script or from a file that returns it: local gain = layer { ... }, then area "V1" { gain { 2 }, relu }. Names,
-- options, errors, help(gain), print, saving and gradients are those of the built-in layers. The head of
-- lib/layer.lua says what each option is: word and shape(o, in_shape) and apply(o, p, x, ctx) are needed; options is
-- a schema, { factor = { type = "number", default = 1, doc = "..." } }; positional = { "factor" } lets it stand
-- first; parameters(o, in_shape) lists weights, { { name = "weight", shape = { ... } } }; buffers what is kept but
-- not learned.
-- > gain = layer { word = "gain", positional = { "by" },
-- >   options = { by = { type = "number", default = 2, doc = "the factor" } },
-- >   shape = function(o, shape) return shape end, apply = function(o, p, x) return x * o.by end }
-- > net = model "m" { input { 3 }, area "V1" { gain { 10 } } }
-- > net(ones { 1, 3 })   --> [[10. 10. 10.]]
function M.layer(description)
  local position = errors.position(2)
  check_definition(description, position)
  local made = checked(description, position)
  made.own = true
  return M.define(made)
end

--- An activation: a layer without parameters that maps every element by itself through an op. It has word, doc,
-- monotone; options, and their names in the order of the op's parameters; op, the op's name where it is not the word.
function M.activation(given)
  local ops, names, name = require "lamina.core.ops", given.names, given.op or given.word
  return M.define {
    word = given.word, doc = given.doc, example = given.example, options = given.options, positional = names,
    is_activation = true, monotone = given.monotone,
    shape = function(_, shape) return shape end,
    tensors = function(...) return ops[name](...) end,
    apply = function(o, _, x)
      local op = ops[name]
      if not names then return op(x) end
      local values = {}
      for i, option in ipairs(names) do values[i] = o[option] end
      return op(x, table.unpack(values))
    end,
  }
end

--- True for a layer word (relu) and for a spec made by calling one (relu {}).
function M.is_word(value) return getmetatable(value) == Word end
function M.is_spec(value) return getmetatable(value) == Spec end

--- A spec from a bare word or a spec; nil for anything else. A bare word takes the position of what holds it.
function M.spec(value, position)
  if M.is_spec(value) then return value end
  if M.is_word(value) then
    return setmetatable({ kind = "layer", layer = value, given = {}, position = position }, Spec)
  end
end

--- Splits a constructor's table into its list (with its length, holes included) and its options.
function M.split(given)
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

--- A shape as messages show it: 6x14x14.
function M.shape_text(shape)
  return #shape == 0 and "scalar" or table.concat(shape, "x")
end

--- A size in two directions: 3 is 3, 3; {3, 5} is 3, 5 (height, width).
function M.pair(value)
  if type(value) == "table" then return value[1], value[2] or value[1] end
  return value, value
end

--- What messages say of layers that need maps where they get a vector.
M.of_vectors = ": what needs maps stands before dense, flatten and pool.global, which make vectors"

--- Nil for channels x height x width; for another shape the message of layers that need maps.
function M.not_maps(shape)
  if #shape == 3 then return nil end
  return string.format("needs an input of channels x height x width, got %s%s", M.shape_text(shape),
    #shape == 1 and M.of_vectors or "")
end

--- The number of elements of a shape.
function M.elements(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

--- Whether two shapes are the same.
function M.same_shape(a, b)
  if #a ~= #b then return false end
  for i, size in ipairs(a) do
    if size ~= b[i] then return false end
  end
  return true
end

--- How many positions a window takes along an axis: floor((size + 2 pad - extent) / stride) + 1.
function M.positions(size, kernel, stride, pad, dilation)
  local extent = (kernel - 1) * (dilation or 1) + 1
  return (size + 2 * pad - extent) // stride + 1
end

return M
