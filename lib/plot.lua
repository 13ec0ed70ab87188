--- lamina.plot: figures of results, for print at one column.
--
-- Each word takes numbers (Lua lists or tensors) and returns a figure; fig:save "name.svg" writes the picture as SVG,
-- PDF or PNG and the plotted numbers as name.csv beside it. Six marks make every figure: line with band, points, bars
-- with errors and a noise ceiling, histogram, heat map, grid of images. Nothing is cut off: axes hold all the data.
local core = require "lamina.plot.words"
local curves = require "lamina.plot.curves"
local panels = require "lamina.plot.panels"
local pictures = require "lamina.plot.pictures"

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

return M
