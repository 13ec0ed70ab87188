--- lamina.neural.features: what layers of a model, or other front ends, make of images: one matrix each, from one
-- pass.
local common = require "lamina.neural.common"
local dataset = require "lamina.data"
local errors = require "lamina.errors"
local lazy = require "lamina.lazy"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local parts_of = require "lamina.neural.assembly_parts"
local planning = require "lamina.activations.plan"
local recorded = require "lamina.activations.layers"
local shape_text = require("lamina.layer").shape_text
local tensor = require "lamina.core.tensor"

local M = {}

--- The options that predictivity and separability share.
M.fields = {
  model = { type = "any", doc = "a model" },
  layers = { type = { "string", "table" }, default = "all", doc = "\"all\", \"areas\" (the last "
    .. "layer of each), a layer or area, or a list of them, each of which is taken once" },
  features = { type = "table", doc = "front ends besides the model: { name = tensor (a row for each of the stimuli, "
    .. "in their order), function of the images, or assembly }, or a list of { \"name\", ... } to give their "
      .. "order; or "
    .. "what `activations` or neural.gram gives, whose layers they are then" },
  input = { type = "function", doc = "what the model is shown, from the images: a change of size or scale" },
  batch = { type = "integer", default = 64, min = 1, doc = "images at a time" },
  memory = { type = { "number", "string" }, default = "2 GB", doc = "bytes, or a text such as \"500 MB\": where all "
    .. "layers of a model take more than half of it, they come in several passes over the images, which is said "
    .. "first" },
}

local function assemblies() return require "lamina.neural.assembly" end

local function grams() return require "lamina.neural.gram" end

-- Channels x rows x columns of neuroids that are all the places of a map; nil where they are not.
local function map_shape(neuroid, first, count)
  local shape = {}
  for k, name in ipairs { "channel", "row", "column" } do
    local list = rawget(neuroid, name)
    if not list then return nil end
    shape[k] = 0
    for i = first, first + count - 1 do
      if type(list[i]) ~= "number" then return nil end
      shape[k] = math.max(shape[k], list[i])
    end
  end
  if shape[1] * shape[2] * shape[3] ~= count then return nil end
  return shape[2] * shape[3] > 1 and shape or nil
end

-- The layers of an assembly that a model was recorded in, in their order: runs of neuroids of one layer.
local function layers_of(a)
  local layer, n, list, first = rawget(a.neuroid, "layer"), #a.neuroid, {}, 1
  for i = 2, n + 1 do
    if i > n or layer and layer[i] ~= layer[first] then
      local area = rawget(a.neuroid, "area")
      list[#list + 1] = { name = layer and tostring(layer[first]) or a.name, value = a, first = first, last = i - 1,
        area = area and area[first] or "", shape = map_shape(a.neuroid, first, i - first) }
      first = i
    end
  end
  return list
end

-- Raises where the ids of one side were made up by counting, and those of the other were not.
local function check_numbered(set, other, name, what, position)
  if (set.numbered or false) == (other.numbered or false) then return end
  errors.raise("argument", position, "%s: the ids of %s were made up by counting and those of %s were not, so that "
    .. "which row is which cannot be told: give the images' ids", what, other.numbered and name or set.name,
    other.numbered and set.name or name)
end

-- The rows of an assembly for the stimuli of a set, which are matched by their ids.
local function of_assembly(entry, set, what, position)
  local a = assemblies().one_time(entry.value, what, position)
  local x = a:mean()
  if entry.first and entry.last - entry.first + 1 < x:size(2) then x = x[{ {}, { entry.first, entry.last } }] end
  check_numbered(set, a, a.name, what, position)
  local rows = common.align(set.id, a.stimulus.stimulus_id, set.name, "the activations " .. a.name, position, what)
  return parts_of.take(x, 1, rows)
end

-- The front ends as a list of { name =, value = }: by name where the table does not give their order.
local function listed(features, what, position)
  local list = {}
  if assemblies().is_assembly(features) then return layers_of(features) end
  if grams().is(features) then
    for i, layer in ipairs(features.layers) do
      list[i] = { name = layer.name, value = features, layer = layer }
    end
    return list
  end
  for _, entry in ipairs(features) do
    if type(entry) ~= "table" or type(entry[1]) ~= "string" then
      errors.raise("argument", position, "%s: each of a list of features is { \"name\", tensor or function }", what)
    end
    list[#list + 1] = { name = entry[1], value = entry[2] }
  end
  local names = {}
  for name in pairs(features) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do list[#list + 1] = { name = name, value = features[name] } end
  return list
end

-- A layer of neural.gram for the stimuli of a set: the products of its images. What needs coordinates finds them as
-- its x, made at their first use.
local function of_gram(entry, set, all, place, what, position)
  local g, kernel = entry.value, entry.layer.kernel
  local rows = place
  if g.id and set.id then
    check_numbered(set, g, "the gram", what, position)
    local list = common.align(set.id, g.id, set.name, "the gram", position, what)
    kernel, rows = parts_of.take(parts_of.take(kernel, 1, list), 2, list), nil
  elseif g.n ~= #all then
    errors.raise("shape", position, "%s: the gram is of %d images, and there are %d stimuli", what, g.n, #all)
  end
  if rows then kernel = kernel:index_select(rows, { dim = 1 }):index_select(rows, { dim = 2 }) end
  local layer = { name = entry.name, area = entry.layer.area, features = entry.layer.features,
    shape = { entry.layer.features }, kernel = kernel }
  return setmetatable(layer, { __index = function(_, name)
    if name ~= "x" then return nil end
    layer.x = grams().coordinates(kernel)
    return layer.x
  end })
end

-- One front end's matrix. A tensor has a row for each of all stimuli, in their order; o.place says which of them
-- `set` holds (nil: all).
local function front_end(entry, set, o, what, position)
  local value, batch, all = entry.value, o.batch, o.set or set
  if entry.layer then return of_gram(entry, set, all, o.place, what, position) end
  if assemblies().is_assembly(value) then
    local x = of_assembly(entry, set, what, position)
    o.more = math.max(o.more or 0, #value.stimulus - #all) -- stimuli of the features that nobody asked for
    if common.holes(x) > 0 and x:isnan():any():item() then
      errors.raise("numeric", position, "%s: the features '%s' have no value for some stimuli (missing trials)", what,
        entry.name)
    end
    return { name = entry.name, area = entry.area or "", shape = entry.shape or { x:size(2) }, x = x:detach() }
  end
  if tensor.is_tensor(value) then
    if value.ndim == 0 or #value ~= #all then
      errors.raise("shape", position, "%s: the features '%s' have %d rows for %d stimuli", what, entry.name,
        value.ndim == 0 and 0 or #value, #all)
    end
    if o.place then value = value:index_select(o.place, { dim = 1 }) end
  else
    local parts, shape = {}, nil
    for b in dataset.batches(set, batch) do
      local y = value(b.x)
      if not tensor.is_tensor(y) or y.ndim < 2 or #y ~= #b then
        errors.raise("shape", position, "%s: the front end '%s' must give a tensor with one row for each image", what,
          entry.name)
      end
      parts[#parts + 1], shape = y:reshape { #b, -1 }, y.shape
    end
    value = #parts == 1 and parts[1] or ops.concat(parts, { dim = 1 })
    shape[1] = #value
    value = value:reshape(shape)
  end
  return { name = entry.name, area = "", shape = table.move(value.shape, 2, value.ndim, 1, {}),
    x = value:reshape { #value, -1 }:detach() }
end

-- The nodes to look at, in the model's order.
local function wanted_layers(o, what, position)
  local net = o.model
  models.need(net, what, position)
  local all = net:layers()
  local list, of_area, seen = {}, {}, {}
  local function add(one)
    if not seen[one.name] then list[#list + 1] = one end
    seen[one.name] = true
  end
  for _, node in ipairs(all) do of_area[node.area] = node.area end
  local asked = type(o.layers) == "table" and o.layers or { o.layers }
  if #asked == 0 then net:check_layers({}, what, "layers", position) end
  for _, name in ipairs(asked) do
    if name == "areas" or name == "all" then
      for _, one in ipairs(name == "all" and all or recorded.wanted(net, "areas", position)) do add(one) end
    else
      net:check_layers(name, what, "layers", position)
      local plain = name:gsub("@%d+$", "") -- "V1@3" is V1 at step 3
      add { name = name, area = of_area[plain] or plain:match "^(.-)%." or "" }
    end
  end
  return list
end

-- What the model is shown of a batch of the set's images. An image that it cannot take is an error; what is no image
-- is left to the model to refuse.
local function shown(o, x, what, position)
  local y = o.input and o.input(x) or x
  if not tensor.is_tensor(y) or y.ndim ~= 4 and y.ndim ~= 2 then return y end
  local net, item = o.model, table.move(y.shape, 2, y.ndim, 1, {})
  if net:takes(item) then return y end
  local wanted, resize = net.input, "says how they become so"
  if #wanted == 3 and #item == 3 and wanted[1] == item[1] and wanted[2] == wanted[3] then
    resize = string.format("return stimuli.resize(x, %d) end shows them at its size", wanted[2])
  end
  errors.raise("shape", position, "%s: %s takes %s, the stimuli are %s%s; input = function(x) %s", what, net.name,
    shape_text(wanted), shape_text(item), o.input and " after input" or "", resize)
end

-- The names of layers that fit into half of the memory side by side, in order: one list for each pass over the
-- images. A connection that has brought nothing yet gives nothing, and stands in none.
local function passes_of(o, set, nodes, names, what, position)
  local budget, n = planning.bytes_of(o.memory or "2 GB", position, what) / 2, #set
  local passes, total, bytes = {}, 0, math.huge
  local step, state, control = dataset.batches(set, math.min(2, n)) -- two images tell the sizes
  local b = step(state, control)
  local found, e = errors.try(o.model.activations, o.model, shown(o, b.x, what, position), names)
  if e and e.kind ~= "argument" then error(e, 0) end
  if e then errors.raise("argument", position, "%s: option 'layers': %s", what, e.message) end -- a step, "V1@7"
  for _, node in ipairs(nodes) do
    local y = found[node.name]
    if y then
      local own = y:count() / #b * n * (y.dtype == "float64" and 8 or 4)
      if bytes + own > budget then passes[#passes + 1], bytes = {}, 0 end
      table.insert(passes[#passes], node)
      bytes, total = bytes + own, total + own
    end
  end
  if #passes > 1 then
    print(string.format("%s: %d layers of %d images are %s; with memory = %s they come in %d passes over the images",
      what, #nodes, n, planning.size_text(total), type(o.memory) == "string" and '"' .. o.memory .. '"'
      or tostring(o.memory), #passes))
  end
  return passes
end

-- The matrices of some layers, from one pass over the images.
local function read_layers(o, set, nodes)
  local names, found_of, first = {}, {}, 1
  for i, node in ipairs(nodes) do names[i] = node.name end
  for b in dataset.batches(set, o.batch) do
    local found = o.model:activations(o.input and o.input(b.x) or b.x, names)
    local last = first + #b - 1
    for _, node in ipairs(nodes) do
      local y = found[node.name]
      local layer = found_of[node.name]
      if not layer then
        layer = { name = node.name, area = node.area, shape = table.move(y.shape, 2, y.ndim, 1, {}),
          x = tensor.zeros({ #set, y:count() // #b }, { dtype = y.dtype }) }
        found_of[node.name] = layer
      end
      layer.x[{ { first, last } }]:copy(y:reshape { #b, -1 })
    end
    first = last + 1
  end
  return found_of
end

-- The model's layers as functions that give their matrices, those of one pass at a time.
local function model_layers(o, set, what, position)
  local nodes, names = wanted_layers(o, what, position), {}
  for i, node in ipairs(nodes) do names[i] = node.name end
  local passes, held, list = passes_of(o, set, nodes, names, what, position), nil, {}
  for p, some in ipairs(passes) do
    for _, node in ipairs(some) do
      list[#list + 1] = function()
        if not held or held.pass ~= p then
          held = nil
          if #passes > 1 then collectgarbage() end -- what the last pass gave is given back before the next
          held = { pass = p, found = tensor.no_grad(read_layers, o, set, some) }
        end
        return held.found[node.name]
      end
    end
  end
  return list
end

--- Front ends first, then layers in the model's order: a list of { name =, area =, x = N x p }. Where `set` is a part
-- of the stimuli, o.set is all of them and o.place the positions of the part. What stands in an assembly, which may
-- be larger than memory, is taken from it when the list's entry is asked for, and so are the layers of a model, those
-- of one pass over the images at a time.
function M.collect(o, set, what, position)
  if not o.model and not o.features then
    errors.raise("argument", position, "%s: expected model = or features =", what)
  end
  return tensor.no_grad(function()
    local list = {}
    local own = o.features and listed(o.features, what, position) or {}
    if o.features and #own == 0 then
      errors.raise("argument", position, "%s: features is empty; expected { name = tensor }, functions of the "
        .. "images, or what activations gives", what)
    end
    for _, entry in ipairs(own) do
      local function make() return tensor.no_grad(front_end, entry, set, o, what, position) end
      list[#list + 1] = assemblies().is_assembly(entry.value) and make or make()
    end
    if o.model then
      for _, make in ipairs(model_layers(o, set, what, position)) do list[#list + 1] = make end
    end
    return lazy.list(#list, function(i)
      local layer = type(list[i]) == "function" and list[i]() or list[i]
      layer.features = layer.features or layer.x:size(2)
      return layer
    end)
  end)
end

--- How many columns of x (N x p) do not vary; nil where all do.
function M.constant(x)
  local count = ops.eq(x:max { dim = 1 }, x:min { dim = 1 }):to "int64":sum():item()
  return count > 0 and count or nil
end

--- "  WHAT: V1 2 of 40, IT 1 of 8", a line for rows that have constant and features; "" where none has.
function M.constant_text(rows, what)
  local parts = {}
  for _, row in ipairs(rows) do
    if row.constant then parts[#parts + 1] = string.format("%s %d of %d", row.layer, row.constant, row.features) end
  end
  return #parts > 0 and string.format("  %s: %s\n", what, common.some(parts, 8)) or ""
end

--- A bootstrap interval of a statistic over n units: `of(index)` takes resampled positions (B x n, int64) and gives B
-- values (float64); low and high are the 2.5 and 97.5 percentiles. NaN of one unit, which every resample would hold.
function M.interval(n, resamples, seed, purpose, of)
  if n < 2 then return 0 / 0, 0 / 0 end
  local stats = require "lamina.core.stats"
  local index = stats.bootstrap_indices(n, resamples, { seed = seed, purpose = purpose })
  return table.unpack(stats.quantile(of(index):reshape { -1 }, { 0.025, 0.975 }):totable())
end

return M
