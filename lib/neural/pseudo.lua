--- lamina.neural.pseudo: populations of neurons that were not recorded together, made up trial by trial.
local assembly = require "lamina.neural.assembly"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local object = require "lamina.object"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local Pseudo = { __name = "pseudopopulation" }
Pseudo.__index = object.index("a pseudopopulation", Pseudo)
Pseudo.__tostring = function(self)
  return string.format("pseudopopulation: %d stimuli, %s, trials in parts of %s", self.shape[1],
    common.plural(self.shape[2], "neuroid"), table.concat(self.parts, ", "))
end

local FIELDS = schema.document("neural.pseudopopulation", {
  positional = { "of" },
  of = { type = "any", required = true, doc = "an assembly, or the mask of valid trials (bool, stimuli x neuroids x "
    .. "repeats)" },
  parts = { type = "table", required = true, doc = "how many trials of each stimulus each part gets: { 13, 6 }" },
  seed = { type = "integer", doc = "of the trials' orders; the experiment's if absent" },
  step = { type = "integer", default = 0, min = 0, max = 1000000, doc = "which of many draws" },
})

-- The valid repeats of each stimulus and neuroid.
local function valid_repeats(valid)
  local shape, lists = valid.shape, {}
  for s, by_neuroid in ipairs(valid:to "int64":totable()) do
    lists[s] = {}
    for u = 1, shape[2] do
      local there = {}
      for r = 1, shape[3] do
        if by_neuroid[u][r] ~= 0 then there[#there + 1] = r end
      end
      lists[s][u] = there
    end
  end
  return lists
end

--- neural.pseudopopulation { assembly, parts = { 13, 6 }, seed =, step = 0 }: trials of neuroids that were not
-- recorded together, dealt anew for each neuroid and stimulus, and divided into parts (to train on, to test on) so
-- that no trial is in two. p:take(part, responses) gives the pseudo-trials of a part.
-- > a = neural.assembly { { responses = randn { 6, 4, 10 }, stimulus_id = arange(1, 6) } }
-- > p = neural.pseudopopulation { a, parts = { 7, 3 } }
-- > p:take(1, a.responses).shape, p:take(2, a.responses).shape   --> { 42, 4 } { 18, 4 }
function M.pseudopopulation(given, ...)
  local position = errors.position(2)
  schema.alone("neural.pseudopopulation", "neural.pseudopopulation { assembly, parts = { 7, 3 } }", position, ...)
  local o = schema.check("neural.pseudopopulation", given, FIELDS, position)
  local valid = assembly.is_assembly(o.of) and assembly.one_time(o.of, "neural.pseudopopulation", position).valid
    or o.of
  if not tensor.is_tensor(valid) or valid.dtype ~= "bool" or valid.ndim ~= 3 then
    errors.raise("argument", position, "neural.pseudopopulation: expected an assembly, or a mask of valid trials "
      .. "(bool, "
      .. "stimuli x neuroids x repeats)")
  end
  local shape, lists, need = valid.shape, valid_repeats(valid), 0
  for _, n in ipairs(o.parts) do
    if math.type(n) ~= "integer" or n < 1 then
      errors.raise("argument", position, "neural.pseudopopulation: parts hold %s, expected numbers of trials",
        tostring(n))
    end
    need = need + n
  end
  local orders = tensor.draw { kind = "uniform", shape = shape, seed = o.seed or tensor.seed(),
    purpose = "pseudopopulation", step = o.step, dtype = "float64" }:totable()
  local index, stimulus = {}, {}
  for part, n in ipairs(o.parts) do
    index[part], stimulus[part] = {}, {}
    for s = 1, shape[1] do
      for _ = 1, n do table.insert(stimulus[part], s) end
    end
  end
  for s = 1, shape[1] do
    for u = 1, shape[2] do
      local there, key = lists[s][u], orders[s][u]
      if #there < need then
        errors.raise("argument", position, "neural.pseudopopulation: neuroid %d has %d valid trials of stimulus %d, "
          .. "and the parts need %d", u, #there, s, need)
      end
      table.sort(there, function(a, b) return key[a] < key[b] or key[a] == key[b] and a < b end)
      local at = 0
      for part, n in ipairs(o.parts) do
        for k = 1, n do
          at = at + 1
          index[part][((s - 1) * n + k - 1) * shape[2] + u] = ((s - 1) * shape[2] + u - 1) * shape[3] + there[at]
        end
      end
    end
  end
  for part, list in ipairs(index) do index[part] = common.index(list) end
  return setmetatable({ index = index, stimulus = stimulus, parts = o.parts, shape = shape }, Pseudo)
end

--- p:take(part, responses): the pseudo-trials of a part, trials x neuroids (float64), from responses of the
-- assembly's shape (stimuli x neuroids x repeats; of any time, say). p.stimulus[part] says which stimulus each row
-- shows.
-- > rates = randn { 4, 3, 10 }   -- stimuli x neuroids x repeats
-- > p = neural.pseudopopulation { rates:eq(rates), parts = { 6, 2 } }
-- > p:take(1, rates).shape, p.stimulus[2]   --> { 24, 3 } { 1, 1, 2, 2, 3, 3, 4, 4 }
function Pseudo:take(part, responses)
  if not self.index[part] then
    errors.raise("argument", 2, "take: there is no part %s of %d", tostring(part), #self.parts)
  end
  if table.concat(responses.shape, "x") ~= table.concat(self.shape, "x") then
    errors.raise("shape", 2, "take: responses are %s, expected %s", table.concat(responses.shape, "x"),
      table.concat(self.shape, "x"))
  end
  local flat = responses:reshape { -1 }:index_select(self.index[part], { dim = 1 })
  return flat:reshape { #self.stimulus[part], self.shape[2] }:to "float64"
end

return M
