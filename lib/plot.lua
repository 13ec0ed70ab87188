--- lamina.plot: figures of results, for print at one column.
--
-- Each word takes numbers (Lua lists or tensors) and returns a figure; fig:save "name.svg" writes the picture as SVG,
-- PDF or PNG and the plotted numbers as name.csv beside it: lines with bands, points, bars with errors and a noise
-- ceiling, histograms, heat maps (RDMs with categories and pictures), grids of images, polar tuning, rasters with
-- rates, contours, arrows; plot.panels puts several onto one page. Nothing is cut off: axes hold all the data.
local core = require "lamina.plot.words"
local curves = require "lamina.plot.curves"
local fields = require "lamina.plot.fields"
local panels = require "lamina.plot.panels"
local pictures = require "lamina.plot.pictures"
local polar = require "lamina.plot.polar"
local spikes = require "lamina.plot.spikes"

local M = {}

M.line = core.line
M.scatter = core.scatter
M.bars = core.bars
M.histogram = core.histogram
M.heatmap = pictures.heatmap
M.images = pictures.images
M.curve = curves.curve
M.layers = curves.layers
M.panels = panels.panels
M.polar = polar.polar
M.raster = spikes.raster
M.contour, M.quiver = fields.contour, fields.quiver

return M
