--- lamina.plot.marks: what stands inside a pair of axes.
--
-- A mark is a table with `kind` and its numbers; each kind has these functions: extent (the data range it needs),
-- draw (on a canvas, given functions from data to points), legend (the sample drawn beside its label), and draw_over
-- where something must lie above all other marks.
-- Positions along an axis of categories are 1, 2, 3, ...
local range_of = require "lamina.plot.range"
local scale = require "lamina.plot.scale"
local style = require "lamina.plot.style"

local M = {}

for kind, mark in pairs(require "lamina.plot.field_marks") do M[kind] = mark end
local finite = scale.finite

local fresh_range, widen, widen_all = range_of.new, range_of.widen, range_of.widen_all

local function color(canvas, c, alpha) canvas:color(c[1], c[2], c[3], alpha) end

-- An error bar from low to high at x, with caps, in points.
local function whisker(canvas, x, low, high, c)
  local cap = 1.5
  color(canvas, c)
  canvas:pen(style.width.error)
  canvas:move_to(x, low):line_to(x, high)
  canvas:move_to(x - cap, low):line_to(x + cap, low)
  canvas:move_to(x - cap, high):line_to(x + cap, high)
  canvas:stroke()
end

local function swatch(canvas, x, y, c)
  color(canvas, c)
  canvas:rectangle(x, y - 2.5, 9, 5):fill()
end

-- ---- lines with a band -------------------------------------------------------------------------------------------

local line = {}
M.line = line

function line.extent(mark)
  local range = fresh_range()
  widen_all(range.x, mark.x)
  widen_all(range.y, mark.y)
  widen_all(range.y, mark.low)
  widen_all(range.y, mark.high)
  return range
end

-- Calls visit(first, last) for every stretch of points at which all the lists are finite.
local function stretches(n, lists, visit)
  local first
  for i = 1, n + 1 do
    local whole = i <= n
    for _, list in ipairs(lists) do whole = whole and finite(list[i]) end
    if whole then first = first or i
    elseif first then
      visit(first, i - 1)
      first = nil
    end
  end
end

function line.draw(canvas, mark, sx, sy)
  local n = #mark.x
  if mark.low then
    stretches(n, { mark.x, mark.low, mark.high }, function(first, last)
      canvas:move_to(sx(mark.x[first]), sy(mark.low[first]))
      for i = first + 1, last do canvas:line_to(sx(mark.x[i]), sy(mark.low[i])) end
      for i = last, first, -1 do canvas:line_to(sx(mark.x[i]), sy(mark.high[i])) end
      color(canvas, mark.color, 0.25)
      canvas:close():fill()
    end)
  end
  color(canvas, mark.color)
  canvas:pen(style.width.line, true)
  if mark.dash then canvas:dash(3, 2.5) end
  stretches(n, { mark.x, mark.y }, function(first, last)
    canvas:move_to(sx(mark.x[first]), sy(mark.y[first]))
    for i = first + 1, last do canvas:line_to(sx(mark.x[i]), sy(mark.y[i])) end
    canvas:stroke()
    if mark.points or first == last then
      for i = first, last do canvas:circle(sx(mark.x[i]), sy(mark.y[i]), 1.7):fill() end
    end
  end)
  canvas:dash()
end

function line.legend(canvas, mark, x, y)
  if mark.low then
    color(canvas, mark.color, 0.25)
    canvas:rectangle(x, y - 2.5, 9, 5):fill()
  end
  color(canvas, mark.color)
  canvas:pen(style.width.line)
  if mark.dash then canvas:dash(3, 1.5) end
  canvas:move_to(x, y):line_to(x + 9, y):stroke():dash()
  if mark.points then canvas:circle(x + 4.5, y, 1.7):fill() end
end

-- ---- points ------------------------------------------------------------------------------------------------------

local scatter = {}
M.scatter = scatter

scatter.extent = line.extent

function scatter.draw(canvas, mark, sx, sy)
  local n = #mark.x
  local radius, alpha = n > 400 and 1.1 or 1.7, n > 100 and 0.55 or 0.9
  for i = 1, n do
    if finite(mark.x[i]) and finite(mark.y[i]) then
      local x, y = sx(mark.x[i]), sy(mark.y[i])
      if mark.low and finite(mark.low[i]) and finite(mark.high[i]) then
        whisker(canvas, x, sy(mark.low[i]), sy(mark.high[i]), mark.color)
      end
      color(canvas, mark.color, alpha)
      canvas:circle(x, y, radius):fill()
    end
  end
end

function scatter.legend(canvas, mark, x, y)
  color(canvas, mark.color)
  canvas:circle(x + 4.5, y, 1.9):fill()
end

-- ---- bars with errors --------------------------------------------------------------------------------------------

local bars = {}
M.bars = bars

function bars.extent(mark)
  local range = fresh_range()
  widen(range.x, 0.5)
  widen(range.x, #mark.values + 0.5)
  widen(range.y, 0)
  widen_all(range.y, mark.values)
  widen_all(range.y, mark.low)
  widen_all(range.y, mark.high)
  return range
end

-- The ends of bar i along x: its slot is i - 0.5 .. i + 0.5, shared by mark.of series.
local function slot(mark, i)
  local of, at = mark.of or 1, mark.at or 1
  local width = (mark.fill or 0.76) / of
  local left = i - (mark.fill or 0.76) / 2 + (at - 1) * width
  return left, left + width * (of > 1 and 0.94 or 1)
end

function bars.draw(canvas, mark, sx, sy)
  for i = 1, #mark.values do
    local left, right = slot(mark, i)
    local x0, x1, base = sx(left), sx(right), sy(0)
    local value = mark.values[i]
    if finite(value) then
      color(canvas, mark.colors and mark.colors[i] or mark.color)
      canvas:rectangle(x0, math.min(base, sy(value)), x1 - x0, math.abs(sy(value) - base)):fill()
    else
      color(canvas, style.axis)
      canvas:text((x0 + x1) / 2, base - 2, "n/a", 6, 0, 0.5, 90)
    end
  end
  for i = 1, #mark.values do
    local low, high = mark.low and mark.low[i], mark.high and mark.high[i]
    if finite(low) and finite(high) and finite(mark.values[i]) then
      local left, right = slot(mark, i)
      whisker(canvas, sx((left + right) / 2), sy(low), sy(high), style.black)
    end
  end
end

function bars.legend(canvas, mark, x, y) swatch(canvas, x, y, mark.color) end

-- ---- a colour's entry in the legend, nothing in the axes ---------------------------------------------------------

local patch = {}
M.patch = patch

function patch.extent() return fresh_range() end

function patch.draw() end

patch.legend = bars.legend

-- ---- room in the axes and nothing to see: gives several panels one range -----------------------------------------

local room = {}
M.room = room

function room.extent(mark) return { x = {}, y = { low = mark.low, high = mark.high } } end

function room.draw() end

-- ---- noise ceilings: a band where low and high differ, else a line -----------------------------------------------

local ceiling = {}
M.ceiling = ceiling

-- Without per-bar lists one band spans the whole axis.
function ceiling.extent(mark)
  local range = fresh_range()
  widen_all(range.y, mark.low)
  widen_all(range.y, mark.high)
  return range
end

local function ceiling_piece(canvas, x0, x1, low, high, sy)
  if not (finite(low) and finite(high)) or high <= low then return end
  color(canvas, style.ceiling)
  canvas:rectangle(x0, sy(high), x1 - x0, sy(low) - sy(high)):fill()
end

local function ceiling_edges(canvas, x0, x1, low, high, sy)
  if not (finite(low) and finite(high)) then return end
  color(canvas, style.grey)
  canvas:pen(style.width.error)
  if high > low then canvas:move_to(x0, sy(high)):line_to(x1, sy(high)):stroke() end
  canvas:move_to(x0, sy(low)):line_to(x1, sy(low)):stroke()
end

local function each_ceiling(mark, visit, canvas, sx, sy, left, right)
  if mark.whole then return visit(canvas, left, right, mark.low[1], mark.high[1], sy) end
  local joined = mark.of == nil or mark.of == 1
  local n, first = #mark.low, 1
  while first <= n do
    local last = first
    while joined and last < n and mark.low[last + 1] == mark.low[first] and mark.high[last + 1] == mark.high[first] do
      last = last + 1
    end
    local x0, x1 = first - 0.5, last + 0.5
    if not joined then x0, x1 = slot(mark, first) end
    visit(canvas, sx(x0), sx(x1), mark.low[first], mark.high[first], sy)
    first = last + 1
  end
end

function ceiling.draw(canvas, mark, sx, sy, left, right)
  each_ceiling(mark, ceiling_piece, canvas, sx, sy, left, right)
end

--- The edges are drawn over the bars, so that a bar above its ceiling does not hide it.
function ceiling.draw_over(canvas, mark, sx, sy, left, right)
  each_ceiling(mark, ceiling_edges, canvas, sx, sy, left, right)
end

function ceiling.legend(canvas, mark, x, y)
  local band = false
  for i = 1, #mark.low do band = band or (finite(mark.high[i]) and mark.high[i] > mark.low[i]) end
  if band then swatch(canvas, x, y, style.ceiling) end
  color(canvas, style.grey)
  canvas:pen(style.width.error)
  canvas:move_to(x, y):line_to(x + 9, y):stroke()
end

-- ---- reference lines: y = constant, x = constant, or the diagonal ------------------------------------------------

local reference = {}
M.reference = reference

function reference.extent(mark)
  local range = fresh_range()
  widen(range.y, mark.y)
  widen(range.x, mark.x)
  return range
end

function reference.draw(canvas, mark, sx, sy, left, right, top, bottom)
  color(canvas, style.grey)
  canvas:pen(style.width.error):dash(2.5, 2)
  if mark.diagonal then
    canvas:move_to(sx(mark.diagonal[1]), sy(mark.diagonal[1])):line_to(sx(mark.diagonal[2]), sy(mark.diagonal[2]))
  elseif mark.y then
    canvas:move_to(left, sy(mark.y)):line_to(right, sy(mark.y))
  else
    canvas:move_to(sx(mark.x), top):line_to(sx(mark.x), bottom)
  end
  canvas:stroke():dash()
end

function reference.legend(canvas, _, x, y)
  color(canvas, style.grey)
  canvas:pen(style.width.error):dash(2.5, 1.5)
  canvas:move_to(x, y):line_to(x + 9, y):stroke():dash()
end

-- ---- histograms --------------------------------------------------------------------------------------------------

local histogram = {}
M.histogram = histogram

function histogram.extent(mark)
  local range = fresh_range()
  widen_all(range.x, mark.edges)
  widen(range.y, 0)
  widen_all(range.y, mark.counts)
  return range
end

function histogram.draw(canvas, mark, sx, sy)
  local base = sy(0)
  canvas:move_to(sx(mark.edges[1]), base)
  for i = 1, #mark.counts do
    canvas:line_to(sx(mark.edges[i]), sy(mark.counts[i])):line_to(sx(mark.edges[i + 1]), sy(mark.counts[i]))
  end
  canvas:line_to(sx(mark.edges[#mark.edges]), base):close()
  color(canvas, mark.color, 0.35)
  canvas:fill(true)
  color(canvas, mark.color)
  canvas:pen(style.width.error):stroke()
end

function histogram.legend(canvas, mark, x, y) swatch(canvas, x, y, mark.color) end

-- ---- cells of a heat map: row 1 at the top -----------------------------------------------------------------------

local cells = {}
M.cells = cells

function cells.extent(mark)
  return { x = { low = 0.5, high = mark.columns + 0.5 }, y = { low = 0.5, high = mark.rows + 0.5 } }
end

function cells.draw(canvas, mark, _, _, left, right, top, bottom)
  canvas:image(mark.rgb, mark.rows, mark.columns, left, top, right - left, bottom - top)
end

-- ---- lines between groups of cells -------------------------------------------------------------------------------

local dividers = {}
M.dividers = dividers

function dividers.extent() return fresh_range() end

function dividers.draw_over(canvas, mark, sx, sy, left, right, top, bottom)
  canvas:color(1, 1, 1):pen(style.width.error)
  for _, at in ipairs(mark.at) do
    canvas:move_to(sx(at), top):line_to(sx(at), bottom)
    canvas:move_to(left, sy(at)):line_to(right, sy(at))
  end
  canvas:stroke()
end

return M
