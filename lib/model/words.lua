--- The words that a model is declared with, besides `model` itself and the layers. Each gives a plain table that
-- remembers its line; lib/model/build.lua checks them together.
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local schema = require "lamina.schema"

local M = {}

--- Raises where a constructor's table is something else.
function M.need_table(word, given, position, example)
  if type(given) == "table" and not layer.is_spec(given) and not layer.is_word(given) then return end
  errors.raise("argument", position, "%s: expected a table such as %s, got %s", word, example, given == nil and "nil"
    or "a " .. type(given))
end

--- input { channels, height, width }: the shape of one input, without the batch axis. A model with steps also takes
-- sequences: batch x steps x this shape.
-- > net = model "m" { input { 3, 64, 64 }, area "V1" { pool.avg { 4 } } }
-- > net.V1.shape   --> { 3, 16, 16 }
function M.input(given)
  local position = errors.position(2)
  M.need_table("input", given, position, "{ 1, 28, 28 }")
  local shape, options, count = layer.split(given)
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

-- The options that areas and readouts share.
local function fields(own)
  own.from = { type = { "string", "table" }, doc = "what it reads: an area, a layer (\"V1.conv1\"), \"input\", or a "
    .. "list of them; the area before it if absent" }
  own.combine = { type = "string", default = "concat", choices = { "concat", "add", "multiply", "maximum",
    "average" }, doc = "how several sources become one input" }
  own.delay = { type = "integer", min = 0, doc = "time steps between the sources and this; 0 if absent, but for "
    .. "areas with update = \"parallel\" 1, except from the input" }
  own.frozen = { type = "boolean", default = false, doc = "whether its weights and statistics stay as they are" }
  own.constraint = { type = { "string", "table" }, doc = "what its weights must be after every update, such as "
    .. "\"non_negative\" or { \"norm\", max = 1 }, or a list of these" }
  own.cells = { type = "any", doc = "what its cells are, such as dale { excitatory = 0.8 }" }
  own.rule = { type = "any", doc = "how it learns, where `train` says nothing else" }
  return own
end

local AREA = fields {}
local READOUT = fields {
  steps = { type = "string", default = "last", choices = { "last", "mean", "all" },
    doc = "of a model with steps: the last step's output, the mean over the steps, or all (batch x steps x ...)" },
}
schema.document("area", AREA)
schema.document("readout", READOUT)

--- Raises where a word that takes a name and then a table, model "NAME" {...}, was given more than the name.
function M.name_alone(word, position, ...)
  if select("#", ...) == 0 then return end
  errors.raise("argument", position, "%s takes a name and then a table, %s \"NAME\" { ... }, without a comma and "
    .. "without parentheses around both", word, word)
end

local function named_block(kind, options_of, example)
  return function(name, ...)
    local at = errors.position(2)
    if type(name) ~= "string" then
      errors.raise("argument", at, "%s: expected a name, as in %s", kind, example)
    end
    M.name_alone(kind, at, ...)
    return function(given)
      local position, what = errors.position(2), string.format("%s %q", kind, name)
      M.need_table(what, given, position, "{ dense { 10 } }")
      local items, options, count = layer.split(given)
      local o = schema.check(what, options, options_of, position)
      return { kind = kind, name = name, items = items, count = count, o = o, position = position }
    end
  end
end

--- area "V1" { layers..., from =, combine =, delay =, frozen =, cells =, rule =, constraint = }: a stage of the
-- model. It reads the area before it, or what `from` names: areas may branch and join.
-- > net = model "two streams" { input { 1, 16, 16 }, area "V1" { conv { 8, kernel = 3 }, relu },
-- >   area "ventral" { from = "V1", dense { 5 } }, area "dorsal" { from = "V1", dense { 2 } } }
-- > net.dorsal:count(), net.dorsal.from   --> 3138 V1
M.area = named_block("area", AREA, "area \"V1\" { conv { 16, kernel = 5 }, relu }")

--- readout "digit" { layers..., from =, steps = "last" }: an output, read from the area before it or what `from`
-- names. It may stand anywhere after what it reads.
-- > net = model "goals" { input { 1, 8, 8 }, area "IT" { dense { 10 }, relu },
-- >   readout "category" { dense { 4 } }, readout "position" { from = "IT", dense { 2 } } }
-- > y = net(zeros { 5, 1, 8, 8 })
-- > y.category.shape, y.position.shape   --> { 5, 4 } { 5, 2 }
M.readout = named_block("readout", READOUT, "readout \"digit\" { dense { 10 } }")

local function connection_fields(own)
  own.name = { type = "string", doc = "its name; feedback1, lateral1, ... if absent" }
  own.delay = { type = "integer", default = 1, min = 0, doc = "time steps on the way; 0 only forwards" }
  own.resize = { type = "string", choices = { "nearest", "bilinear" },
    doc = "how maps are brought to the size of the place where it joins, before its layers" }
  own.combine = { type = "string", default = "add", choices = { "add", "multiply", "concat" },
    doc = "added to the drive; the drive times 1 + it; or channels beside the input" }
  own.frozen = { type = "boolean", default = false, doc = "whether its weights and statistics stay as they are" }
  own.rule = { type = "any", doc = "how it learns, where `train` says nothing else" }
  return own
end

local FEEDBACK = schema.document("feedback", connection_fields {
  from = { type = "string", required = true, doc = "the area or layer that it leaves" },
  to = { type = "string", required = true, doc = "the area that it joins, before its first activation; or a layer, "
    .. "whose input it joins" },
})
local LATERAL = connection_fields {
  at = { type = "string", required = true, doc = "the area that it leaves and joins" },
}
LATERAL.positional = nil
schema.document("lateral", LATERAL)

local function connection(kind, options_of, given, position, example)
  M.need_table(kind, given, position, example)
  local items, options, count = layer.split(given)
  if kind == "lateral" and type(items[1]) == "string" then
    if options.at ~= nil then
      errors.raise("argument", position, "lateral: option 'at' is given twice: by name and as value 1")
    end
    options.at = table.remove(items, 1)
    count = count - 1
  end
  local o = schema.check(kind, options, options_of, position)
  return { kind = kind, name = o.name, from = o.from or o.at, to = o.to or o.at, items = items, count = count, o = o,
    position = position }
end

--- feedback { from = "V2", to = "V1", delay = 1, resize =, combine = "add", layers... }: carries an area's output
-- back. What "V2" gives at step t - delay goes through `resize` and the layers, and at step t joins V1: it is added
-- to what V1's first activation sees (the first outside words of layers such as residual; to V1's output, where it
-- has none), or multiplies it by 1 + itself, or, with "concat", stands beside V1's input. to = "V1.residual1" names
-- the layer, or word of layers, whose input it joins. A vector joins maps as one number for each channel. Until
-- something has had the time to arrive, a connection brings zeros, so that a model of one step is the feed-forward
-- model, bit for bit.
-- > net = model "r" { input { 1, 8, 8 }, steps = 3, area "V1" { conv { 4, kernel = 3, pad = 1 }, relu },
-- >   area "V2" { pool.max { 2 }, conv { 8, kernel = 3, pad = 1 }, relu },
-- >   feedback { from = "V2", to = "V1", resize = "nearest", conv { 4, kernel = 1 } } }
-- > net(zeros { 2, 1, 8, 8 }).shape   --> { 2, 8, 4, 4 }
function M.feedback(given)
  return connection("feedback", FEEDBACK, given, errors.position(2),
    "{ from = \"V2\", to = \"V1\", resize = \"nearest\", conv { 32, kernel = 3, pad = 1 } }")
end

--- lateral { "V1", delay = 1, combine = "add", layers... }: the same from an area to itself: recurrence within it.
-- > net = model "r" { input { 1, 8, 8 }, steps = 3, area "V1" { conv { 4, kernel = 3, pad = 1 }, relu },
-- >   lateral { "V1", conv { 4, kernel = 3, pad = 1 } } }
-- > net:count()   --> 188
function M.lateral(given)
  return connection("lateral", LATERAL, given, errors.position(2), "{ \"V1\", conv { 32, kernel = 3, pad = 1 } }")
end

local Shared = { __name = "shared" }

Shared.__tostring = function(self) return "shared(" .. tostring(self.inner) .. ")" end

--- shared(spec, { options }): one set of weights wherever the value is used in a model; local f = shared(conv {...}).
-- spec: a layer, a word of layers (residual {...}), or a table of layers. The options replace some of a layer's own
-- for this use (another stride, say), as long as the weights keep their shape. Weights, and what norm.batch keeps,
-- have the name of the first use. In another model the same value makes weights of its own. shared(net:upto "V2") as
-- `core` makes two models share weights.
-- > f = shared(conv { 4, kernel = 3, pad = 1 })
-- > net = model "m" { input { 4, 8, 8 }, area "V1" { f, relu, f, relu } }
-- > net:count()   --> 148
function M.shared(spec, options)
  local position = errors.position(2)
  if M.is_core(spec) then return M.core { net = spec.net, upto = spec.upto, share = true } end
  local fits = layer.is_spec(spec) or layer.is_word(spec) or M.is_shared(spec)
    or type(spec) == "table" and getmetatable(spec) == nil and not rawget(spec, "kind")
  if not fits then
    errors.raise("argument", position, "shared: expected a layer such as conv { 16, kernel = 3 } or a table of "
      .. "layers, got a %s", type(spec))
  end
  if options ~= nil and (type(options) ~= "table" or not layer.is_spec(spec)) then
    errors.raise("argument", position, "shared: options are a table, and go with a single layer: "
      .. "shared(conv {...}, { stride = 1 })")
  end
  return setmetatable({ kind = "shared", inner = spec, options = options, position = position }, Shared)
end

--- True for what `shared` gives.
function M.is_shared(value) return getmetatable(value) == Shared end

local Core = { __name = "core" }

Core.__tostring = function(self) return string.format("%s up to %s", self.net.name, self.upto) end

--- What net:upto gives: { net =, upto =, share = }.
function M.core(parts) return setmetatable(parts, Core) end

--- True for what net:upto gives.
function M.is_core(value) return getmetatable(value) == Core end

return M
