--- lamina.neural.assembly_read: neural.assembly: assemblies out of files and arrays.
local assemblies = require "lamina.neural.assembly"
local common = require "lamina.neural.common"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local files = require "lamina.neural.assembly_files"
local merged = require "lamina.merged"
local parts_of = require "lamina.neural.assembly_parts"
local schema = require "lamina.schema"
local tables = require "lamina.neural.assembly_tables"
local tensor = require "lamina.core.tensor"
local writing = require "lamina.neural.assembly_write"

local M = {}

-- The mask: nil where every trial counts. NaN is refused unless it is what `missing` says.
local function mask(responses, missing, valid, what, position)
  if valid ~= nil then
    if not tensor.is_tensor(valid) or table.concat(valid.shape, "x") ~= table.concat(responses.shape, "x") then
      errors.raise("shape", position, "%s: the mask 'valid' is %s, expected the shape of the responses, %s", what,
        tensor.is_tensor(valid) and table.concat(valid.shape, "x") or "a " .. type(valid),
        table.concat(responses.shape, "x"))
    end
    valid = valid.dtype == "bool" and valid or valid:ne(0)
  end
  if missing == "nan" then
    local there = responses:isnan():logical_not()
    valid = valid and valid:logical_and(there) or there
  elseif type(missing) == "number" then
    local there = responses:ne(missing)
    valid = valid and valid:logical_and(there) or there
  elseif missing ~= nil then
    errors.raise("argument", position, "%s: missing = '%s', expected a number or \"nan\"", what, tostring(missing))
  end
  local clean = parts_of.masked(responses, valid)
  if not clean:isfinite():all():item() then
    local nans, all = clean:isnan():to "int64":sum():item(), clean:isfinite():logical_not():to "int64":sum():item()
    errors.raise("numeric", position, "%s: %d of %d responses are %s%s", what, all, clean:count(), nans == 0
      and "infinite" or nans < all and string.format("NaN or infinite (%d are infinite)", all - nans) or "NaN",
      missing == nil and nans > 0 and "; where NaN means a missing trial, say missing = \"nan\"" or "")
  end
  return clean, valid
end

local KEPT = { responses = true, valid = true, lamina = true }
local TIME_NAMES = { time_step = true }

-- What an array says: of neuroids, of time bins, or of the rows of responses; and its name there.
local function place_of(name)
  local neuroid = name:match "^neuroid_(.+)$"
  if neuroid then return "neuroid", name == "neuroid_id" and name or neuroid end
  local own = name:match "^time_bin_(.+)$"
  if own then return "time_bin", (own == "start" or own == "end" or own == "center") and name or own end
  if name == "time_bin" or TIME_NAMES[name] then return "time_bin", name end
  return "row", name
end

-- Sorts the arrays of a file into coordinates of rows, of neuroids and of time bins.
local function sort_arrays(arrays, rows, units, what, position)
  local by = { row = {}, neuroid = {}, time_bin = {} }
  for name, array in pairs(arrays) do
    if tensor.is_tensor(array) and array.ndim == 0 then array = array:reshape { 1 } end
    local list = common.list(array)
    if not KEPT[name] and type(list) == "table" and type(list[1]) ~= "table" then
      local axis, own = place_of(name)
      if axis == "row" and #list ~= rows then
        errors.raise("shape", position, "%s: array '%s' has %d entries, expected %d (the rows of responses); arrays "
          .. "about the %d neuroids have names that begin with neuroid_, those about time bins with time_bin_%s",
          what, name, #list, rows, units, #list == units and string.format("; responses are %d x %d, as if "
            .. "transposed: presentation x neuroid is expected", rows, units) or "")
      end
      by[axis][own] = list
    end
  end
  if not by.row.stimulus_id then
    errors.raise("format", position, "%s: there is no array stimulus_id with one entry for each of the %d rows of "
      .. "responses; stimuli = \"FILE.csv\" may say it", what, rows)
  end
  return by.row, by.neuroid, next(by.time_bin) and by.time_bin or nil
end

-- The number of time bins; nil where there is no time.
local function bins_of(time, what, position)
  local first, n
  for name, list in pairs(time or {}) do
    if n and #list ~= n then
      errors.raise("shape", position, "%s: %s has %d entries and %s %d; each has one for each time bin", what, first,
        n, name, #list)
    end
    first, n = name, #list
  end
  return n
end

-- Whether rows are presentations (else stimuli, with repeats), and the responses without an axis of one time bin.
local function axes_of(responses, bins, what, position)
  local shape, ndim = responses.shape, responses.ndim
  if bins == 1 and ndim > 2 and shape[ndim] == 1 then
    ndim = ndim - 1
    responses = responses:reshape { table.unpack(shape, 1, ndim) }
  elseif bins and bins > 1 then
    if shape[ndim] ~= bins then
      errors.raise("shape", position, "%s: there are %d time bins, but responses are %s; their last axis is time",
        what, bins, table.concat(shape, "x"))
    end
    ndim = ndim - 1
  end
  if ndim == 2 or ndim == 3 then return responses, ndim == 2 end
  errors.raise("shape", position, "%s: responses are %s, expected presentation x neuroid or stimulus x neuroid x "
    .. "repeat, and with time_bin_start and time_bin_end a last axis of time", what, table.concat(shape, "x"))
end

-- The arrays with a stimulus_id: where the file's own is called otherwise (o.id; image_id in Brain-Score's older
-- files), and no table says it, that.
local function identified(arrays, o)
  local own = arrays[o.id or "image_id"]
  if arrays.stimulus_id or o.stimuli or own == nil then return arrays end
  local all = merged(arrays)
  all.stimulus_id = own
  return all
end

-- Warns where a few ids occur more than once and the others do not: repeats of a stimulus, or a mistake in the ids.
local function warn_of_few(ids, what, position)
  local times, order, twice = {}, {}, {}
  for _, id in ipairs(ids) do
    local key = common.key(id)
    if not times[key] then order[#order + 1] = key end
    times[key] = (times[key] or 0) + 1
  end
  for _, key in ipairs(order) do
    if times[key] > 1 then twice[#twice + 1] = key end
  end
  if #twice == 0 or #twice * 10 > #order then return end
  errors.warn(position, "%s: of %d stimuli %s more than once (%s), the others once: these rows were taken for "
    .. "repeats of one stimulus. If they are, an array or column `repetition` says so; if not, their ids are wrong",
    what, #order, #twice == 1 and "1 occurs" or #twice .. " occur", common.some(twice))
end

-- Two neuroids that have one id must differ in something else (their recording, say).
local function check_neuroids(neuroid, what, position)
  local first = {}
  for i, id in ipairs(neuroid.neuroid_id or {}) do
    local key = common.key(id)
    local other, same = first[key], true
    for _, list in pairs(other and neuroid or {}) do same = same and parts_of.same(list[i], list[other]) end
    if other and same then
      errors.raise("argument", position, "%s: neuroid_id %s stands for neuroids %d and %d, and no other coordinate "
        .. "tells them apart: give each an id of its own, or leave neuroid_id out", what, key, other, i)
    end
    first[key] = other or i
  end
end

-- What an array, or whatever else has a name, is: "x (440x39)", "info (a table of animal, date)".
local function described(name, value)
  if tensor.is_tensor(value) then
    return string.format("%s (%s)", name, value.ndim > 0 and table.concat(value.shape, "x") or "a number")
  end
  local list = common.list(value)
  if type(list) ~= "table" then return string.format("%s (a %s)", name, type(list)) end
  if #list > 0 then return string.format("%s (a list of %d)", name, #list) end
  local names = {}
  for own in next, list do names[#names + 1] = tostring(own) end
  table.sort(names)
  return string.format("%s (%s)", name, #names > 0 and "a table of " .. common.some(names) or "empty")
end

-- Raises for arrays without numeric responses: says what is there, and how to name it.
local function raise_without_responses(arrays, what, position)
  local all = {}
  for name, value in next, arrays do all[#all + 1] = described(tostring(name), value) end
  table.sort(all)
  local more = #all > 12 and string.format(", %d more", #all - 12) or ""
  local shown = table.concat(all, ", ", 1, math.min(#all, 12)) .. more
  errors.raise("format", position, "%s: there is no numeric array 'responses'; there %s %s. An array of another name "
    .. "is read with data.mat, data.hdf5 or data.npz and given as neural.assembly { { responses = x, stimulus_id = "
    .. "ids } }, x presentation x neuroid or stimulus x neuroid x repeat", what, #all == 1 and "is" or "are",
    #all > 0 and shown or "no arrays at all")
end

-- An assembly from arrays by name.
local function from_arrays(arrays, o, what, position)
  local responses = arrays.responses
  if not tensor.is_tensor(responses) then
    raise_without_responses(arrays, what, position)
  end
  if responses.ndim < 2 then axes_of(responses, nil, what, position) end
  local marks = {}
  for _, mark in ipairs(type(arrays.lamina) == "table" and arrays.lamina or {
    arrays.lamina }) do marks[mark] = true end
  if not (marks[writing.MARK] and responses.dtype == "float32") then responses = responses:to "float64" end
  local valid = arrays.valid
  if marks[writing.MARK] and valid ~= nil then responses = parts_of.masked(responses, valid) end
  arrays = tables.add(identified(arrays, o), o, #responses, responses:size(2), what, position)
  local rows, neuroid, time = sort_arrays(arrays, #responses, responses:size(2), what, position)
  check_neuroids(neuroid, what, position)
  local presentations
  responses, presentations = axes_of(responses, bins_of(time, what, position), what, position)
  if tensor.is_tensor(valid) and valid:count() == responses:count() then valid = valid:reshape(responses.shape) end
  responses, valid = mask(responses, o.missing, valid, what, position)
  local parts = { neuroid = neuroid, time_bin = time, numbered = marks.numbered, counted = marks.counted }
  if presentations and not rows.repetition and not marks[writing.MARK] then
    warn_of_few(rows.stimulus_id, what, position)
  end
  if presentations then return assemblies.of_presentations(responses, valid, rows, parts, what, position) end
  parts.responses, parts.valid, parts.stimulus = responses, valid, rows
  return assemblies.make(parts, what, position)
end

-- Counts are not negative: a value below 0 that `missing` does not name most likely stands for a missing trial.
local function check_counts(clean, what, position)
  local least = clean:count() > 0 and clean:min():item() or 0
  if least >= 0 then return end
  errors.raise("argument", position, "%s: counts hold negative values (the least is %g); where it stands for a "
    .. "missing trial, say missing = %g (responses that may be negative are no counts: neural.assembly { { "
    .. "responses = x, stimulus_id = ids } })", what, least, least)
end

local function from_counts(o, position)
  local what = type(o.counts) == "string" and o.counts or "neural.assembly"
  local responses = type(o.counts) == "string" and core_io.npy_read(o.counts) or o.counts
  if not tensor.is_tensor(responses) then
    errors.raise("shape", position, "%s: counts must be an array of numbers, stimulus x neuroid x repeat, or "
      .. "presentation x neuroid", what)
  end
  local made = from_arrays({ responses = responses }, o, what, position)
  check_counts(made.responses, what, position)
  return made
end

local FIELDS = schema.document("neural.assembly", {
  positional = { "file" },
  file = { type = { "string", "table" }, doc = "an .npz, .h5, .mat or .nc file, an .npy file beside "
    .. "stimuli, or arrays by name" },
  variable = { type = "string", doc = "which variable of a netCDF file; if absent, the one of neuroids" },
  counts = { type = { "string", "tensor" }, doc = "an .npy file, stimulus x neuroid x repeat or presentation x "
    .. "neuroid, and with `times` a last axis of time; none below 0" },
  stimuli = { type = { "string", "table" }, doc = "a CSV file (or lists by name) with a row for each row of the "
    .. "responses, or, where those have a stimulus_id, for each stimulus" },
  neuroids = { type = { "string", "table" }, doc = "a CSV file (or lists by name) with a row for each neuroid" },
  times = { type = { "string", "table" }, doc = "a CSV file (or lists by name) with a row for each time bin: "
    .. "time_bin_start and time_bin_end in ms" },
  where = { type = "table", doc = "which rows of neuroids: { column = value }" },
  id = { type = "string", doc = "the column of stimuli (or, without such a table, the array) that identifies a "
    .. "stimulus; stimulus_id if absent" },
  missing = { type = { "number", "string" }, doc = "what stands for a missing trial: a number, or \"nan\"" },
  name = { type = "string", doc = "what print shows" },
})

--- neural.assembly "file.npz", or neural.assembly { counts = "x.npy", stimuli = "stimuli.csv", neuroids =
-- "units.csv", times = "bins.csv", where = { recording = "a" }, id = "index", missing = -1 }: recorded responses.
-- stimuli, neuroids and times may also stand beside a file: neural.assembly { "x.npz", neuroids = "units.csv" };
-- beside an .npy file, whose numbers may be negative where counts may not, stimuli must.
-- npz: responses (presentation x neuroid, or stimulus x neuroid x repeat; a last axis of time where time_bin_start
-- and time_bin_end are there, in ms), stimulus_id and any other arrays with one entry for each row (repetition among
-- them); arrays named neuroid_X with one for each neuroid become a.neuroid.X, time_bin_X with one for each time bin
-- a.time_bin.X. .h5 and .mat files hold the same arrays, or have those about stimuli, neuroids and time bins in
-- groups (structs) `stimulus`, `neuroid` and `time_bin`; of a netCDF file (.nc) as Brain-Score packages them the
-- dimensions presentation, neuroid and time_bin say which coordinate is which. Trials equal to `missing` are masked,
-- and so are those that an array `valid` says are not; NaN is an error unless missing = "nan", and so is a negative
-- count unless `missing` names it. Rows of one stimulus_id are its repeats; where only a few ids occur more than once
-- and nothing says which repetition is which, a warning names them. Two neuroids that share their neuroid_id and all
-- else are an error. print counts missing trials, and names neuroids that do not vary where there are at most 2^23
-- responses. a:save writes a file that reads back the same.
-- > trials = tensor { { { 1, 3 }, { 5, 7 } }, { { 2, 4 }, { 6, 8 } } }   -- stimulus x neuroid x repeat
-- > a = neural.assembly { { responses = trials, stimulus_id = { "face", "hand" }, neuroid_region = { "V4", "IT" } } }
-- > a:mean(), a.neuroid.region   --> [[2. 6.] [3. 7.]] { "V4", "IT" }
function M.assembly(given, ...)
  local position = errors.position(2)
  schema.alone("neural.assembly", "neural.assembly { \"x.npz\", missing = \"nan\" }", position, ...)
  local o = schema.check("neural.assembly", given, FIELDS, position)
  local made
  if o.file then
    local what = type(o.file) == "string" and o.file or "neural.assembly"
    local arrays = o.file
    if type(arrays) == "string" then
      local ending = (arrays:match "%.([^./]+)$" or ""):lower()
      if ending == "csv" or ending == "tsv" or ending == "txt" then
        errors.raise("argument", position, "neural.assembly: %s is a table; responses are in an .npz, .h5, .mat, .nc "
          .. "or .npy file, and tables say what is known of their rows, columns and times: stimuli =, neuroids =, "
          .. "times =", arrays)
      end
      arrays = files.read(require("lamina.experiment").find(arrays), o.variable, position)
    end
    made = from_arrays(arrays, o, what, position)
  elseif o.counts and o.stimuli then
    made = from_counts(o, position)
  else
    errors.raise("argument", position, "neural.assembly: expected a file, or counts and stimuli")
  end
  made.name = o.name or made.name
  return made
end

return M
