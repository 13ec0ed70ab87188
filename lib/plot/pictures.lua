--- lamina.plot.pictures: heat maps and grids of images.
local errors = require "lamina.errors"
local figure = require "lamina.plot.figure"
local schema = require "lamina.schema"
local sets = require "lamina.rdm.set"
local sides = require "lamina.plot.sides"
local style = require "lamina.plot.style"
local tiles = require "lamina.plot.tiles"
local words = require "lamina.plot.words"

local M = {}

-- ---- heat map ----------------------------------------------------------------------------------------------------

local HEATMAP = schema.document("plot.heatmap", words.fields {
  positional = { "values" },
  values = { type = "any", doc = "rows x columns, or a set of one RDM" },
  map = { type = "string", choices = style.maps, doc = "default: signed where values have both signs, else ink" },
  low = { type = "number", doc = "value of the first colour; default: the least value" },
  high = { type = "number", doc = "value of the last colour; default: the largest value" },
  label = { type = "string", doc = "quantity and unit of the colour bar" },
  rows = { type = "table", doc = "a name for each row" },
  columns = { type = "table", doc = "a name for each column" },
  categories = { type = "table", doc = "a category for each row and column of a square matrix (an RDM): coloured "
    .. "strips beside the axes, lines where one ends, a legend" },
  icons = { type = "any", doc = "pictures beside the axes: a table with one for each category by its name, or N "
    .. "pictures (N x H x W, N x C x H x W, or a list), one for each row" },
  aspect = { type = "number", min = 0.05, max = 20, doc = "height over width of the axes; default: square cells" },
})

local function heatmap_panel(options, rows, map, low, high)
  local n, m = #rows, #rows[1]
  local aspect = options.aspect or math.min(3, math.max(0.2, n / m))
  return { title = options.title, xlabel = options.xlabel, ylabel = options.ylabel, aspect = aspect, downwards = true,
    xcategories = options.columns, ycategories = options.rows,
    xscale = { limits = { 0.5, m + 0.5 }, integer = true }, yscale = { limits = { 0.5, n + 0.5 }, integer = true },
    marks = { { kind = "cells", rgb = tiles.shade(rows, map, low, high), rows = n, columns = m } },
    colorbar = { map = map, low = low, high = high, label = options.label } }
end

-- The matrix of a set that holds one RDM, and the label of the colour bar: what it measures, where none is given.
local function one_rdm(options, at)
  local set = options.values
  if #set ~= 1 then
    errors.raise("argument", at, "plot.heatmap: the set holds %d RDMs; draw one of them: plot.heatmap { "
      .. "r:matrix(1) }", #set)
  end
  return set:matrix(1), options.label or set.measure and set.measure:gsub("_", " ") or nil
end

--- A matrix as colours, row 1 at the top: plot.heatmap { matrix, label = "dissimilarity (1 - r)", rows =, columns =
-- (names), map = "ink" | "signed" | "cyclic" | "grey", low =, high =, title, xlabel, ylabel, aspect, width }. NaN is
-- light grey. The matrix may be a set of one RDM (r:matrix(k) is one of several). An RDM takes categories =
-- { "face", "face", "hand", ... } (one for each row: strips, lines and a legend) and icons = { face = picture,
-- hand = picture } or a picture for each row. Returns a figure.
-- > fig = plot.heatmap { rdm { randn { 8, 20 } }, label = "dissimilarity (1 - r)", map = "grey" }
-- > fig:save "rdm.png"
function M.heatmap(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.heatmap", "plot.heatmap { matrix, title = \"...\" }", at, ...)
  local plain = type(spec) == "table" and (sets.is(spec) or not sets.is(spec[1]) and tiles.depth(spec) == 2)
  local options = schema.check("plot.heatmap", plain and { spec } or spec, HEATMAP, at)
  if sets.is(options.values) then options.values, options.label = one_rdm(options, at) end
  local rows = tiles.nested(options.values, "plot.heatmap: values", at)
  words.matrix(rows, "plot.heatmap", at)
  words.same_length(options.rows, #rows, "plot.heatmap: rows", at)
  words.same_length(options.columns, #rows[1], "plot.heatmap: columns", at)
  local least, most = tiles.range_of(rows)
  local map = options.map or ((least or 0) < 0 and (most or 0) > 0 and "signed" or "ink")
  local low, high = tiles.color_range(map, options.low or least, options.high or most)
  if options.low and options.high then low, high = options.low, options.high end
  local lines = { { "row", "column", "value" } }
  for i, row in ipairs(rows) do
    for j, v in ipairs(row) do
      lines[#lines + 1] = { options.rows and options.rows[i] or i, options.columns and options.columns[j] or j, v }
    end
  end
  local panel = heatmap_panel(options, rows, map, low, high)
  sides.add(panel, options, #rows, #rows[1], at)
  return figure.new { panels = { panel }, width = options.width, table = lines, name = "plot.heatmap" }
end

-- ---- images ------------------------------------------------------------------------------------------------------

local IMAGES = schema.document("plot.images", {
  positional = { "values" },
  values = { type = "any", doc = "images: N x H x W, N x 1 x H x W, N x 3 x H x W (colour), or N x C x H x W" },
  columns = { type = "integer", min = 1, max = 64, doc = "images in a row; default: a nearly square grid" },
  normalise = { type = "string", choices = { "each", "all" }, default = "each",
    doc = "every image has its own range of grey, or all share one" },
  map = { type = "string", choices = style.maps, doc = "default: signed where values have both signs, else grey" },
  titles = { type = "table", doc = "a title over each image" },
  title = { type = "string", doc = "what the figure shows" },
  width = { type = "number", default = 85, min = 30, max = 400, doc = "width of the figure in mm" },
})

-- The images as a list of {planes}, each 1 or 3 matrices: other numbers of channels become one image a channel.
local function split(images)
  local list, channels = {}, 1
  for i, image in ipairs(images) do
    if tiles.depth(image) == 2 then list[#list + 1] = { planes = { image }, image = i, channel = 1 }
    elseif #image == 3 then list[#list + 1] = { planes = image, image = i, channel = 1 }
    else
      channels = #image
      for c, plane in ipairs(image) do list[#list + 1] = { planes = { plane }, image = i, channel = c } end
    end
  end
  return list, channels
end

local function image_rows(list)
  local rows = { { "image", "channel", "row", "column", "value" } }
  for _, item in ipairs(list) do
    for k, plane in ipairs(item.planes) do
      for r, row in ipairs(plane) do
        for c, v in ipairs(row) do rows[#rows + 1] = { item.image, item.channel + k - 1, r, c, v } end
      end
    end
  end
  return rows
end

local function planes_range(list)
  local low, high
  for _, item in ipairs(list) do
    for _, plane in ipairs(item.planes) do low, high = tiles.range_of(plane, low, high) end
  end
  return low or 0, high or 1
end

local function nearly_square(n)
  local columns = math.ceil(math.sqrt(n))
  for c = columns, math.min(n, columns + 3) do
    if n % c == 0 then return c end
  end
  return columns
end

local function make_tiles(list, options, map)
  local all_low, all_high = tiles.color_range(map, planes_range(list))
  local made = {}
  for i, item in ipairs(list) do
    local low, high = all_low, all_high
    if options.normalise == "each" then low, high = tiles.color_range(map, planes_range { item }) end
    local title = options.titles and (#list == #options.titles and options.titles[i] or
      (item.channel == 1 and options.titles[item.image]))
    made[i] = { rgb = tiles.paint(item.planes, map, low, high), rows = #item.planes[1], columns = #item.planes[1][1],
      title = title and tostring(title) or nil }
  end
  return made, all_low, all_high
end

--- A grid of small images, such as the filters of a first layer: plot.images { tensor, columns = 8, titles = {...},
-- normalise = "each" | "all", map =, title =, width = }. Three channels are shown in colour; any other number gives
-- an image for each channel, the channels of one image side by side. With both signs, blue is below 0 and red above.
-- "all" adds the common colour bar. Returns a figure.
-- > filters = stimuli.gabors { size = 11, orientations = 8 }
-- > fig = plot.images { filters, columns = 8, map = "grey" }
-- > fig:save "filters.png"
function M.images(spec, ...)
  local at = errors.position(2)
  schema.alone("plot.images", "plot.images { tensor, title = \"...\" }", at, ...)
  local options = schema.check("plot.images", spec, IMAGES, at)
  local images = tiles.nested(options.values, "plot.images: values", at)
  local axes = tiles.depth(images)
  if axes < 3 or axes > 4 then
    errors.raise("shape", at, "plot.images: images of %d axes, expected 3 (N x H x W) or 4 (N x C x H x W)", axes)
  end
  local list, channels = split(images)
  if options.titles and #options.titles ~= #images and #options.titles ~= #list then
    errors.raise("shape", at, "plot.images: titles has %d entries, expected %d, one for each image", #options.titles,
      #images)
  end
  local low, high = planes_range(list)
  local colored = #list[1].planes == 3
  local map = options.map or (low < 0 and high > 0 and "signed" or "grey")
  local made
  made, low, high = make_tiles(list, options, map)
  local panel = { kind = "grid", tiles = made, title = options.title,
    across = options.columns or (channels > 1 and channels or nearly_square(#list)) }
  if options.normalise == "each" then
    panel.note = map == "signed" and not colored and "blue < 0 < red, each image on its own range"
      or "each image on its own range"
  elseif not colored then
    panel.colorbar = { map = map, low = low, high = high }
  end
  return figure.new { panels = { panel }, width = options.width, table = image_rows(list), name = "plot.images" }
end

return M
