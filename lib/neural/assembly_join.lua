--- lamina.neural.assembly_join: neural.join: several recordings as one.
local assemblies = require "lamina.neural.assembly"
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local parts_of = require "lamina.neural.assembly_parts"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local names_of = assemblies.names

-- ---- what must agree -------------------------------------------------------------------------------------------

-- A coordinate of b's entry j must be that of a's entry i.
local function agree(a, b, axis, name, i, j, called, position)
  local x, y = a[axis][name][i], b[axis][name][j]
  if parts_of.same(x, y) then return end
  errors.raise("argument", position, "neural.join: coordinate '%s' of %s is %s in %s and %s in %s", name, called,
    tostring(x), a.name, tostring(y), b.name)
end

-- Entries `pairs_` of two assemblies agree in every coordinate that both have.
local function check_shared(a, b, axis, matched, called, position)
  for _, name in ipairs(names_of(a[axis])) do
    if rawget(b[axis], name) and name ~= "stimulus_id" then
      for i, j in ipairs(matched) do agree(a, b, axis, name, i, j, called(i), position) end
    end
  end
end

local function check_times(a, b, position)
  local x, y = a.time_bin, b.time_bin
  if not x and not y then return end
  if not x or not y or #x ~= #y then
    errors.raise("shape", position, "neural.join: %s has %s, %s has %s", a.name,
      x and common.plural(#x, "time bin") or "no time bins", b.name, y and common.plural(#y, "time bin")
      or "no time bins")
  end
  check_shared(a, b, "time_bin", common.count_up(#x), function(i) return "time bin " .. i end, position)
end

-- Whether the stimuli of one of them served a choice.
local function any_selected(list)
  for _, a in ipairs(list) do
    if a.selected then return true end
  end
end

-- ---- along neuroids --------------------------------------------------------------------------------------------

-- The assembly's responses with `repeats` slots: masked ones are added.
local function padded(t, repeats)
  local shape = t.shape
  if shape[3] == repeats then return t end
  return ops.concat({ t, tensor.zeros({ shape[1], shape[2], repeats - shape[3], shape[4] }, { dtype = t.dtype }) },
    { dim = 3 })
end

-- The coordinates of neuroids that all have; `recording` is added from the assemblies' names where there is none.
local function neuroids_of(list)
  local neuroid, total = {}, 0
  for _, a in ipairs(list) do
    total = total + #a.neuroid
    local names = names_of(a.neuroid)
    if not rawget(a.neuroid, "recording") then names[#names + 1] = "recording" end
    for _, name in ipairs(names) do
      neuroid[name] = neuroid[name] or {}
      for i = 1, #a.neuroid do table.insert(neuroid[name], a.neuroid[name] and a.neuroid[name][i] or a.name) end
    end
  end
  for name, column in pairs(neuroid) do
    if #column ~= total then neuroid[name] = nil end
  end
  return neuroid
end

-- One neuroid stands in one assembly: neuroids with an id (and a recording) of another's are the same one twice.
local function check_neuroids(list, position)
  local seen = {}
  for _, a in ipairs(list) do
    local ids, recording = rawget(a.neuroid, "neuroid_id"), rawget(a.neuroid, "recording")
    for i, id in ipairs(ids or {}) do
      local key = common.key(id) .. "\0" .. tostring(recording and recording[i] or a.name)
      if seen[key] then
        errors.raise("argument", position, "neural.join: neuroid_id %s stands in %s and in %s: %s", common.key(id),
          seen[key], a.name, recording and "the coordinate `recording` of the neuroids has to tell them apart"
          or "where these are different neuroids, the recordings need names of their own (name = in neural.assembly "
          .. "and neural.simulate, or a.name = \"monkey 2\"); the joined neuroids then have a coordinate `recording`")
      end
    end
    for i, id in ipairs(ids or {}) do
      seen[common.key(id) .. "\0" .. tostring(recording and recording[i] or a.name)] = a.name
    end
  end
end

-- What the slots of all are called: the longest list where the others begin as it does, else their numbers.
local function slot_names(list)
  local longest = list[1].slots
  for _, a in ipairs(list) do
    if #a.slots > #longest then longest = a.slots end
  end
  for _, a in ipairs(list) do
    for r, name in ipairs(a.slots) do
      if longest[r] ~= name then return common.count_up(#longest) end
    end
  end
  return longest
end

-- For each assembly the presentation that each slot of the whole holds: { [place] = presentation }.
local function presentations_at(list, indices, repeats)
  local of = {}
  for k, a in ipairs(list) do
    local at, own = {}, #a.slots
    of[k] = {}
    for new, old in ipairs(indices[k]) do at[old] = new end
    for p, place in ipairs(a.places) do
      of[k][(at[(place - 1) // own + 1] - 1) * repeats + (place - 1) % own + 1] = p
    end
  end
  return of
end

-- The slots that any of the assemblies fills, in the order of the first, then of the others.
local function places_of(list, of, stimuli, repeats)
  local places, there, inverse = {}, {}, {}
  for place, p in next, of[1] do inverse[p] = place end
  for p = 1, #list[1].places do places[p], there[inverse[p]] = inverse[p], true end
  for place = 1, stimuli * repeats do
    local filled = false
    for k = 2, #list do filled = filled or of[k][place] ~= nil end
    if filled and not there[place] then places[#places + 1] = place end
  end
  return places
end

-- A coordinate of presentations, where every assembly that has a presentation says the same of it; else nil.
local function common_column(list, of, places, name)
  local column = {}
  for i, place in ipairs(places) do
    for k, a in ipairs(list) do
      local own, p = rawget(a.presentation, name), of[k][place]
      local value = own and p and own[p]
      if p and (value == nil or column[i] ~= nil and not parts_of.same(column[i], value)) then return nil end
      if p then column[i] = value end
    end
  end
  return column
end

local function stimuli_of(list, indices, position)
  local stimulus = {}
  for k, a in ipairs(list) do
    for _, name in ipairs(names_of(a.stimulus)) do
      stimulus[name] = stimulus[name] or common.pick(a.stimulus[name], indices[k])
    end
    check_shared(list[1], a, "stimulus", indices[k], function(i)
      return "stimulus " .. common.key(list[1].stimulus.stimulus_id[i])
    end, position)
  end
  return stimulus
end

local function along_neuroids(list, position)
  local first, slots = list[1], slot_names(list)
  check_neuroids(list, position)
  local repeats = #slots
  local responses, valid, indices, numbered, counted = {}, {}, {}, true, true
  for k, a in ipairs(list) do
    indices[k] = common.align(first.stimulus.stimulus_id, a.stimulus.stimulus_id, first.name, a.name, position,
      "neural.join")
    if #a.stimulus ~= #first.stimulus then
      common.align(a.stimulus.stimulus_id, first.stimulus.stimulus_id, a.name, first.name, position, "neural.join")
    end
    check_times(first, a, position)
    numbered, counted = numbered and a.numbered, counted and a.counted
    responses[k] = padded(parts_of.take(a.responses, 1, indices[k]), repeats)
    valid[k] = padded(parts_of.take(a.valid, 1, indices[k]), repeats)
  end
  local of, presentation = presentations_at(list, indices, repeats), {}
  local places = places_of(list, of, #first.stimulus, repeats)
  for _, name in ipairs(names_of(first.presentation)) do
    if name ~= "stimulus_id" and name ~= "repetition" then
      presentation[name] = common_column(list, of, places, name)
    end
  end
  return assemblies.make({ responses = ops.concat(responses, { dim = 2 }), valid = ops.concat(valid, { dim = 2 }),
    stimulus = stimuli_of(list, indices, position), neuroid = neuroids_of(list), time_bin = first.time_bin,
    places = places, presentation = presentation, repetition = slots, counted = counted,
    numbered = numbered, selected = any_selected(list), name = string.format("%d recordings", #list) }, "neural.join",
    position)
end

-- ---- along presentations ---------------------------------------------------------------------------------------

-- For each neuroid of a its position in b: by neuroid_id where both have one, else in their order.
local function same_neuroids(a, b, position)
  local x, y = rawget(a.neuroid, "neuroid_id"), rawget(b.neuroid, "neuroid_id")
  local matched = common.count_up(#a.neuroid)
  if x and y then
    local place = {}
    for j, id in ipairs(y) do place[common.key(id)] = j end
    for i, id in ipairs(x) do
      matched[i] = place[common.key(id)] or errors.raise("argument", position, "neural.join: neuroid_id %s stands in "
        .. "%s and not in %s", common.key(id), a.name, b.name)
      place[common.key(id)] = nil
    end
    local other = next(place)
    if other then
      errors.raise("argument", position, "neural.join: neuroid_id %s stands in %s and not in %s", other, b.name,
        a.name)
    end
  elseif #a.neuroid ~= #b.neuroid then
    errors.raise("shape", position, "neural.join: %s has %s, %s has %d", a.name, common.plural(#a.neuroid, "neuroid"),
      b.name, #b.neuroid)
  end
  check_shared(a, b, "neuroid", matched, function(i) return "neuroid " .. (x and common.key(x[i]) or i) end, position)
  return matched
end

-- The same repetition of a stimulus in two assemblies is an error, unless it was made up by counting.
local function repetitions(columns, from, list, renumber, position)
  local counted = renumber
  if not renumber then
    counted = true
    for _, a in ipairs(list) do counted = counted and a.counted end
  end
  if counted then
    columns.repetition = nil
    return
  end
  local seen = {}
  for p, id in ipairs(columns.stimulus_id) do
    local key = common.key(id) .. "\0" .. tostring(columns.repetition[p])
    if seen[key] then
      errors.raise("argument", position, "neural.join: repetition %s of stimulus %s stands in %s and in %s; renumber "
        .. "= true counts the repetitions anew", tostring(columns.repetition[p]), common.key(id),
        list[seen[key]].name, list[from[p]].name)
    end
    seen[key] = from[p]
  end
end

-- What one stimulus is said to be must be the same in all.
local function check_stimuli(list, position)
  local seen = {}
  for k, a in ipairs(list) do
    for i, id in ipairs(a.stimulus.stimulus_id) do
      local known = seen[common.key(id)]
      if not known then
        seen[common.key(id)] = { k = k, i = i }
      else
        for _, name in ipairs(names_of(a.stimulus)) do
          if name ~= "stimulus_id" and rawget(list[known.k].stimulus, name) then
            agree(list[known.k], a, "stimulus", name, known.i, i, "stimulus " .. common.key(id), position)
          end
        end
      end
    end
  end
end

local function along_presentations(list, renumber, position)
  local first, xs, masks, columns, from = list[1], {}, {}, {}, {}
  local numbered, total = true, 0
  check_stimuli(list, position)
  for k, a in ipairs(list) do
    check_times(first, a, position)
    local matched = same_neuroids(first, a, position)
    local x, valid, own = parts_of.presentations(a)
    xs[k] = parts_of.take(x:to "float64", 2, matched)
    masks[k] = valid and parts_of.take(valid, 2, matched) or tensor.ones(xs[k].shape, { dtype = "bool" })
    for name, column in pairs(own) do
      columns[name] = columns[name] or {}
      if #columns[name] == total then table.move(column, 1, #column, total + 1, columns[name]) end
    end
    for p = 1, #x do from[total + p] = k end
    total, numbered = total + #x, numbered and a.numbered
  end
  for name, column in pairs(columns) do
    if #column ~= total then columns[name] = nil end
  end
  repetitions(columns, from, list, renumber, position)
  return assemblies.of_presentations(ops.concat(xs, { dim = 1 }), ops.concat(masks, { dim = 1 }), columns,
    { neuroid = first.neuroid, time_bin = first.time_bin, numbered = numbered, selected = any_selected(list),
      name = string.format("%d recordings", #list) }, "neural.join", position)
end

-- ---- the word --------------------------------------------------------------------------------------------------

local OPTIONS = schema.document("neural.join", {
  along = { type = "string", default = "neuroid", choices = { "neuroid", "presentation" }, doc = "what stands one "
    .. "after the other: neuroids of the same stimuli, or presentations to the same neuroids" },
  renumber = { type = "boolean", default = false, doc = "along presentations: repetitions are counted anew, in the "
    .. "order of the list" },
})

--- neural.join { a, b, ..., along = "neuroid" }: recordings of the same stimuli as one assembly, neuroids one
-- recording after another. Stimuli are matched by stimulus_id and stand in the order of the first; a stimulus that is
-- not in all is an error. Neuroids with the same neuroid_id are told apart by the recordings' names, which must then
-- differ (a.name). Neuroid coordinates that not all have are dropped; a coordinate `recording` is added from
-- the assemblies' names where there is none; coordinates of
-- presentations stay where all say the same. along = "presentation": recordings of the same neuroids, matched by
-- neuroid_id (or by their order where there is none), presentations one recording after another; a repetition of a
-- stimulus that two have is an error that names both, or with renumber = true repetitions are counted anew. Either
-- way time bins must be the same, and what two recordings say of one stimulus or neuroid must agree.
-- > ids = { "face", "hand" }
-- > a = neural.assembly { { responses = tensor { { 1, 2 }, { 3, 4 } }, stimulus_id = ids } }
-- > b = neural.assembly { { responses = tensor { { 5 }, { 6 } }, stimulus_id = ids } }
-- > neural.join({ a, b }):mean()   --> [[1. 2. 5.] [3. 4. 6.]] [[1 1 1] [1 1 1]]
function M.join(given, ...)
  local position = errors.position(2)
  schema.alone("neural.join", "neural.join { a, b }", position, ...)
  if type(given) ~= "table" or not assemblies.is_assembly(given[1]) then
    errors.raise("argument", position, "neural.join: expected a list of assemblies")
  end
  local list, options = {}, {}
  for key, value in pairs(given) do
    if math.type(key) == "integer" then list[key] = value else options[key] = value end
  end
  local o = schema.check("neural.join", options, OPTIONS, position)
  for k, a in ipairs(list) do
    if not assemblies.is_assembly(a) then
      errors.raise("argument", position, "neural.join: entry %d is %s, expected an assembly", k,
        schema.shown(a))
    end
  end
  if o.along == "neuroid" then return along_neuroids(list, position) end
  return along_presentations(list, o.renumber, position)
end

return M
