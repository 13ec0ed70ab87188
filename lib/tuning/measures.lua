--- lamina.tuning.measures: curves of responses and what is read off them.
local common = require "lamina.neural.common"
local dataset = require "lamina.data"
local errors = require "lamina.errors"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

--- A list of numbers from a list or a tensor of one axis.
function M.list(value)
  if tensor.is_tensor(value) then return value:to("float64"):contiguous():reshape({ -1 }):totable() end
  return value
end

local function floats(value) return tensor.is_tensor(value) and value:to "float64"
  or tensor.tensor(value, { dtype = "float64" }) end

-- ---- responses -------------------------------------------------------------------------------------------------

local RESPONSES = {
  positional = { "model", "stimuli" },
  model = { type = "any", required = true,
    doc = "a model, or a function from images to a tensor with a row for each" },
  stimuli = { type = "any", required = true, doc = "a stimulus set, a data set, or images N x C x H x W" },
  layer = { type = "string", doc = "a layer or area; the model's output if absent" },
  units = { type = "string", default = "all", choices = { "all", "centre" },
    doc = "of maps: every unit, or the one in the middle of each channel" },
  batch = { type = "integer", default = 64, min = 1, doc = "images at a time" },
}

-- Rows of units; of maps perhaps only the middle ones.
local function rows_of(y, units)
  if units == "centre" then
    for axis = 3, y.ndim do y = ops.slice(y, { dim = axis, start = y:size(axis) // 2 + 1, stop = y:size(axis) // 2
      + 1 }) end
  end
  return y:reshape { #y, -1 }
end

--- tuning.responses { model, stimuli, layer =, units = "all", batch = 64 }: what a model's units, or a function,
-- answer to stimuli: N x units, float64. units = "centre" takes the unit in the middle of each channel.
function M.responses(given)
  local position = errors.position(2)
  local o = schema.check("tuning.responses", given, RESPONSES, position)
  local set, parts = stimuli.of(o.stimuli, position), {}
  if not models.is_model(o.model) and type(o.model) ~= "function" then
    errors.raise("argument", position, "tuning.responses: expected a model or a function, got a %s", type(o.model))
  end
  tensor.no_grad(function()
    for b in dataset.batches(set, o.batch) do
      local y
      if type(o.model) == "function" then
        y = o.model(b.x)
        if not tensor.is_tensor(y) or y.ndim < 1 or #y ~= #b then
          errors.raise("shape", position,
            "tuning.responses: the function must give a tensor with a row for each image")
        end
      elseif o.layer then
        y = o.model:activations(b.x, { o.layer })[o.layer]
      else
        y = o.model(b.x)
      end
      parts[#parts + 1] = rows_of(y, o.units):to "float64"
    end
  end)
  return ops.concat(parts, { dim = 1 })
end

local CURVE = {
  positional = { "responses", "by" },
  responses = { type = { "tensor", "table" }, required = true, doc = "N, or N x units" },
  by = { type = { "table", "tensor" }, required = true, doc = "the stimulus of each response: N numbers" },
}

--- tuning.curve { responses, by }: for each different value of `by` (a column of a stimulus set, N numbers) the mean
-- of the responses to it: a table with x (the values, rising), mean (values x units, float64), error (standard
-- errors of the means, NaN for a single response) and n (how many there are of each).
function M.curve(given)
  local position = errors.position(2)
  local o = schema.check("tuning.curve", given, CURVE, position)
  local r, by = floats(o.responses), M.list(o.by)
  if r.ndim == 1 then r = r:reshape { -1, 1 } end
  if r.ndim ~= 2 or #r ~= #by then
    errors.raise("shape", position, "tuning.curve: responses are %s for %d stimuli, expected a row for each",
      table.concat(r.shape, "x"), #by)
  end
  local places, x = {}, {}
  for i, value in ipairs(by) do
    if value ~= value then
      errors.raise("argument", position, "tuning.curve: the stimulus of response %d is NaN", i)
    end
    if not places[value] then places[value], x[#x + 1] = {}, value end
    table.insert(places[value], i)
  end
  table.sort(x)
  local means, spreads, n = {}, {}, {}
  for k, value in ipairs(x) do
    local part = r:index_select(common.index(places[value]), { dim = 1 })
    n[k], means[k] = #part, part:mean { dim = 1 }
    spreads[k] = #part > 1 and part:std { dim = 1 } * (1 / math.sqrt(#part)) or means[k] * (0 / 0)
  end
  return { x = x, mean = ops.stack(means, { dim = 1 }), error = ops.stack(spreads, { dim = 1 }), n = n }
end

-- ---- measures --------------------------------------------------------------------------------------------------

--- tuning.modulation(cycle): how a response follows the phase of a drifting grating. cycle: responses at phases
-- evenly over one whole cycle, along the last axis. Returns F1/F0, F1 and F0 (tensors with the other axes; numbers
-- where there are none): F0 the mean, F1 the amplitude of the first harmonic, 2 / n |sum r exp(-2 pi i k / n)|. A
-- half-rectified sine has pi / 2; neurons above 1 are called simple (Skottun et al. 1991). F1/F0 is NaN where F0 is
-- 0.
function M.modulation(cycle)
  local r = (tensor.is_tensor(cycle) or type(cycle) == "table") and floats(cycle)
  if not r or r.ndim < 1 or r:size(-1) < 3 then
    errors.raise("shape", 2,
      "tuning.modulation: expected responses at 3 or more phases of a cycle along the last axis")
  end
  local n = r:size(-1)
  local f0, terms = r:mean { dim = -1 }, r:rfft()
  local first = ops.select(terms, { dim = r.ndim, index = 2 })
  local f1 = first:square():sum({ dim = -1 }):sqrt() * (2 / n)
  local ratio = f1 / f0
  if r.ndim == 1 then return ratio:item(), f1:item(), f0:item() end
  return ratio, f1, f0
end

-- |sum r exp(2 pi i h x / 360)| / sum r and its angle, for each unit.
local function resultant(x, r, harmonic)
  local angles = floats(x) * (harmonic * math.pi / 180)
  local c = (r * angles:cos():reshape { -1, 1 }):sum { dim = 1 }
  local s = (r * angles:sin():reshape { -1, 1 }):sum { dim = 1 }
  return (c:square() + s:square()):sqrt() / r:sum { dim = 1 }, c:totable(), s:totable()
end

local SELECTIVITY = {
  positional = { "x", "responses" },
  x = { type = { "table", "tensor" }, required = true, doc = "orientations or directions, degrees, evenly spaced" },
  responses = { type = { "table", "tensor" }, required = true, doc = "the mean response to each: n, or n x units" },
  period = { type = "integer", choices = { 180, 360 },
    doc = "180 for orientations, 360 for directions; by default 360 "
    .. "where x reaches 180 or more" },
}

-- The response nearest to the best one turned by `turn` degrees.
local function opposite(x, row, best, turn, period)
  local nearest, at = math.huge, best
  for i, angle in ipairs(x) do
    local off = math.abs((angle - x[best] - turn + period / 2) % period - period / 2)
    if off < nearest then nearest, at = off, i end
  end
  return row[at]
end

local function contrast(a, b) return a + b ~= 0 and (a - b) / (a + b) or 0 / 0 end

--- tuning.selectivity { x, responses, period = }: of mean responses to orientations or directions x (degrees, even
-- over 180 or 360), a table with, one for each unit (numbers where there is one):
--   osi                (best - orthogonal) / (best + orthogonal); of directions each with its opposite together
--   dsi                (best - opposite) / (best + opposite); only of directions
--   circular_variance  1 - |sum r exp(2 i x)| / sum r: 0 for a single orientation, 1 for none (Ringach et al. 2002)
--   preferred          the orientation (degrees, 0 to 180) of that vector sum
-- Responses are rates: not negative.
function M.selectivity(given)
  local position = errors.position(2)
  local o = schema.check("tuning.selectivity", given, SELECTIVITY, position)
  local x, r = M.list(o.x), floats(o.responses)
  local single = r.ndim == 1
  if single then r = r:reshape { -1, 1 } end
  if r.ndim ~= 2 or #r ~= #x or #x < 2 then
    errors.raise("shape", position,
      "tuning.selectivity: responses are %s for %d angles, expected a row for each of 2 "
      .. "or more", table.concat(r.shape, "x"), #x)
  end
  if not r:ge(0):all():item() then
    errors.raise("argument", position, "tuning.selectivity: responses are rates and must not be negative or NaN")
  end
  local period = o.period or (math.max(table.unpack(x)) >= 180 and 360 or 180)
  local length, c, s = resultant(x, r, 2)
  local out, rows = { osi = {}, dsi = period == 360 and {} or nil, circular_variance = (1 - length):totable(),
    preferred = {} }, r:t():contiguous():totable()
  for unit, row in ipairs(rows) do
    local best = 1
    for i = 2, #row do if row[i] > row[best] then best = i end end
    local top, across = row[best], opposite(x, row, best, 90, period)
    if period == 360 then
      out.dsi[unit] = contrast(top, opposite(x, row, best, 180, 360))
      top, across = top + opposite(x, row, best, 180, 360), across + opposite(x, row, best, 270, 360)
    end
    out.osi[unit] = contrast(top, across)
    out.preferred[unit] = math.atan(s[unit], c[unit]) * 90 / math.pi % 180
  end
  if single then
    for name, list in pairs(out) do out[name] = list[1] end
  end
  return out
end

--- tuning.suppression(sizes, responses): of responses to stimuli of rising size (n, or n x units), the surround
-- suppression index (largest - at the largest size) / largest, and the size with the largest response (numbers, or
-- lists with one for each unit).
function M.suppression(sizes, responses)
  local x, r = M.list(sizes), floats(responses)
  local single = r.ndim == 1
  if single then r = r:reshape { -1, 1 } end
  if r.ndim ~= 2 or #r ~= #x then
    errors.raise("shape", 2, "tuning.suppression: responses are %s for %d sizes, expected a row for each",
      table.concat(r.shape, "x"), #x)
  end
  local index, best, last = {}, {}, 1
  for i = 2, #x do if x[i] > x[last] then last = i end end
  for unit, row in ipairs(r:t():contiguous():totable()) do
    local at = 1
    for i = 2, #row do if row[i] > row[at] then at = i end end
    index[unit] = row[at] > 0 and (row[at] - row[last]) / row[at] or 0 / 0
    best[unit] = x[at]
  end
  if single then return index[1], best[1] end
  return index, best
end

return M
