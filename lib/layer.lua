--- What a layer word is, so that a new one is one file in lib/layers.
--
-- A layer file ends in `return layer.define { word =, doc =, positional =, options =, shape =, ... }`:
--
--   word        what a script writes and what the layers' names are made of ("conv" gives conv1, conv2, ...)
--   doc         one paragraph: what it computes, shapes, source
--   positional  names of the options that may stand first without a name: conv { 16 } is conv { width = 16 }
--   options     the schema of its options (see lib/schema.lua); `name` is added to every layer
--   resolve     (o, in_shape): fills in what depends on the input; nil and a message where that cannot be
--   shape       (o, in_shape): the shape of one output, without the batch axis; nil and a message where none fits
--   parameters  (o, in_shape): an ordered list of { name =, shape =, fan_in =, fan_out =, init = }; absent: none
--   apply       (o, p, x, ctx, activation): the output for a batch; p holds the parameters by name; ctx says whether
--               it is training, the step, the seed and the layer's full name
--   cost        (o, in_shape, out_shape): multiply-adds for one input; absent: 0
--   fuses       the name of an activation layer that `apply` can do in the same pass when it follows directly
local M = {}

local errors = require "lamina.errors"

local Word = { __name = "layer word" }
local Spec = { __name = "layer" }

Word.__tostring = function(self) return self.full end
Spec.__tostring = function(self) return self.layer.full .. " {...}" end

--- A layer as a script wrote it: which word, which options (unchecked), at which line.
Word.__call = function(self, options)
  if type(options) ~= "table" then options = { options } end
  return setmetatable({ kind = "layer", layer = self, given = options, position = errors.position(2) }, Spec)
end

--- Makes a layer word from its description (see the head of this file).
function M.define(description)
  description.full = description.full or description.word
  description.options = description.options or {}
  description.options.positional = description.positional
  description.options.name = { type = "string", doc = "its name within the area, instead of word and number" }
  return setmetatable(description, Word)
end

--- An activation: a layer without parameters that maps every element by itself through the op of its name.
-- names: its options in the order of the op's parameters.
function M.activation(word, doc, options, names)
  local ops = require "lamina.core.ops"
  return M.define {
    word = word, doc = doc, options = options, positional = names, elementwise = true,
    shape = function(_, shape) return shape end,
    apply = function(o, _, x)
      local op = ops[word]
      if not names then return op(x) end
      local values = {}
      for i, name in ipairs(names) do values[i] = o[name] end
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

--- A shape as messages show it: 6x14x14.
function M.shape_text(shape)
  return #shape == 0 and "scalar" or table.concat(shape, "x")
end

--- A size in two directions: 3 is 3, 3; {3, 5} is 3, 5 (height, width).
function M.pair(value)
  if type(value) == "table" then return value[1], value[2] or value[1] end
  return value, value
end

--- How many positions a window takes along an axis: floor((size + 2 pad - extent) / stride) + 1.
function M.positions(size, kernel, stride, pad, dilation)
  local extent = (kernel - 1) * (dilation or 1) + 1
  return (size + 2 * pad - extent) // stride + 1
end

return M
