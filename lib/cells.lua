--- What the cells of an area are: area "V1" { cells = dale { excitatory = 0.8 }, ... }.
--
-- Dale's law: all that leaves a cell has one sign (Eccles 1976; as a constraint of trained networks Song, Yang & Wang
-- 2016, Cornford et al. 2021). A cell is a channel of an area's maps, or a unit; which are excitatory is drawn for
-- (seed, area) when the model is made. It governs the weights by which the area's output drives other areas,
-- feedback, laterals and readouts: those from an excitatory cell are never below 0, those from an inhibitory one
-- never above, after every update. It says nothing of the weights that lead to the area, and it means what it says
-- where the area's output is not negative: end it in relu, softplus or the like.
--
-- First weights are given their cell's sign. Where there are fewer inhibitory cells, theirs are larger by the ratio
-- of the numbers, so that the mean drive is 0 as before, and all are scaled so that their mean square is as before.
local choose = require "lamina.choose"
local constraints = require "lamina.constraints"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local kinds = require "lamina.constraints.kinds"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"

local M = {}

local Cells = { __name = "cells" }
Cells.__tostring = function(self) return string.format("dale { excitatory = %g }", self.excitatory) end

local DALE = schema.document("dale", {
  positional = { "excitatory" },
  excitatory = { type = "number", default = 0.8, min = 0, max = 1, doc = "the share of excitatory cells" },
  balance = { type = "boolean", default = true,
    doc = "whether the first weights of inhibitory cells are scaled so that the mean drive is 0" },
})

--- dale { excitatory = 0.8, balance = true }: cells that excite or inhibit, the option `cells` of an area. The share
-- is rounded to whole cells; which they are is drawn from the model's seed. See lib/cells.lua for what it governs.
-- > net = model "m" { input { 8 }, area "V1" { cells = dale { excitatory = 0.75 }, dense { 8 }, relu },
-- >   area "V2" { dense { 4 } } }
-- > net:parameters "V2.*weight"[1].tensor:ge(0):count_nonzero()   --> 24
function M.dale(given, ...)
  local position = errors.position(2)
  schema.alone("dale", "dale { excitatory = 0.8 }", position, ...)
  local o = schema.check("dale", given, DALE, position)
  return setmetatable({ excitatory = o.excitatory, balance = o.balance }, Cells)
end

-- 1 for an excitatory and -1 for an inhibitory cell: a draw for (seed, "V1.cells").
local function draw_signs(n, cells, seed, purpose)
  local order = core.draw { kind = "permutation", shape = { n }, seed = seed, purpose = purpose }
  local count = math.floor(n * cells.excitatory + 0.5)
  return ops.where(ops.le(order, count), 1, -1):to "float32"
end

-- ---- what an area drives ---------------------------------------------------------------------------------------

local function readers_of(net)
  local readers = {}
  for _, node in ipairs(net.order) do
    for i, source in ipairs(node.sources) do
      readers[source] = readers[source] or {}
      table.insert(readers[source], { node = node, at = i })
    end
  end
  return readers
end

-- The weight of a layer: its first parameter that is one.
local function weight_of(node)
  for _, p in ipairs(node.parameters) do
    if choose.weighs(node, p) then return p end
  end
end

-- Where the channels of source `at` lie among those of a layer: how many stand before and after them.
local function margins(node, at)
  if node.layer.word ~= "concat" and not (node.layer.word == "join" and node.options.combine == "concat") then
    return 0, 0
  end
  if node.options.dim and node.options.dim ~= 1 then return 0, 0 end
  local before, own, total = 0, node.sources[at].output[1], 0
  for i, source in ipairs(node.sources) do
    if i < at then before = before + source.output[1] end
    total = total + source.output[1]
  end
  return before, total - before - own
end

-- How many entries of a layer's output stand for each of its input's channels: more than one after a flatten.
local function spread_of(node, source, block)
  if node.layer.merges then return 1 end
  local times = node.output[1] // source.output[1]
  if times * source.output[1] ~= node.output[1] then
    errors.raise("argument", block.position, "%s %q: its cells cannot be told apart after %s, which makes %d "
      .. "channels of %d", block.kind, block.name, node.name, node.output[1], source.output[1])
  end
  return times
end

--- The weights that an area's output drives: a list of { node =, p =, before =, times =, after = }: among the layer's
-- inputs the area's begin after `before` others, each channel of the area stands `times` times, and `after` others
-- follow.
function M.driven(net, block)
  local readers, list, seen = readers_of(net), {}, {}
  local function follow(source, before, times, after)
    for _, reader in ipairs(readers[source] or {}) do
      local node, p = reader.node, weight_of(reader.node)
      local key = node.name .. ":" .. reader.at .. ":" .. before
      if not seen[key] then
        seen[key] = true
        if p then
          list[#list + 1] = { node = node, p = p, before = before, times = times, after = after }
        else
          local f = spread_of(node, source, block)
          local more_before, more_after = margins(node, reader.at)
          follow(node, before * f + more_before, times * f, after * f + more_after)
        end
      end
    end
  end
  follow(block.last, 0, 1, 0)
  return list
end

-- ---- signs as a constraint --------------------------------------------------------------------------------------

-- The cells' signs along a layer's channels, 0 for channels that are not theirs.
local function along_channels(signs, drive)
  local n = #signs
  signs = ops.reshape(ops.expand(ops.reshape(signs, { n, 1 }), { n, drive.times }), { n * drive.times })
  if drive.before + drive.after == 0 then return signs end
  return ops.concat({ core.zeros { drive.before }, signs, core.zeros { drive.after } }, { dim = 1 })
end

-- The signs spread over a weight: [width, channels / groups, ...], or [width, channels * positions].
local function over_weight(signs, drive)
  local shape, groups = drive.p.shape, drive.node.options.groups or 1
  local axis = drive.p.inputs or 2
  local along = along_channels(signs, drive)
  if drive.p.links then
    along = ops.index_select(along, core.tensor(drive.p.links, { dtype = "int64" }), { dim = 1 })
  end
  local wide = {}
  for i = 1, #shape do wide[i] = 1 end
  if groups > 1 then
    along = ops.reshape(along, { groups, 1, shape[axis] })
    along = ops.reshape(ops.expand(along, { groups, shape[1] // groups, shape[axis] }), { shape[1], shape[axis] })
    wide[1], wide[axis] = shape[1], shape[axis]
  else
    local positions = shape[axis] // #along
    along = ops.reshape(ops.expand(ops.reshape(along, { #along, 1 }), { #along, positions }), { shape[axis] })
    wide[axis] = shape[axis]
  end
  return ops.contiguous(ops.expand(ops.reshape(along, wide), shape))
end

-- First weights with the cells' signs; see the head of this file.
local function first_weights(w, signs, balance)
  local excitatory = ops.gt(signs, 0):to "float64":sum():item()
  local inhibitory = ops.lt(signs, 0):to "float64":sum():item()
  local ratio = balance and excitatory > 0 and inhibitory > 0 and excitatory / inhibitory or 1
  local scale = math.sqrt((excitatory + inhibitory) / (excitatory + inhibitory * ratio * ratio))
  core.no_grad(function()
    local size = ops.abs(w)
    local signed = ops.where(ops.gt(signs, 0), size * scale, size * (-ratio * scale))
    w:copy(ops.where(ops.eq(signs, 0), w, signed))
  end)
end

local function check_conflict(item, c, position)
  for _, other in ipairs(item.entry.constraints or {}) do
    if other.kind == "cells" and ops.any(ops.lt(ops.mul(c.derive(), other.derive()), 0)):item() then
      errors.raise("argument", position, "cells: %s is driven by %s and %s together, and their cells have different "
        .. "signs; join them with combine = \"concat\"", item.name, other.area, c.area)
    end
  end
end

local function constrain(net, block, drive, position)
  local item
  for _, entry in ipairs(net.list) do
    if entry.node == drive.node and entry.parameter.name == drive.p.name then
      item = { name = entry.name, tensor = entry.tensor, entry = entry, node = entry.node, p = entry.parameter }
    end
  end
  if not item then return end -- a later use of shared weights
  local c = kinds.new("cells", {}, item)
  c.area = block.name
  c.derive = function() return over_weight(block.last.buffers.cells, drive) end
  c:prepare()
  check_conflict(item, c, position)
  first_weights(item.tensor, c.derive(), block.cells.balance)
  constraints.add(net, item, c, position)
end

--- Gives a model's areas the cells that they declare, and the weights that they drive their signs.
function M.declared(net)
  for _, block in ipairs(net.blocks) do
    if block.cells ~= nil then
      if getmetatable(block.cells) ~= Cells then
        errors.raise("argument", block.position, "%s %q: option 'cells' is a %s, expected dale { excitatory = 0.8 }",
          block.kind, block.name, type(block.cells))
      end
      if block.last.shared then
        errors.raise("argument", block.position, "%s %q: cells need an area whose last layer is its own, not a "
          .. "shared one", block.kind, block.name)
      end
      local signs = draw_signs(block.output[1], block.cells, net.seed, block.name .. ".cells")
      block.last.buffers.cells = signs
      net.buffer_list[#net.buffer_list + 1] = { name = block.name .. ".cells", tensor = signs, node = block.last,
        buffer = { name = "cells" } }
      for _, drive in ipairs(M.driven(net, block)) do constrain(net, block, drive, block.position) end
    end
  end
end

return M
