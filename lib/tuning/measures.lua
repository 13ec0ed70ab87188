--- lamina.tuning.measures: curves of responses and what is read off them.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local parts_of = require "lamina.neural.assembly_parts"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

--- A list of numbers from a list or a tensor of one axis.
function M.list(value)
  if tensor.is_tensor(value) then return value:to("float64"):contiguous():reshape({ -1 }):totable() end
  return value
end

local function floats(value) return tensor.is_tensor(value) and value:to "float64"
  or tensor.tensor(value, { dtype = "float64" }) end

-- ---- curves -----------------------------------------------------------------------------------------------------

local CURVE = schema.document("tuning.curve", {
  positional = { "responses", "by" },
  responses = { type = { "tensor", "table" }, required = true, doc = "N, N x units, or N x units x "
    .. "repeats (NaN: missing)" },
  by = { type = { "table", "tensor" }, required = true, doc = "the stimulus of each response: N numbers" },
})

-- Mean and standard error of each unit over rows, rows x units, and the most rows that a unit has; NaN rows are left
-- out.
local function summary(part)
  if not part:isnan():any():item() then
    return part:mean { dim = 1 }, #part > 1 and part:std { dim = 1 } * (1 / math.sqrt(#part))
      or part:mean { dim = 1 } * (0 / 0), #part
  end
  local n = part:isnan():logical_not():to("float64"):sum { dim = 1 }
  local mean = part:nanmean { dim = 1 }
  local variance = (part - mean):square():nanmean { dim = 1 } / (n - 1)
  return mean, ops.where(n:gt(1), variance:sqrt(), mean * (0 / 0)), math.tointeger(n:max():item())
end

--- tuning.curve { responses, by }: for each different value of `by` (a column of a stimulus set, N numbers) the mean
-- of the responses to it, over stimuli and repeats: a table with x (the values, rising), mean (values x units,
-- float64), error (standard errors of the means, NaN for a single response) and n (how many there are of each).
-- > c = tuning.curve { tensor { 10, 2, 14, 4 }, by = { 0, 90, 0, 90 } }
-- > c.x, c.mean, c.error   --> { 0, 90 } [[12.] [3.]] [[2.] [1.]]
function M.curve(given, ...)
  local position = errors.position(2)
  schema.alone("tuning.curve", "tuning.curve { responses, by }", position, ...)
  local o = schema.check("tuning.curve", given, CURVE, position)
  local r, by = floats(o.responses), M.list(o.by)
  if r.ndim == 1 then r = r:reshape { -1, 1 } end
  if r.ndim ~= 2 and r.ndim ~= 3 or #r ~= #by then
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
    if part.ndim == 3 then part = part:permute({ 1, 3, 2 }):contiguous():reshape { -1, part:size(2) } end
    means[k], spreads[k], n[k] = summary(part)
  end
  return { x = x, mean = ops.stack(means, { dim = 1 }), error = ops.stack(spreads, { dim = 1 }), n = n }
end

-- ---- measures --------------------------------------------------------------------------------------------------

--- tuning.modulation(cycle): how a response follows the phase of a drifting grating. cycle: responses at phases
-- evenly over one whole cycle, along the last axis. Returns F1/F0, F1 and F0 (tensors with the other axes; numbers
-- where there are none): F0 the mean, F1 the amplitude of the first harmonic, 2 / n |sum r exp(-2 pi i k / n)|. A
-- half-rectified sine has pi / 2; neurons above 1 are called simple (Skottun et al. 1991). F1/F0 is NaN where F0 is
-- 0.
-- > phase = arange(0, 350, 10) * (math.pi / 180)
-- > string.format("F1/F0 %.2f", tuning.modulation(phase:sin():relu()))   --> F1/F0 1.57
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

local HARMONICS = schema.document("tuning.harmonics", {
  positional = { "responses" },
  responses = { type = { "tensor", "table" }, required = true, doc = "responses over time, along the last axis, or "
    .. "an assembly with time bins" },
  rate = { type = "number", above = 0, doc = "how many of them there are in a second; of an assembly by its time "
    .. "bins, if absent" },
  frequency = { type = { "number", "table", "tensor", "string" }, required = true,
    doc = "of the stimulus in Hz; one for all, one for each row of the first axis, or the name of a coordinate of an "
      .. "assembly's stimuli" },
  from = { type = "number", default = 0, min = 0, doc = "seconds left out at the beginning" },
})

-- Mean, amplitude of the first harmonic, its phase in degrees, and the second's amplitude over whole cycles of one
-- series.
local function of_series(series, o, frequency, word, position)
  local first = math.floor(o.from * o.rate + 0.5)
  local left = #series - first
  local cycles = math.floor(left * frequency / o.rate + 1e-9)
  if cycles < 1 or frequency > o.rate / 2 then
    errors.raise("argument", position, "%s: %s Hz in %g s at %g a second: expected a whole cycle at least, of two "
      .. "responses or more", word, frequency, left / o.rate, o.rate)
  end
  local n = math.min(left, math.floor(cycles * o.rate / frequency + 0.5))
  local f0, parts = 0, { 0, 0, 0, 0 }
  for k = 0, n - 1 do
    local v, angle = series[first + k + 1], 2 * math.pi * frequency * k / o.rate
    f0 = f0 + v / n
    for h = 1, 2 do
      parts[2 * h - 1] = parts[2 * h - 1] + 2 / n * v * math.cos(h * angle)
      parts[2 * h] = parts[2 * h] + 2 / n * v * math.sin(h * angle)
    end
  end
  return f0, math.sqrt(parts[1] ^ 2 + parts[2] ^ 2), math.deg(math.atan(parts[2], parts[1])) % 360,
    math.sqrt(parts[3] ^ 2 + parts[4] ^ 2)
end

--- The same of responses over time along the last axis: f0, f1, f2, phase, f1_f0 and f2_f1, tensors without it. o:
-- rate, frequency (a number, or a list with one for each row of the first axis), from. `word` names the caller in
-- errors.
function M.harmonics_of(r, o, word, position)
  local shape = table.move(r.shape, 1, r.ndim - 1, 1, {})
  local rows = r:contiguous():reshape({ -1, r:size(-1) }):totable()
  local out = { f0 = {}, f1 = {}, phase = {}, f2 = {} }
  for i, series in ipairs(rows) do
    local f = type(o.frequency) == "number" and o.frequency or o.frequency[(i - 1) // (#rows // #r) + 1]
    if f <= 0 or f ~= f then
      errors.raise("argument", position, "%s: frequency is %s, expected a number of Hz above 0", word, f)
    end
    out.f0[i], out.f1[i], out.phase[i], out.f2[i] = of_series(series, o, f, word, position)
  end
  for name, list in pairs(out) do
    out[name] = #shape == 0 and list[1] or tensor.tensor(list, { dtype = "float64" }):reshape(shape)
  end
  out.f1_f0, out.f2_f1 = out.f1 / out.f0, out.f2 / out.f1
  return out
end

-- What an assembly with time bins holds: its responses (stimuli x neuroids x repeats x times, without the axis of
-- repeats where there is one), their rate, and the frequencies.
local function of_assembly(a, o, position)
  local r = parts_of.with_gaps(a)
  if r.ndim == 4 and r:size(3) == 1 then r = r:squeeze(3) end
  local f = o.frequency
  if type(f) == "string" then
    f = rawget(a.stimulus, f)
    if not f then
      errors.raise("argument", position, "tuning.harmonics: the stimuli of %s have no '%s'%s", a.name, o.frequency,
        errors.hint(o.frequency, require("lamina.neural.assembly").names(a.stimulus)))
    end
  end
  local rate = o.rate or parts_of.bins_a_second(a)
  if not rate then
    errors.raise("argument", position, "tuning.harmonics: the time bins of %s do not say how many there are in a "
      .. "second; rate = N does", a.name)
  end
  return r, rate, f
end

--- tuning.harmonics { responses, rate =, frequency =, from = 0 }: of responses over time to stimuli of a temporal
-- frequency (drifting gratings, flicker, contrast reversal) the mean f0, the amplitude f1 and the phase (degrees) of
-- the component at that frequency, and the amplitude f2 at twice the frequency, over the whole cycles after `from`
-- seconds. rate: responses a second (a PSTH's bins, a model's frames); frequency: one, or one for each row of the
-- first axis; an assembly (a recording, or what `activations` makes of movies) has both: tuning.harmonics { acts,
-- frequency = "temporal" }. The result has f0, f1, f2, phase, f1_f0 and f2_f1 (tensors without the last axis; numbers
-- where there are none). A complex cell under contrast reversal has f2 > f1 (Movshon et al. 1978b).
-- > t = arange(0, 0.99, 0.01)   -- seconds
-- > h = tuning.harmonics { (t * 2 * math.pi * 4):sin() * 5 + 10, rate = 100, frequency = 4 }
-- > string.format("F0 %.2f, F1 %.2f, F1/F0 %.2f", h.f0, h.f1, h.f1_f0)   --> F0 10.00, F1 5.00, F1/F0 0.50
function M.harmonics(given, ...)
  local position = errors.position(2)
  schema.alone("tuning.harmonics", "tuning.harmonics { responses, frequency = 4 }", position, ...)
  local o = schema.check("tuning.harmonics", given, HARMONICS, position)
  local r, rate, frequency
  if require("lamina.neural.assembly").is_assembly(o.responses) then
    r, rate, frequency = of_assembly(o.responses, o, position)
  else
    r, rate, frequency = floats(o.responses), o.rate, o.frequency
    if not rate or type(frequency) == "string" then
      errors.raise("argument", position, "tuning.harmonics: %s", rate and string.format("frequency is '%s', expected "
        .. "numbers of Hz (names are for an assembly)", frequency) or "option 'rate' is missing, responses a second")
    end
  end
  if r.ndim < 1 or r:size(-1) < 2 then
    errors.raise("shape", position, "tuning.harmonics: responses are %s, expected time along the last axis",
      table.concat(r.shape, "x"))
  end
  frequency = type(frequency) ~= "number" and M.list(frequency) or frequency
  if type(frequency) == "table" and (r.ndim < 2 or #frequency ~= #r) then
    errors.raise("shape", position, "tuning.harmonics: %d frequencies for responses %s, expected one for each row",
      #frequency, table.concat(r.shape, "x"))
  end
  return M.harmonics_of(r, { rate = rate, frequency = frequency, from = o.from }, "tuning.harmonics", position)
end

-- |sum r exp(2 pi i h x / 360)| / sum r and its angle, for each unit.
local function resultant(x, r, harmonic)
  local angles = floats(x) * (harmonic * math.pi / 180)
  local c = (r * angles:cos():reshape { -1, 1 }):sum { dim = 1 }
  local s = (r * angles:sin():reshape { -1, 1 }):sum { dim = 1 }
  return (c:square() + s:square()):sqrt() / r:sum { dim = 1 }, c:totable(), s:totable()
end

local SELECTIVITY = schema.document("tuning.selectivity", {
  positional = { "x", "responses" },
  x = { type = { "table", "tensor" }, required = true, doc = "orientations or directions, degrees, evenly spaced" },
  responses = { type = { "table", "tensor" }, required = true, doc = "the mean response to each: n, or n x units" },
  period = { type = "integer", choices = { 180, 360 },
    doc = "180 for orientations, 360 for directions; by default 360 "
    .. "where x reaches 180 or more" },
})

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
--   dsi                (best - opposite) / (best + opposite); only of directions, as the next two
--   dsi_vector         |sum r exp(i x)| / sum r: 1 for a single direction, 0 for none (Mazurek et al. 2014)
--   direction          the direction (degrees, 0 to 360) of that vector sum
--   circular_variance  1 - |sum r exp(2 i x)| / sum r: 0 for a single orientation, 1 for none (Ringach et al. 2002)
--   preferred          the orientation (degrees, 0 to 180) of that last vector sum
-- Responses are rates: not negative.
-- > s = tuning.selectivity { { 0, 45, 90, 135 }, { 2, 10, 2, 2 } }
-- > s.osi, s.circular_variance, s.preferred   --> 0.6666666666666666 0.5 45.0
function M.selectivity(given, ...)
  local position = errors.position(2)
  schema.alone("tuning.selectivity", "tuning.selectivity { x, responses }", position, ...)
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
  local out, rows = { osi = {}, circular_variance = (1 - length):totable(), preferred = {} },
    r:t():contiguous():totable()
  if period == 360 then
    local strength, dc, ds = resultant(x, r, 1)
    out.dsi, out.dsi_vector, out.direction = {}, strength:totable(), {}
    for unit in ipairs(rows) do out.direction[unit] = math.deg(math.atan(ds[unit], dc[unit])) % 360 end
  end
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
-- > tuning.suppression({ 1, 2, 4, 8 }, { 5, 20, 15, 10 })   --> 0.5 2
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
