--- lamina.plot.field_marks: marks of physiology and of vector fields, as lamina.plot.marks describes marks: rings of
-- tuning, spikes, contour lines, arrows.
local range_of = require "lamina.plot.range"
local scale = require "lamina.plot.scale"
local style = require "lamina.plot.style"

local M = {}
local finite = scale.finite

local function color(canvas, c, alpha) canvas:color(c[1], c[2], c[3], alpha) end

-- ---- the rings and spokes of polar axes: the plane from -1 to 1, radius 1 the outermost ring ----------------------

local SMALL = 45 -- radius in points

local polar_grid = {}
M.polar_grid = polar_grid

function polar_grid.extent() return range_of.new() end

function polar_grid.draw(canvas, mark, sx, sy)
  local unit = sx(1) - sx(0)
  color(canvas, style.ceiling)
  canvas:pen(style.width.edge)
  for _, radius in ipairs(mark.rings) do canvas:circle(sx(0), sy(0), radius * unit):stroke() end
  for k = 0, 7 do
    local c, s = math.cos(math.pi * k / 4), math.sin(math.pi * k / 4)
    canvas:move_to(sx(0), sy(0)):line_to(sx(c), sy(s)):stroke()
  end
end

--- What the rings and spokes are is written over the curves; small circles name every other spoke and the outermost
-- ring only.
function polar_grid.draw_over(canvas, mark, sx, sy)
  local radius = sx(1) - sx(0)
  local small = radius < SMALL
  color(canvas, style.black)
  for k = 0, 7, small and 2 or 1 do
    local c, s = math.cos(math.pi * k / 4), math.sin(math.pi * k / 4)
    canvas:text(sx(0) + (radius + 3) * c, sy(0) - (radius + 3) * s, mark.spokes[k + 1], style.size.tick, (1 - c) / 2,
      (1 - s) / 2)
  end
  color(canvas, style.axis)
  local c, s = math.cos(math.pi / 8), math.sin(math.pi / 8)
  for i = small and #mark.rings or 1, #mark.rings do
    canvas:text(sx(mark.rings[i] * c), sy(mark.rings[i] * s), mark.labels[i], style.size.note, small and 0 or 0.5,
      0.5)
  end
end

-- ---- closed curves of tuning, with a band between two others -----------------------------------------------------

local ring = {}
M.ring = ring

function ring.extent() return range_of.new() end

local function outline(canvas, list, sx, sy)
  for i, point in ipairs(list) do
    local x, y = sx(point[1]), sy(point[2])
    if i == 1 then canvas:move_to(x, y) else canvas:line_to(x, y) end
  end
end

function ring.draw(canvas, mark, sx, sy)
  if mark.low then -- the outer curve one way round, the inner one the other
    outline(canvas, mark.high, sx, sy)
    canvas:close()
    for i = #mark.low, 1, -1 do
      local x, y = sx(mark.low[i][1]), sy(mark.low[i][2])
      if i == #mark.low then canvas:move_to(x, y) else canvas:line_to(x, y) end
    end
    color(canvas, mark.color, 0.25)
    canvas:close():fill()
  end
  color(canvas, mark.color)
  canvas:pen(style.width.line, true)
  if mark.dash then canvas:dash(3, 2.5) end
  outline(canvas, mark.curve, sx, sy)
  canvas:close():stroke():dash()
  for _, point in ipairs(#mark.curve <= 24 and mark.curve or {}) do
    canvas:circle(sx(point[1]), sy(point[2]), 1.5):fill()
  end
end

function ring.legend(canvas, mark, x, y)
  color(canvas, mark.color)
  canvas:pen(style.width.line)
  if mark.dash then canvas:dash(3, 1.5) end
  canvas:move_to(x, y):line_to(x + 9, y):stroke():dash()
end

-- ---- spikes: a short line at each time, a row for each trial -----------------------------------------------------

local spikes = {}
M.spikes = spikes

function spikes.extent(mark)
  local range = range_of.new()
  range_of.widen_all(range.x, mark.x)
  range_of.widen_all(range.y, mark.y)
  return range
end

function spikes.draw(canvas, mark, sx, sy)
  color(canvas, mark.color)
  canvas:pen(#mark.x > 2000 and style.width.edge or style.width.error)
  for i = 1, #mark.x do
    local x = sx(mark.x[i])
    canvas:move_to(x, sy(mark.y[i] - 0.42)):line_to(x, sy(mark.y[i] + 0.42))
    if i % 500 == 0 then canvas:stroke() end
  end
  canvas:stroke()
end

function spikes.legend(canvas, mark, x, y)
  color(canvas, mark.color)
  canvas:pen(style.width.line)
  for k = 0, 2 do canvas:move_to(x + 1 + 3 * k, y - 2.5):line_to(x + 1 + 3 * k, y + 2.5) end
  canvas:stroke()
end

-- ---- contour lines: segments {x0, y0, x1, y1} of one level -------------------------------------------------------

local contour = {}
M.contour = contour

function contour.extent() return range_of.new() end

function contour.draw(canvas, mark, sx, sy)
  color(canvas, mark.color)
  canvas:pen(style.width.line, true)
  for _, s in ipairs(mark.segments) do canvas:move_to(sx(s[1]), sy(s[2])):line_to(sx(s[3]), sy(s[4])) end
  canvas:stroke()
end

-- ---- arrows ------------------------------------------------------------------------------------------------------

local arrows = {}
M.arrows = arrows

function arrows.extent(mark)
  local range = range_of.new()
  for i = 1, #mark.x do
    if finite(mark.u[i]) and finite(mark.v[i]) then
      range_of.widen_all(range.x, { mark.x[i], mark.x[i] + mark.scale * mark.u[i] })
      range_of.widen_all(range.y, { mark.y[i], mark.y[i] + mark.scale * mark.v[i] })
    end
  end
  return range
end

local HEAD, WING = 3.2, 0.42 -- longest head in points, half its width over its length

local function arrow(canvas, x0, y0, x1, y1)
  local dx, dy = x1 - x0, y1 - y0
  local length = math.sqrt(dx * dx + dy * dy)
  if length < 0.3 then return canvas:circle(x0, y0, 0.5):fill() end -- too short for a direction
  local head = math.min(HEAD, 0.6 * length)
  local ux, uy = dx / length, dy / length
  local bx, by = x1 - head * ux, y1 - head * uy
  canvas:move_to(x0, y0):line_to(bx, by):stroke()
  canvas:move_to(x1, y1):line_to(bx - WING * head * uy, by + WING * head * ux)
  canvas:line_to(bx + WING * head * uy, by - WING * head * ux):close():fill()
end

function arrows.draw(canvas, mark, sx, sy)
  canvas:pen(style.width.error)
  for i = 1, #mark.x do
    local x, y = mark.x[i], mark.y[i]
    if finite(mark.u[i]) and finite(mark.v[i]) then
      color(canvas, mark.colors and mark.colors[i] or mark.color)
      arrow(canvas, sx(x), sy(y), sx(x + mark.scale * mark.u[i]), sy(y + mark.scale * mark.v[i]))
    end
  end
end

function arrows.legend(canvas, mark, x, y)
  color(canvas, mark.color)
  canvas:pen(style.width.error)
  arrow(canvas, x, y, x + 9, y)
end

return M
