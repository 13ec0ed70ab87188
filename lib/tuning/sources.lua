--- lamina.tuning.sources: responses from whatever gives them: a cell written as a function, a unit of a network, a
-- recording, or numbers.
local assembly = require "lamina.neural.assembly"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local measures = require "lamina.tuning.measures"
local parts_of = require "lamina.neural.assembly_parts"
local responses = require "lamina.tuning.responses"
local models = require "lamina.model"
local stimuli = require "lamina.stimuli"
local tensor = require "lamina.core.tensor"

local M = {}

--- The options by which a word takes its responses, to be joined to its own.
M.fields = {
  source = { type = "any", required = true, doc = "a model, a function from images to rows of responses, an "
    .. "assembly, or responses: N, N x units, or N x units x repeats (NaN: missing)" },
  stimuli = { type = "any", doc = "the stimulus set shown; of an assembly the one with its ids, or none where its "
    .. "own coordinates say what was shown" },
}
for name, field in pairs(responses.fields) do M.fields[name] = field end

--- M.fields together with more.
function M.join(more)
  local all = { positional = { "source" } }
  for name, field in pairs(M.fields) do all[name] = field end
  for name, field in pairs(more) do all[name] = field end
  return all
end

-- The responses of an assembly, N x units x repeats, with an axis of times where it has several time bins; and the
-- columns of the stimuli.
local function of_assembly(a, set, word, position)
  local r = parts_of.with_gaps(a)
  if not set then return r, a.stimulus end
  local columns = {}
  local at = assembly.match(a, set, a.name, set.name, position, word)
  for name, column in pairs(set.columns) do columns[name] = common.pick(column, at) end
  return r, columns
end

-- Responses over time, N x units x repeats x times, as one number each, and { f1 =, f0 = } where the stimuli have a
-- temporal frequency.
local function at_one_time(r, rate, o, columns, word, position)
  if o.rectify then r = r:relu() end
  local f1, f0 = responses.harmonics(r, rate, o, columns, word, position)
  return responses.reduced(r, rate, o, columns, word, position), f1 and { f1 = f1, f0 = f0 } or nil
end

--- The responses of what options name, N x units x repeats (float64); the columns of the N stimuli by name; and where
-- the responses were over time and the stimuli have a temporal frequency { f1 =, f0 = }, as the responses each.
-- `word` names the caller in errors.
function M.read(o, word, position)
  local source, set = o.source, o.stimuli ~= nil and stimuli.of(o.stimuli, position) or nil
  if assembly.is_assembly(source) then
    local r, columns = of_assembly(source, set, word, position)
    if r.ndim < 4 then return r, columns end
    if not o.time then
      errors.raise("argument", position, "%s: %s has %d time bins; time = \"mean\", \"peak\", \"last\" or \"f1\" "
        .. "says what of them counts (a:select { time_bin_start = MS } chooses one)", word, source.name, r:size(4))
    end
    local one, harmonics = at_one_time(r, parts_of.bins_a_second(source), o, columns, word, position)
    return one, columns, harmonics
  end
  local r
  if models.is_model(source) or type(source) == "function" then
    if not set then
      errors.raise("argument", position, "%s: option 'stimuli' is missing, the set to show to a %s", word,
        type(source) == "function" and "function" or "model")
    end
    local rate
    r, rate = responses.answered(source, set, o, word, position)
    if r.ndim == 3 then
      local one, harmonics = at_one_time(r:unsqueeze(3), rate, o, set.columns, word, position)
      return one, set.columns, harmonics
    end
  elseif tensor.is_tensor(source) then r = source:to "float64"
  elseif type(source) == "table" then r = tensor.tensor(source, { dtype = "float64" })
  else
    errors.raise("argument", position, "%s: expected a model, a function, an assembly or responses, got a %s", word,
      type(source))
  end
  if r.ndim < 1 or r.ndim > 3 then
    errors.raise("shape", position, "%s: responses are %s, expected N, N x units, or N x units x repeats", word,
      table.concat(r.shape, "x"))
  end
  if set and #set ~= #r then
    errors.raise("shape", position, "%s: %d stimuli, but responses %s; expected a row for each", word, #set,
      table.concat(r.shape, "x"))
  end
  while r.ndim < 3 do r = r:unsqueeze(-1) end
  return r, set and set.columns or {}
end

--- Numbers for each of the n stimuli, from a list, a tensor, or the name of one of the columns.
function M.column(value, columns, n, what, position)
  local list = value
  if type(value) == "string" then
    list = columns[value]
    if list == nil then
      local names = {}
      for name in pairs(columns) do names[#names + 1] = name end
      table.sort(names)
      errors.raise("argument", position, "%s is '%s', which the stimuli do not have%s%s", what, value,
        errors.hint(value, names), #names > 0 and "; they have " .. table.concat(names, ", ") or
        ": give the set that was shown as stimuli =")
    end
  end
  list = measures.list(list)
  if type(list) ~= "table" or #list ~= n then
    errors.raise("shape", position, "%s has %d entries for %d stimuli, expected one for each", what,
      type(list) == "table" and #list or 0, n)
  end
  for i, v in ipairs(list) do
    if type(v) ~= "number" or v ~= v then
      errors.raise("argument", position, "%s: entry %d is %s, expected a number", what, i, tostring(v))
    end
  end
  return list
end

return M
