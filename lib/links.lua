--- Convolutions whose filters see some of the input channels each: the option `table` of conv, after the tables of
-- LeCun et al. 1989 and 1998. The weight holds one kernel for each link of a filter to a channel, filter by filter.
local core = require "lamina.core.tensor"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local M = {}

--- The option table.
M.option = { type = "table", doc = "the input channels that each filter sees, { { 1, 2, 3 }, { 2, 3, 4 }, ... }: the "
  .. "weight is then links x kh x kw, a kernel for each of them in this order (its first values are scaled by the "
  .. "mean number of links of a filter)" }

-- Nil, or what is wrong with the channels of filter i.
local function wrong_channels(list, i, channels)
  if type(list) ~= "table" or #list == 0 then
    return string.format("table[%d] is no list of channels such as { 1, 2, 3 }", i)
  end
  local seen = {}
  for _, channel in ipairs(list) do
    if math.type(channel) ~= "integer" or channel < 1 or channel > channels then
      return string.format("table[%d] names channel %s; the input has the channels 1 to %d", i, tostring(channel),
        channels)
    end
    if seen[channel] then return string.format("table[%d] names channel %d twice", i, channel) end
    seen[channel] = true
  end
end

--- Checks the table of a layer for an input shape and fills in o.links, where each link's kernel lies in the dense
-- weight; nil and a message where it does not fit.
function M.resolve(o, shape)
  if not o.table then return o end
  if o.groups > 1 then return nil, "table and groups both say which channels a filter sees; give one of them" end
  if o.weight_norm then return nil, "weight_norm does not go with table" end
  if #o.table ~= o.width then
    return nil, string.format("table has %d entries for %d filters", #o.table, o.width)
  end
  local at, seen = {}, {}
  for i, list in ipairs(o.table) do
    local message = wrong_channels(list, i, shape[1])
    if message then return nil, message end
    for _, channel in ipairs(list) do at[#at + 1], seen[#seen + 1] = (i - 1) * shape[1] + channel, channel end
  end
  o.seen = seen
  o.channels, o.links, o.link_count = shape[1], core.tensor(at, { dtype = "int64" }), #at
  return o
end

--- The parameter of the weight: its first axis runs over links, `links` says which channel each comes from.
function M.parameter(o)
  local taps = layer.elements(o.kernel)
  return { name = "weight", shape = { o.link_count, table.unpack(o.kernel) }, fan_in = o.link_count / o.width * taps,
    fan_out = o.link_count / o.channels * taps, inputs = 1, links = o.seen }
end

--- The dense weight, width x channels x kernel, with zeros where there is no link.
function M.dense(o, weight)
  local rows = ops.reshape(weight, { o.link_count, -1 })
  local all = ops.index_add(rows, o.links, { dim = 1, size = o.width * o.channels })
  return ops.reshape(all, { o.width, o.channels, table.unpack(o.kernel) })
end

return M
