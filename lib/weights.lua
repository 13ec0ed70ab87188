--- How parameters begin. Every draw is keyed by the seed and the parameter's full name ("V1.conv1.weight"), so a
-- layer that is added or taken away leaves the first values of all the others as they were.
--
-- The option `init` of conv and dense is one of
--
--   "uniform"   weight and bias uniform in +-1 / sqrt(fan_in); the default. (LeCun et al. 1998, Efficient BackProp,
-- give
--               the scale; it is also what PyTorch's Conv2d and Linear do, so that runs can be compared)
--   "he"        weight normal with standard deviation sqrt(2 / fan_in), bias 0 (He et al. 2015)
--   "lecun"     weight normal with standard deviation sqrt(1 / fan_in), bias 0
--   "glorot"    weight uniform in +-sqrt(6 / (fan_in + fan_out)), bias 0 (Glorot & Bengio 2010)
--   "orthogonal"  weight with orthonormal rows, or columns where those are fewer, all but the first axis being taken
--               as one; bias 0 (Saxe, McClelland & Ganguli 2014)
--   "zeros"     0 everywhere
--   { "normal", std = 0.01 }, { "uniform", bound = 0.05 }, { "constant", value = 1 }   the weight; bias 0, or the
--               entry `bias`, as in { "normal", std = 0.01, bias = 1 }
--   { "uniform", scale = 2.4 }   weight uniform in +-scale / sqrt(fan_in); bias as above (LeCun et al. 1989)
--   function(shape, info)  returns the tensor; info has name, fan_in, fan_out, seed
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local tensor = require "lamina.core.tensor"

local M = {}

local function normal(p, std, seed)
  return tensor.draw { kind = "normal", shape = p.shape, seed = seed, purpose = p.full, std = std }
end

local function uniform(p, bound, seed)
  return tensor.draw { kind = "uniform", shape = p.shape, seed = seed, purpose = p.full, low = -bound, high = bound }
end

-- Q of a matrix of normal draws, with the signs that make R's diagonal positive: uniform among all such matrices
-- (Mezzadri 2007). p.blocks of them one below the other, as gates are.
local function orthogonal(p, seed)
  local blocks = p.blocks or 1
  local rows, columns, list = p.shape[1] // blocks, 1, {}
  for i = 2, #p.shape do columns = columns * p.shape[i] end
  local tall, narrow = math.max(rows, columns), math.min(rows, columns)
  local size = { blocks, tall, narrow }
  local draws = tensor.draw { kind = "normal", shape = size, seed = seed, purpose = p.full, std = 1 }
  for i = 1, blocks do
    local q, r = ops.qr(draws[i]:to "float64")
    q = q * ops.sign(ops.diag(r))
    list[i] = rows < columns and q:t() or q
  end
  return ops.concat(list, { dim = 1 }):to("float32"):reshape(p.shape)
end

local named = {
  uniform = function(p, seed) return uniform(p, 1 / math.sqrt(p.fan_in), seed) end,
  he = function(p, seed) return not p.bias and normal(p, math.sqrt(2 / p.fan_in), seed) end,
  lecun = function(p, seed) return not p.bias and normal(p, math.sqrt(1 / p.fan_in), seed) end,
  glorot = function(p, seed) return not p.bias and uniform(p, math.sqrt(6 / (p.fan_in + p.fan_out)), seed) end,
  orthogonal = function(p, seed) return not p.bias and orthogonal(p, seed) end,
  zeros = function() return false end,
}

local given = {
  normal = { key = "std", make = normal },
  uniform = { key = "bound", make = uniform },
  scaled = { key = "scale", make = function(p, value, seed)
    return uniform(p, value / math.sqrt(p.fan_in), seed)
  end },
  constant = { key = "value", make = function(p, value) return tensor.full(p.shape, value) end },
}

-- The row of `given` for a table.
local function rule_of(init)
  return init[1] == "uniform" and init.scale ~= nil and given.scaled or init[1] ~= "scaled" and given[init[1]] or nil
end

local NAMES = "'uniform', 'he', 'lecun', 'glorot', 'orthogonal', 'zeros', { 'normal', std = }, "
  .. "{ 'uniform', bound = }, { 'constant', value = } or a function"

--- Whether `init` is something that M.make understands; else nil and a message.
function M.check(init)
  if type(init) == "function" or (type(init) == "string" and named[init]) then return true end
  if type(init) == "table" and init[1] ~= nil and rule_of(init) then
    local key = rule_of(init).key
    if init.bias ~= nil and type(init.bias) ~= "number" then
      return nil, string.format("option 'init' has bias = %s, expected a number", tostring(init.bias))
    end
    if type(init[key]) == "number" then return true end
    return nil, string.format("option 'init' needs { \"%s\", %s = number }", init[1], key)
  end
  local shown = type(init) == "table" and init[1] or init
  return nil, string.format("option 'init' is '%s', expected %s", tostring(shown), NAMES)
end

--- The first value of a parameter { full =, shape =, fan_in =, fan_out =, bias = } for an `init` that M.check
-- accepts.
function M.make(init, p, seed)
  local value
  if type(init) == "function" then
    value = init(p.shape, { name = p.full, fan_in = p.fan_in, fan_out = p.fan_out, seed = seed })
    if not tensor.is_tensor(value) then
      errors.raise("argument", 2, "%s: its init function returned a %s, expected a tensor", p.full, type(value))
    end
    if table.concat(value.shape, "x") ~= table.concat(p.shape, "x") then
      errors.raise("shape", 2, "%s: its init function returned a tensor of %s, expected %s", p.full,
        table.concat(value.shape, "x"), table.concat(p.shape, "x"))
    end
    value = value:detach():clone()
  elseif type(init) == "string" then
    value = named[init](p, seed)
  elseif not p.bias then
    local rule = rule_of(init)
    value = rule.make(p, init[rule.key], seed)
  elseif init.bias then
    value = tensor.full(p.shape, init.bias)
  end
  return value or tensor.zeros(p.shape)
end

return M
