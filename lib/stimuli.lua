--- lamina.stimuli: images to show to a model or a simulated brain.
--
-- A stimulus set has images x (N x C x H x W, float32, luminance 0 to 1) or movies (N x frames x C x H x W, with the
-- frames a second in set.columns.rate), an id for each (set.id), columns of what is known about them
-- (set.columns.NAME, a list each), and may have labels y with `classes`. It can stand wherever a data set can:
-- set:batch, set:batches, set:split, set:subset.
local combinations = require "lamina.stimuli.combinations"
local common = require "lamina.neural.common"
local core_io = require "lamina.core.io"
local dataset = require "lamina.data"
local errors = require "lamina.errors"
local image = require "lamina.core.image"
local merged = require "lamina.merged"
local object = require "lamina.object"
local pictures = require "lamina.data.images"
local schema = require "lamina.schema"
local sets = require "lamina.data.set"
local tensor = require "lamina.core.tensor"

local M = {}

local Stimuli = { __name = "stimuli" }
local methods = {}
for name, method in pairs(dataset.methods) do
  if name:sub(1, 1) ~= "_" then methods[name] = method end
end
Stimuli.__index = object.index("a stimulus set", methods, "y classes groups latent missing selected numbered release")
Stimuli.__len = function(self) return self.n end

Stimuli.__tostring = function(self)
  local columns = {}
  for name in pairs(self.columns) do columns[#columns + 1] = name end
  table.sort(columns)
  local items = "images " .. table.concat(self.x.shape, "x", 2)
  if self.x.ndim == 5 then
    items = string.format("movies of %d frames %s", self.x.shape[2], table.concat(self.x.shape, "x", 3))
  end
  local gone = self.missing and require("lamina.data.targets").missing_text(self.y)
  return string.format("%s: %d %s%s%s%s", self.name, self.n, items,
    self.classes and string.format(", %d classes (%s)", #self.classes, table.concat(self.classes, ", ")) or "",
    #columns > 0 and ", with " .. table.concat(columns, ", ") or "", gone and "; " .. gone or "")
end

--- A stimulus set from its parts: x, and where there are any y, classes, id, columns, latent, groups, name. Without
-- id they are 1..N, and set.numbered says that they were made up.
function M.make(parts)
  parts.n = #parts.x
  parts.numbered = parts.numbered or parts.id == nil
  parts.id = parts.id or common.count_up(parts.n)
  parts.columns = parts.columns or {}
  parts.name = parts.name or "stimuli"
  return setmetatable(parts, Stimuli)
end

--- True for a stimulus set.
function M.is_stimuli(value) return getmetatable(value) == Stimuli end

--- A stimulus set from a stimulus set, a data set (ids 1..N unless it has its own; what is in files is loaded) or a
-- tensor of images or movies (ids 1..N).
function M.of(value, position)
  if M.is_stimuli(value) then return value end
  if tensor.is_tensor(value) and (value.ndim == 4 or value.ndim == 5) then return M.make { x = value } end
  if sets.is_set(value) and value.source then value = value:load() end
  if type(value) == "table" and tensor.is_tensor(value.x) then
    return M.make { x = value.x, y = value.y, classes = value.classes, name = value.name, groups = value.groups,
      id = value.id, numbered = value.id ~= nil and value.numbered, columns = value.columns }
  end
  errors.raise("argument", position, "expected stimuli: a stimulus set, a data set, or a tensor of images N x C x H "
    .. "x W or movies N x frames x C x H x W, got a %s", tensor.is_tensor(value) and "tensor "
    .. table.concat(value.shape, "x") or type(value))
end

--- set:batch(indices): { x =, y =, index = } of the images at these positions (a list or an int64 tensor).
-- > set = stimuli.gratings { size = 16, orientation = { 0, 45, 90 } }
-- > set:batch({ 1, 3 }).x.shape   --> { 2, 1, 16, 16 }
function methods:batch(indices)
  local index = tensor.is_tensor(indices) and indices or common.index(indices)
  return dataset.make_batch { x = self.x:index_select(index, { dim = 1 }),
    y = self.y and self.y:index_select(index, { dim = 1 }), index = index, n = #index }
end

--- set:subset(indices): a stimulus set of the images at these positions.
-- > set = stimuli.gratings { size = 16, orientation = { 0, 45, 90 } }
-- > set:subset({ 3, 1 }).columns.orientation   --> { 90, 0 }
function methods:subset(indices, name)
  local list = common.list(indices)
  local index = common.index(list)
  local function rows(t) return t and t:index_select(index, { dim = 1 }) end
  local columns, latent = {}, self.latent and {}
  for key, column in pairs(self.columns) do columns[key] = common.pick(column, list) end
  for key, column in pairs(self.latent or {}) do latent[key] = rows(column) end
  return M.make { x = rows(self.x), y = rows(self.y), classes = self.classes, id = common.pick(self.id, list),
    columns = columns, latent = latent, groups = self.groups and common.pick(self.groups, list),
    name = name or self.name, missing = self.missing, selected = self.selected, numbered = self.numbered }
end

-- The ids of n images as a list; raises where there are not n, or two are the same.
local function read_ids(ids, n, what, position)
  if not tensor.is_tensor(ids) and type(ids) ~= "table" then
    errors.raise("argument", position, "%s: ids are a %s, expected a list with one for each image", what, type(ids))
  end
  local list, seen = common.list(ids), {}
  if #list ~= n then
    errors.raise("shape", position, "%s: there are %d images, but %d ids", what, n, #list)
  end
  for i, id in ipairs(list) do
    local key = common.key(id)
    if seen[key] then
      errors.raise("argument", position, "%s: images %d and %d have the same id, %s: every image needs one of its "
        .. "own", what, seen[key], i, key)
    end
    seen[key] = i
  end
  return list
end

--- set:with_ids(ids): the same set with these ids (a list or a tensor, one for each image), by which responses are
-- matched to images.
-- > set = stimuli.gratings { size = 16, orientation = { 0, 90 } }
-- > set:with_ids({ "vertical", "horizontal" }).id   --> { "vertical", "horizontal" }
function methods:with_ids(ids)
  local parts = merged(self)
  parts.id, parts.numbered = read_ids(ids, self.n, "with_ids", errors.position(2)), false
  return M.make(parts)
end

--- set:map(f): the same set with images f(x); f takes and gives a tensor with one image for each row.
-- > set = stimuli.gratings { size = 16, orientation = { 0, 90 } }
-- > set:map(function(x) return x:avg_pool2d { 2 } end).x.shape   --> { 2, 1, 8, 8 }
function methods:map(f)
  local parts = merged(self)
  parts.x = f(self.x)
  if not tensor.is_tensor(parts.x) or #parts.x ~= self.n then
    errors.raise("shape", 2, "map: the function must give a tensor with one entry for each of the %d images", self.n)
  end
  return M.make(parts)
end

local RESIZE = {
  size = { type = "integer", required = true, min = 1, max = 65536, doc = "pixels on a side" },
  method = { type = "string", default = "box", choices = { "box", "bilinear" }, doc = "how pixels are made" },
}

local function check_resize(size, method, position)
  schema.check("resize", { size = size, method = method }, RESIZE, position)
end

-- Images or movies, their pixels made size x size.
local function resized(x, size, method)
  if x.ndim < 5 then return image.resize(x, size, size, method or "box") end
  local n, frames, c = x.shape[1], x.shape[2], x.shape[3]
  local flat = x:reshape { n * frames, c, x.shape[4], x.shape[5] }
  return image.resize(flat, size, size, method or "box"):reshape { n, frames, c, size, size }
end

--- set:resize(size, method): the same set with images (of movies, frames) of size x size pixels; method "box" (the
-- default, means over areas) or "bilinear".
-- > set = stimuli.gratings { size = 32, orientation = { 0, 90 } }
-- > set:resize(16).x.shape   --> { 2, 1, 16, 16 }
function methods:resize(size, method)
  check_resize(size, method, errors.position(2))
  return self:map(function(x) return resized(x, size, method) end)
end

--- stimuli.resize(x, size, method): images N x C x H x W, or movies N x frames x C x H x W, made size x size pixels;
-- "box" (the default) or "bilinear".
-- > stimuli.resize(rand { 5, 3, 64, 64 }, 32).shape   --> { 5, 3, 32, 32 }
function M.resize(x, size, method)
  local position = errors.position(2)
  if not tensor.is_tensor(x) or x.ndim < 3 then
    errors.raise("argument", position, "stimuli.resize: x is a %s, expected a tensor of images N x C x H x W (a set "
      .. "has set:resize)", tensor.is_tensor(x) and "tensor " .. table.concat(x.shape, "x") or type(x))
  end
  check_resize(size, method, position)
  return resized(x, size, method)
end

for _, module in ipairs { "drawn", "paperclips", "digits", "moving", "illusory", "pictures",
  "scenes" } do
  for word, draw in pairs(require("lamina.stimuli." .. module)) do M[word] = draw end
end

-- ---- drawn by formula ------------------------------------------------------------------------------------------

local many = { "number", "table", "tensor" }
local GRATINGS = schema.document("stimuli.gratings", {
  size = { type = "integer", default = 32, min = 1, max = 4096, doc = "pixels on a side" },
  orientation = { type = many, default = 0, doc = "of the bars, degrees; 0 horizontal, 90 vertical" },
  frequency = { type = many, default = 4, doc = "cycles per image" },
  phase = { type = many, default = 0, doc = "degrees; 0: a bright bar at (x, y)" },
  contrast = { type = many, default = 1, doc = "Michelson contrast, 0 to 1" },
  mean = { type = many, default = 0.5, doc = "mean luminance" },
  sigma = { type = many, default = 0, doc = "of the Gaussian window, a fraction of the side; 0: no window" },
  x = { type = many, default = 0, doc = "centre to the right of the middle, a fraction of the side" },
  y = { type = many, default = 0, doc = "centre below the middle, a fraction of the side" },
})
local GRATING_COLUMNS = { "orientation", "frequency", "phase", "contrast", "mean", "sigma", "x", "y" }

--- stimuli.gratings { size = 32, orientation = 0, frequency = 4, phase = 0, contrast = 1, mean = 0.5, sigma = 0, x =
-- 0, y = 0 }: gratings, or Gabor patches where sigma > 0. Each option is a number or a list; the set holds every
-- combination, phase varying faster than frequency, frequency faster than orientation. set.columns tells them apart.
-- > set = stimuli.gratings { size = 32, orientation = arange(0, 170, 10), frequency = 4, phase = { 0, 90 } }
-- > #set, set.x.shape   --> 36 { 36, 1, 32, 32 }
function M.gratings(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.gratings", "stimuli.gratings { orientation = { 0, 90 }, frequency = 4 }", position, ...)
  local o = schema.check("stimuli.gratings", given, GRATINGS, position)
  local rows, columns = combinations.rows(o, GRATING_COLUMNS), {}
  for c, name in ipairs(GRATING_COLUMNS) do columns[name] = combinations.column(rows, c) end
  return M.make { x = image.gratings(o.size, tensor.tensor(rows, { dtype = "float64" })), columns = columns,
    name = "gratings" }
end

local GABORS = schema.document("stimuli.gabors", {
  size = { type = "integer", default = 11, min = 1, max = 4096, doc = "pixels on a side; odd: with a middle one" },
  orientation = { type = many, doc = "degrees; if absent, `orientations` of them" },
  orientations = { type = "integer", default = 8, min = 1, doc = "how many orientations, evenly over 180 degrees" },
  wavelength = { type = many, default = 5, doc = "pixels" },
  phase = { type = many, default = { 0, 90 }, doc = "degrees: 0 even, 90 odd" },
  sigma = { type = many, doc = "of the envelope, pixels; half a wavelength if absent" },
  gamma = { type = many, default = 0.75, doc = "sigma across the bars over sigma along them" },
  x = { type = many, default = 0, doc = "centre to the right of the middle, pixels" },
  y = { type = many, default = 0, doc = "centre below the middle, pixels" },
})
local GABOR_COLUMNS = { "orientation", "wavelength", "phase", "sigma", "gamma", "x", "y" }

--- stimuli.gabors { size = 11, orientations = 8, wavelength = 5, phase = { 0, 90 }, sigma =, gamma = 0.75, x =, y =
-- }: a bank of Gabor filters as weights for conv2d: K x 1 x size x size float32, each with sum 0 and norm 1, and the
-- table of their parameters (lists by name). Every combination of the options; y varies fastest, orientation slowest.
-- > filters = stimuli.gabors { size = 11, orientations = 8 }
-- > filters.shape   --> { 16, 1, 11, 11 }
function M.gabors(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.gabors", "stimuli.gabors { size = 11, orientations = 8 }", position, ...)
  local o = schema.check("stimuli.gabors", given, GABORS, position)
  if not o.orientation then
    o.orientation = {}
    for k = 1, o.orientations do o.orientation[k] = 180 * (k - 1) / o.orientations end
  end
  local half = not o.sigma
  if half then o.sigma = 0 end
  local rows, columns = combinations.rows(o, GABOR_COLUMNS), {}
  for _, row in ipairs(rows) do
    if half then row[4] = 0.5 * row[2] end
  end
  for c, name in ipairs(GABOR_COLUMNS) do columns[name] = combinations.column(rows, c) end
  return image.gabors(o.size, tensor.tensor(rows, { dtype = "float64" })), columns
end

local OBJECTS = schema.document("stimuli.objects", {
  positional = { "n" },
  n = { type = "integer", required = true, min = 1, doc = "how many images" },
  size = { type = "integer", default = 32, min = 4, max = 4096, doc = "pixels on a side" },
  classes = { type = { "integer", "table" }, default = 8, min = 1, max = 8,
    doc = "how many of disc ring square triangle cross star bars ellipse, or a list of their names" },
  position = { type = "number", default = 0.2, min = 0, max = 0.5,
    doc = "the largest shift of the centre each way, a fraction of the side" },
  scale = { type = { "number", "table" }, default = { 0.35, 0.6 },
    doc = "diameter as a fraction of the side: a number or { low, high }" },
  rotation = { type = { "number", "table" }, default = { 0, 360 }, doc = "degrees: a number or { low, high }" },
  contrast = { type = { "number", "table" }, default = { 0.4, 1 },
    doc = "difference from the grey background, 1 is black or white: a number or { low, high }" },
  polarity = { type = "string", default = "both", choices = { "both", "bright" },
    doc = "objects brighter or darker than the background at random, or brighter only" },
  noise = { type = "number", default = 0.05, min = 0, max = 1, doc = "standard deviation of each pixel's noise" },
  seed = { type = "integer", doc = "of all that varies; the experiment's if absent" },
})
local LATENT = { "x", "y", "scale", "rotation", "contrast" }

--- stimuli.objects { n, size = 32, classes = 8, position = 0.2, scale = { 0.35, 0.6 }, rotation = { 0, 360 },
-- contrast = { 0.4, 1 }, polarity = "both", noise = 0.05, seed = }: one object per image, with labels y (from 1) and
-- `classes`. set.latent.x, .y (fractions of the side), .scale, .rotation (degrees), .contrast (signed) are float64
-- tensors. Image i depends on the seed, i and the options alone, not on n; each run of as many images as classes
-- holds every class once.
-- > set = stimuli.objects { 40, size = 32, classes = 4 }
-- > set.classes, set.y:bincount()   --> { "disc", "ring", "square", "triangle" } [10 10 10 10]
function M.objects(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.objects", "stimuli.objects { n = 100, size = 32 }", position, ...)
  local o = schema.check("stimuli.objects", given, OBJECTS, position)
  local names = image.object_names()
  if type(o.classes) == "number" then
    o.classes = table.move(names, 1, o.classes, 1, {})
  else
    for _, class in ipairs(o.classes) do
      local known = false
      for _, name in ipairs(names) do known = known or name == class end
      if not known then
        local near = schema.nearest(tostring(class), names)
        errors.raise("argument", position, "stimuli.objects: unknown class '%s' %s", tostring(class),
          near and string.format("(did you mean '%s'?)", near) or "(there are " .. table.concat(names, ", ") .. ")")
      end
    end
  end
  local x, y, table_ = image.objects { n = o.n, size = o.size, classes = o.classes, position = o.position,
    scale = o.scale, rotation = o.rotation, contrast = o.contrast, both = o.polarity == "both", noise = o.noise,
    seed = o.seed or tensor.seed() }
  local latent = {}
  for c, name in ipairs(LATENT) do latent[name] = table_[{ {}, c }]:contiguous() end
  return M.make { x = x, y = y, classes = o.classes, latent = latent, name = "objects" }
end

-- ---- read from files -------------------------------------------------------------------------------------------

-- Images as N x C x H x W float32, or movies (where they have a rate) as N x frames x C x H x W; uint8 becomes
-- luminance 0 to 1.
local function as_images(t, rate, what, position)
  local axes = rate and 4 or 3
  if t.ndim == axes then
    local shape = t.shape
    table.insert(shape, axes - 1, 1)
    t = t:reshape(shape)
  end
  if t.ndim ~= axes + 1 then
    local what_is = rate and "movies are %s, expected N x frames x H x W or N x frames x C x H x W"
      or "images are %s, expected N x H x W or N x C x H x W"
    if not rate and t.ndim == 5 then
      what_is = what_is .. "; movies (N x frames x C x H x W) have a rate = FRAMES A SECOND"
    end
    errors.raise("shape", position, "%s: " .. what_is, what, table.concat(t.shape, "x"))
  end
  if t.dtype == "uint8" then return t:to "float32" * (1 / 255) end
  return t:to "float32"
end

local function read_table(path, id, n, what, position)
  local columns = core_io.csv_read(path, { header = true })
  local ids = columns[id]
  if not ids then
    errors.raise("argument", position, "%s: %s has no column '%s'; say which one identifies a stimulus with id = "
      .. "\"NAME\"", what, path, id)
  end
  if n and #ids ~= n then
    errors.raise("shape", position, "%s: there are %d images, but %s has %d rows", what, n, path, #ids)
  end
  return columns, ids
end

-- Raises for an image with a number that is none.
local function check_finite(x, ids, what, position)
  if x:isfinite():all():item() then return end
  for i = 1, #x do
    if not x[i]:isfinite():all():item() then
      errors.raise("numeric", position, "%s: image %d%s holds NaN or infinite values", what, i, ids
        and string.format(" (stimulus_id %s)", tostring(ids[i])) or "")
    end
  end
end

local ARRAY = schema.document("stimuli.array", {
  positional = { "images" },
  images = { type = { "string", "tensor" }, required = true,
    doc = "an .npy file or a tensor, N x H x W or N x C x H x W; of movies N x frames x ..." },
  rate = { type = "number", above = 0, doc = "of movies: frames a second" },
  table = { type = "string", doc = "a CSV file with a row for each image" },
  id = { type = "string", default = "stimulus_id", doc = "the column of the table that identifies an image" },
  ids = { type = { "table", "tensor" }, doc = "instead of a table: the ids, one for each image" },
  size = { type = "integer", min = 1, doc = "pixels on a side to which images are resized (box)" },
})

--- stimuli.array { "images.npy", table = "stimuli.csv", id = "stimulus_id", ids =, size =, rate = }: images from one
-- array, or with a rate (frames a second) movies, N x frames x H x W or N x frames x C x H x W. uint8 is divided by
-- 255. Ids come from the table or from `ids`; without either they are made up as 1..N, and such a set is not paired
-- with responses that have ids of their own. NaN and infinite values are an error. A folder of frames as one movie:
-- stimuli.array { stimuli.folder "frames".x:unsqueeze(1), rate = 25 }.
-- > set = stimuli.array { rand { 5, 12, 12 }, ids = { "face1", "face2", "hand1", "hand2", "car1" } }
-- > #set, set.x.shape, set.id[3]   --> 5 { 5, 1, 12, 12 } hand1
function M.array(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.array", "stimuli.array { images, ids = ids }", position, ...)
  local o = schema.check("stimuli.array", given, ARRAY, position)
  local what = type(o.images) == "string" and o.images or "stimuli.array"
  local x = as_images(type(o.images) == "string" and core_io.npy_read(o.images) or o.images, o.rate, what, position)
  local columns, ids
  if o.ids and o.table then
    errors.raise("argument", position, "%s: ids are given twice, by table and by ids", what)
  end
  if o.table then columns, ids = read_table(o.table, o.id, #x, what, position) end
  if o.ids then ids = read_ids(o.ids, #x, what, position) end
  check_finite(x, ids, what, position)
  if o.size then x = resized(x, o.size) end
  if o.rate then
    columns = columns or {}
    columns.rate = {}
    for i = 1, #x do columns.rate[i] = o.rate end
  end
  return M.make { x = x, id = ids, columns = columns, name = what:match "[^/]*$" }
end

local FOLDER = schema.document("stimuli.folder", {
  positional = { "folder" },
  folder = { type = "string", required = true, doc = "a folder of PNG and JPEG files" },
  table = { type = "string", doc = "a CSV file with a row for each image; stimuli.csv in the folder if it is there" },
  id = { type = "string", default = "stimulus_id", doc = "the column of the table that identifies an image" },
  file = { type = "string", doc = "the column of the table that names the file; file, else filename, else the id is "
    .. "the name, if absent" },
  upright = { type = "boolean", default = false, doc = "turn JPEGs as their EXIF orientation says" },
  channels = { type = "integer", default = 1, min = 1, max = 3, doc = "1 grey, 3 colour" },
  size = { type = "integer", min = 1, doc = "pixels on a side to which images are resized (box)" },
})

local function names_of(columns)
  local names = {}
  for name in pairs(columns) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- The files to read, and what the table says of them; without a table every picture by name.
local function listed(o, position)
  local base = require "lamina.core.base"
  local path = o.table or (base.exists(o.folder .. "/stimuli.csv") and o.folder .. "/stimuli.csv" or nil)
  if path then
    local columns, ids = read_table(path, o.id, nil, o.folder, position)
    local files, column = {}, columns[o.file or "file"] or not o.file and columns.filename
    if o.file and not column then
      errors.raise("argument", position, "stimuli.folder: %s has no column '%s'%s", path, o.file, errors.hint(o.file,
        names_of(columns)))
    end
    local stems = column or core_io.csv_read(path, { header = true, types = { [o.id] = "text" } })[o.id]
    for i, id in ipairs(ids) do -- as a file's name, an id is the text of the table: 007
      files[i] = column and tostring(column[i]) or pictures.file_of(o.folder, stems[i])
      if not column and not base.exists(o.folder .. "/" .. files[i]) then
        files[i] = pictures.file_of(o.folder, common.key(id)) -- 7 for 7.0
      end
      if not base.exists(o.folder .. "/" .. files[i]) then
        errors.raise("io", position, "stimuli.folder: %s/%s is not there; row %d of %s names it (%s = %s)%s",
          o.folder, files[i], i, path, o.id, common.key(id), column and "" or ", whose id is taken for the file's "
          .. "name: file = \"NAME\" says which column has that")
      end
    end
    return files, ids, columns
  end
  local files, ids = {}, {}
  for i, name in ipairs(pictures.list(o.folder)) do files[i], ids[i] = name, pictures.stem(name) end
  if #files == 0 then errors.raise("io", position, "stimuli.folder: %s holds no PNG or JPEG file", o.folder) end
  return files, ids
end

-- A stimulus has one image, and is named once.
local function check_different(files, ids, rows, position)
  local seen = {}
  for i, id in ipairs(ids) do
    local key = common.key(id)
    local other = seen[key]
    if other then
      local where = rows and string.format(" (rows %d and %d of the table)", other, i) or ""
      errors.raise("argument", position, "stimuli.folder: stimulus_id %s stands for %s and %s%s: every image needs "
        .. "an id of its own", key, files[other], files[i], where)
    end
    seen[key] = i
  end
end

--- stimuli.folder { "images", table =, id = "stimulus_id", file =, channels = 1, size = }: the PNG and JPEG
-- files of a folder, luminance 0 to 1. With a table (stimuli.csv in the folder, or the file named) its rows say
-- which files (in a column file or filename, else the id is the name, as Brain-Score has it), in which order, and
-- what is known about them; without, all files by name, each file's name without its ending its id. They are in
-- memory; data.images reads more than fits a batch at a time.
-- > for i = 1, 3 do image.write { "photos/face" .. i .. ".png", rand { 1, 16, 16 } } end
-- > set = stimuli.folder { "photos", size = 8 }
-- > set.id, set.x.shape   --> { "face1", "face2", "face3" } { 3, 1, 8, 8 }
function M.folder(given, ...)
  local position = errors.position(2)
  schema.alone("stimuli.folder", "stimuli.folder { \"images\", table = \"x.csv\" }", position, ...)
  local o = schema.check("stimuli.folder", given, FOLDER, position)
  local files, ids, columns = listed(o, position)
  check_different(files, ids, columns ~= nil, position)
  local images, shape = {}, nil
  for i, file in ipairs(files) do
    local picture = core_io.picture_read(o.folder .. "/" .. file, { channels = o.channels, upright = o.upright })
    local one = picture:to "float32" * (1 / (picture.dtype == "uint8" and 255 or 65535))
    if o.size then one = image.resize(one, o.size, o.size, "box") end
    local text = table.concat(one.shape, "x")
    shape = shape or text
    if text ~= shape then
      errors.raise("shape", position, "stimuli.folder: %s is %s, the images before it are %s; say size = PIXELS to "
        .. "make them alike", file, text, shape)
    end
    images[i] = one
  end
  return M.make { x = require("lamina.core.ops").stack(images, { dim = 1 }), id = ids, columns = columns,
    name = o.folder:match "([^/]*)/*$" }
end

return M
