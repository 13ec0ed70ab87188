-- Random architectures: drawn from a seed as plain values, built as models, run with weights that any program can
-- make alike. tests/peers/architectures.lua writes them, tests/peers/architectures.py builds the same in PyTorch,
-- tests/lib/architectures_spec.lua compares.
--
-- An architecture is { name =, input =, batch =, training =, steps =, update =, areas = { { name =, from =,
-- combine =, items = }, ... }, connections = { { kind =, name =, from =, to =, delay =, resize =, combine =,
-- items = }, ... }, readout = { steps =, items = } }; a layer { word = "pool.max", name = "pool.max3", options = {
-- kernel = 2 } }, with items, shortcut and after (residual) or branches (add, multiply, concat). Names of layers are
-- unique.
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local models = require "lamina.model"
local ops = require "lamina.core.ops"

local M = {}

-- ---- numbers by name -------------------------------------------------------------------------------------------

--- A key of 32 bits for a name (FNV-1a).
function M.key(name)
  local h = 2166136261
  for i = 1, #name do h = (h ~ name:byte(i)) * 16777619 & 0xffffffff end
  return h
end

--- Element i (from 0) of the numbers of a key, from -1 to 1: the last steps of MurmurHash3.
function M.element(key, i)
  local h = i * 0x9E3779B1 + key & 0xffffffff
  h = (h ~ h >> 16) * 0x85EBCA6B & 0xffffffff
  h = (h ~ h >> 13) * 0xC2B2AE35 & 0xffffffff
  return (h ~ h >> 16) / 0x80000000 - 1
end

local element = M.element

--- A tensor offset + scale * those numbers.
function M.values(name, shape, scale, offset)
  local list, key = {}, M.key(name)
  scale, offset = scale or 1, offset or 0
  for i = 1, layer.elements(shape) do list[i] = offset + scale * element(key, i - 1) end
  return core.tensor(list, { dtype = "float32" }):reshape(shape)
end

-- Scale and offset of a parameter or buffer.
local function scale_of(name, shape)
  local word, last = name:match "([%a_]+)[%d%.%a_]*%.([%a_%d]+)$"
  if last == "variance" or last == "gain" then return 0.3, 1 end
  if word == "norm" and last == "weight" and not name:find "divisive" then return 0.3, 1 end
  if word == "prelu" then return 0.2, 0.4 end
  if last == "order" then return 0.3, 0.5 end
  if name:find "divisive" then return 0.4, last == "weight" and 0.5 or last == "gamma" and 1 or 0 end
  if #shape < 2 or last == "mean" then return 0.2, 0 end
  return math.sqrt(3 * shape[1] / layer.elements(shape)), 0
end

-- ---- building --------------------------------------------------------------------------------------------------

local function word_of(full)
  local first, second = full:match "^([%w_]+)%.?([%w_]*)$"
  local word = require("lamina.layers." .. first)
  return second == "" and word or word[second]
end

local specs

local function spec(d)
  local given = { name = d.name:gsub("%.", "_") }
  for name, value in pairs(d.options) do given[name] = value end
  if d.items then table.move(specs(d.items), 1, #d.items, 1, given) end
  if d.after then given.after = spec(d.after) end
  if type(d.shortcut) == "table" then given.shortcut = specs(d.shortcut) else given.shortcut = d.shortcut end
  for i, branch in ipairs(d.branches or {}) do given[i] = specs(branch) end
  return word_of(d.word)(given)
end

specs = function(list)
  local made = {}
  for i, d in ipairs(list) do made[i] = spec(d) end
  return made
end

-- A constructor's table: layers and options.
local function with(list, options)
  local given = specs(list)
  for name, value in pairs(options) do given[name] = value end
  return given
end

--- The model of an architecture.
function M.build(a)
  local given = { models.input(a.input), steps = a.steps, update = a.update, seed = 1 }
  for _, block in ipairs(a.areas) do
    given[#given + 1] = models.area(block.name)(with(block.items, { from = block.from, combine = block.combine }))
  end
  for _, c in ipairs(a.connections or {}) do
    local o = { name = c.name, delay = c.delay, resize = c.resize, combine = c.combine, at = c.at, from = c.from,
      to = c.to }
    given[#given + 1] = models[c.kind](with(c.items, o))
  end
  if a.readout then given[#given + 1] = models.readout "r"(with(a.readout.items, { steps = a.readout.steps })) end
  return models.model(a.name)(given)
end

--- Gives every parameter and buffer of a model its numbers; returns a list of { name =, shape =, scale =, offset = }.
function M.fill(net)
  local list = {}
  for _, entries in ipairs { net:parameters(), net:buffers() } do
    for _, p in ipairs(entries) do
      local shape = p.tensor.shape
      local scale, offset = scale_of(p.name, shape)
      core.no_grad(function() p.tensor:copy(M.values(p.name, shape, scale, offset)) end)
      list[#list + 1] = { name = p.name, shape = shape, scale = scale, offset = offset }
    end
  end
  return list
end

--- What is compared: a list of { name =, tensor = }: the output, the gradients of sum(output c) to the input and
-- every parameter, c being numbers by the name "cotangent"; the buffers afterwards, and the output of an evaluation
-- then.
function M.run(a)
  local net = M.build(a)
  M.fill(net)
  local shape = table.move(a.input, 1, #a.input, 2, { a.batch })
  if a.sequence then table.insert(shape, 2, a.steps) end
  local x = M.values("input", shape):requires_grad(true)
  local y = net:forward(x, { training = a.training })
  ops.sum(y * M.values("cotangent", y.shape)):backward()
  local list = { { name = "output", tensor = y:detach() }, { name = "input", tensor = x.grad } }
  for _, p in ipairs(net:parameters()) do list[#list + 1] = { name = p.name, tensor = p.tensor.grad } end
  for _, b in ipairs(net:buffers()) do list[#list + 1] = { name = b.name, tensor = b.tensor } end
  if #net:buffers() > 0 then
    list[#list + 1] = { name = "evaluated", tensor = core.no_grad(function() return net(x:detach()) end) }
  end
  return list
end

-- ---- what is stored of a tensor --------------------------------------------------------------------------------

local ELEMENTS = 8

--- A tensor in short: its length, two sums with signs drawn by name, and some elements, drawn likewise.
function M.digest(name, t)
  local values, first, second = t:reshape({ -1 }):totable(), M.key(name .. " 1"), M.key(name .. " 2")
  local square, one, two, some = 0, 0, 0, {}
  for i, v in ipairs(values) do
    square = square + v * v
    one = one + (element(first, i - 1) < 0 and -v or v)
    two = two + (element(second, i - 1) < 0 and -v or v)
  end
  for i = 1, math.min(ELEMENTS, #values) do
    some[i] = values[1 + math.floor((element(first, 1000000 + i) + 1) / 2 * #values)]
  end
  return { count = #values, length = math.sqrt(square), sums = { one, two }, elements = some }
end

--- Nil, or how a digest differs from a stored one by more than 1e-4 of `largest`, the largest element of the peer's
-- tensor: each element by itself, length and sums by what elements with errors of that size and any sign add up to.
function M.difference(want, got)
  if want.count ~= got.count then return string.format("%d elements, not %d", got.count, want.count) end
  local bound = 1e-4 * want.largest
  local function off(what, a, b, most)
    if math.abs(a - b) <= most then return nil end -- a NaN is off
    return string.format("%s: %.9g, not %.9g (off by %.2g of the largest, %.3g)", what, b, a,
      math.abs(a - b) / want.largest, want.largest)
  end
  for i, v in ipairs(want.elements) do
    local found = off("element " .. i, v, got.elements[i], bound)
    if found then return found end
  end
  local most = bound * math.sqrt(want.count)
  return off("length", want.length, got.length, most) or off("sum 1", want.sums[1], got.sums[1], most)
    or off("sum 2", want.sums[2], got.sums[2], most)
end

return M
