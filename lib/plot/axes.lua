--- lamina.plot.axes: one panel: title, legend, axes with ticks and labels, marks, colour bar.
--
-- A panel is {title, xlabel, ylabel, marks = {...}, legend = bool, xscale, yscale = options of scale.new,
-- xcategories, ycategories = labels, height = mm, aspect = height of the axes / width, colorbar = {map, low, high,
-- label}, hidden = {x =, y =} (axes without ticks), sides (lamina.plot.sides), rim = the widest label that stands
-- round the axes, letter}. `measure` finds the room that text needs from the text itself, so nothing can overlap or
-- be cut off; `draw` puts everything into place.
local marks = require "lamina.plot.marks"
local scale = require "lamina.plot.scale"
local sides = require "lamina.plot.sides"
local style = require "lamina.plot.style"

local M = {}

local TICK, GAP = 2.5, 2 -- length of a tick, room between things, points
local LEADING = 1.25 -- distance of lines of text in sizes
local BAR_WIDTH, BAR_GAP = 6, 6 -- the colour bar

--- Breaks text at spaces into lines no wider than `width` points; a longer word stands alone.
function M.wrap(canvas, text, size, width, bold)
  local lines, current = {}, nil
  for word in text:gmatch "%S+" do
    local longer = current and current .. " " .. word or word
    if current and canvas:extents(longer, size, bold) > width then
      lines[#lines + 1] = current
      longer = word
    end
    current = longer
  end
  lines[#lines + 1] = current
  return lines
end

--- A text cut to what fits into `width` points, with an ellipsis.
function M.fit(canvas, text, size, width)
  if canvas:extents(text, size) <= width then return text end
  local last = utf8.len(text) or #text
  while last > 1 do
    last = last - 1
    local shorter = text:sub(1, (utf8.offset(text, last + 1) or #text + 1) - 1) .. "\u{2026}"
    if canvas:extents(shorter, size) <= width then return shorter end
  end
  return ""
end

local function widest(canvas, texts, size)
  local most = 0
  for _, text in ipairs(texts) do
    local width = canvas:extents(text, size)
    most = math.max(most, width)
  end
  return most
end

-- The data range of all marks along "x" or "y".
local function extent(panel, axis)
  local low, high
  for _, mark in ipairs(panel.marks) do
    local range = marks[mark.kind].extent(mark)[axis]
    if range.low then
      low = low and math.min(low, range.low) or range.low
      high = high and math.max(high, range.high) or range.high
    end
  end
  return low, high
end

-- The scale of an axis that is `length` points long, with labels that stand `room` points apart at least.
local function make_scale(panel, axis, length, room)
  local labels = panel[axis .. "categories"]
  if labels then
    local made = { low = 0.5, high = #labels + 0.5, ticks = {}, labels = {}, categories = true }
    for i, label in ipairs(labels) do made.ticks[i], made.labels[i] = i, label end
    return made
  end
  local options = {}
  for key, value in pairs(panel[axis .. "scale"] or {}) do options[key] = value end
  options.count = math.max(2, math.floor(length / room))
  local low, high = extent(panel, axis)
  local made = scale.new(low, high, options)
  if panel.hidden and panel.hidden[axis] then made.ticks, made.labels, made.note = {}, {}, nil end
  return made
end

-- Keeps every k-th label of a scale so that they stand at least `room` points apart.
local function thin(made, spacing, room)
  local every = math.max(1, math.ceil(room / spacing))
  if every == 1 then return end
  for i = 1, #made.labels do
    if (i - 1) % every ~= 0 then made.labels[i] = "" end
  end
end

-- Turns the labels of categories that do not fit side by side; sets x.angle and returns the height of the labels.
local function turn_labels(canvas, x, width)
  local size = style.size.tick
  local spacing = width / #x.labels
  local longest = widest(canvas, x.labels, size)
  x.angle, x.over = 0, 0
  if longest == 0 then return 0 end
  if longest + 3 <= spacing then return size end
  if spacing >= 1.5 * size then
    x.angle, x.over = 45, math.max(0, 0.71 * longest - spacing / 2)
    return 0.71 * longest + 4
  end
  x.angle = 90
  thin(x, spacing, 1.15 * size)
  return longest
end

-- Legend entries into rows no wider than `inner` points, above the axes; where one is longer, no wider than `whole`,
-- from the panel's left edge (second result: true). What is longer still ends in an ellipsis.
local function legend_rows(canvas, panel, inner, whole)
  local entries, longest = {}, 0
  for _, mark in ipairs(panel.legend and panel.marks or {}) do
    if mark.label and marks[mark.kind].legend then
      local text = M.fit(canvas, mark.label, style.size.legend, whole - 12)
      local room = 12 + canvas:extents(text, style.size.legend)
      entries[#entries + 1] = { mark = mark, text = text, room = room }
      longest = math.max(longest, room)
    end
  end
  local rows, used, width = {}, 0, longest > inner and whole or inner
  for _, entry in ipairs(entries) do
    if #rows == 0 or used + entry.room > width then
      rows[#rows + 1] = {}
      used = 0
    end
    entry.at = used
    table.insert(rows[#rows], entry)
    used = used + entry.room + 8
  end
  return rows, longest > inner
end

local function with_note(label, note)
  if not note then return label end
  return label and label .. " (" .. note .. ")" or note
end

local function measure_sides(canvas, panel, out, width, height)
  local leading = LEADING
  out.y = make_scale(panel, "y", panel.inner and panel.inner * style.mm or height - 36, 14)
  if out.y.categories then thin(out.y, (height - 40) / #out.y.labels, 1.15 * style.size.tick) end
  out.ylabel = with_note(panel.ylabel, out.y.note)
  out.inset = panel.letter and leading * style.size.letter or 0
  out.ylines = out.ylabel and M.wrap(canvas, out.ylabel, style.size.label, height - 24 - out.inset) or {}
  out.room = sides.measure(panel, width)
  out.left = out.room.y + (#out.y.ticks > 0 and TICK + GAP or 0) + widest(canvas, out.y.labels, style.size.tick) +
    (#out.ylines > 0 and 2 * GAP + #out.ylines * leading * style.size.label or 0)
  out.right = 4
  if panel.colorbar then
    local bar = panel.colorbar
    bar.scale = scale.new(bar.low, bar.high, { limits = { bar.low, bar.high }, count = math.max(2, height // 26) })
    bar.text = with_note(bar.label, bar.scale.note)
    out.right = BAR_GAP + BAR_WIDTH + TICK + GAP + widest(canvas, bar.scale.labels, style.size.tick) +
      (bar.text and GAP + leading * style.size.label or 0)
  end
end

--- The room that a panel of width x height points needs around its axes: {left, right, top, bottom} in points, with
-- the scales and wrapped texts that `draw` uses.
function M.measure(canvas, panel, width, height)
  local out, leading = {}, LEADING
  measure_sides(canvas, panel, out, width, height)
  local inner = width - out.left - out.right
  out.x = make_scale(panel, "x", inner, 26)
  if not out.x.categories then -- fewer ticks where their labels are long
    local longest = widest(canvas, out.x.labels, style.size.tick)
    if longest > 18 then out.x = make_scale(panel, "x", inner, longest + 14) end
  end
  local labels = style.size.tick
  if out.x.categories then
    labels = turn_labels(canvas, out.x, inner)
    out.left = math.max(out.left, out.x.over)
  elseif #out.x.ticks > 0 then -- half of the last label may stand out beyond the axis
    local last = canvas:extents(out.x.labels[#out.x.labels], style.size.tick)
    local free = (1 - scale.at(out.x, out.x.ticks[#out.x.ticks])) * inner
    out.right = math.max(out.right, last / 2 - free + 1)
  end
  inner = width - out.left - out.right
  out.xlabel = with_note(panel.xlabel, out.x.note)
  out.xlines = out.xlabel and M.wrap(canvas, out.xlabel, style.size.label, inner) or {}
  if #out.x.ticks == 0 then labels = -TICK end
  out.bottom = out.room.x + TICK + GAP + labels + GAP + #out.xlines * leading * style.size.label
  out.title = panel.title and M.wrap(canvas, panel.title, style.size.title, inner, true) or {}
  out.legend, out.legend_outside = legend_rows(canvas, panel, inner + out.right - 2, width - out.inset - 2)
  out.inner = inner
  out.top = 4 + #out.title * leading * style.size.title + #out.legend * 1.35 * style.size.legend +
    (#out.title + #out.legend > 0 and 3 or 0)
  if panel.rim then -- labels stand round the axes
    local beside = canvas:extents(panel.rim, style.size.tick) + 4
    out.left, out.right = math.max(out.left, beside), math.max(out.right, beside)
    out.top, out.bottom = out.top + style.size.tick + 3, out.bottom + style.size.tick + 5
    out.inner = width - out.left - out.right
  end
  if panel.letter then
    out.top = math.max(out.top, 4 + leading * style.size.letter)
    out.left = math.max(out.left, leading * style.size.letter)
  end
  return out
end

-- ---- drawing -----------------------------------------------------------------------------------------------------

local function ink(canvas, c) canvas:color(c[1], c[2], c[3]) end

local function draw_x(canvas, x, box, room)
  for i, tick in ipairs(x.ticks) do
    local at = box.x(tick)
    if not x.categories then canvas:move_to(at, box.bottom):line_to(at, box.bottom + TICK):stroke() end
    local y = box.bottom + room + (x.categories and GAP or TICK + GAP)
    if x.angle == 45 then canvas:text(at + 2, y + 1, x.labels[i], style.size.tick, 1, 1, 45)
    elseif x.angle == 90 then canvas:text(at, y, x.labels[i], style.size.tick, 1, 0.5, 90)
    else canvas:text(at, y, x.labels[i], style.size.tick, 0.5, 1) end
  end
end

local function draw_y(canvas, y, box, room)
  for i, tick in ipairs(y.ticks) do
    local at = box.y(tick)
    if not y.categories then canvas:move_to(box.left, at):line_to(box.left - TICK, at):stroke() end
    canvas:text(box.left - room - TICK - GAP, at, y.labels[i], style.size.tick, 1, 0.5)
  end
end

local function draw_titles(canvas, layout, box, outer)
  local leading = LEADING
  local y = outer.y + 4
  for _, text in ipairs(layout.title) do
    canvas:text(box.left, y, text, style.size.title, 0, 1, 0, true)
    y = y + leading * style.size.title
  end
  local left = layout.legend_outside and outer.x + layout.inset or box.left
  for _, row in ipairs(layout.legend) do
    for _, entry in ipairs(row) do
      local middle = y + style.size.legend / 2
      marks[entry.mark.kind].legend(canvas, entry.mark, left + entry.at, middle)
      ink(canvas, style.black)
      canvas:text(left + entry.at + 12, middle, entry.text, style.size.legend, 0, 0.5)
    end
    y = y + 1.35 * style.size.legend
  end
  ink(canvas, style.black)
  y = box.bottom + layout.bottom - #layout.xlines * leading * style.size.label
  for _, text in ipairs(layout.xlines) do
    canvas:text((box.left + box.right) / 2, y, text, style.size.label, 0.5, 1)
    y = y + leading * style.size.label
  end
  local x = box.left - layout.left
  for _, text in ipairs(layout.ylines) do -- in the middle of the axis, but below the panel's letter
    local half = canvas:extents(text, style.size.label) / 2
    local low, high = outer.y + layout.inset + half + 2, outer.y + outer.height - half - 2
    local middle = math.max(math.min((box.top + box.bottom) / 2, high), low)
    canvas:text(x, middle, text, style.size.label, 0.5, 1, 90)
    x = x + leading * style.size.label
  end
end

local function draw_colorbar(canvas, panel, box)
  local bar, map = panel.colorbar, style.map(panel.colorbar.map)
  local x, bytes = box.right + BAR_GAP, {}
  for i = 255, 0, -1 do bytes[#bytes + 1] = map[i] end
  canvas:image(table.concat(bytes), 256, 1, x, box.top, BAR_WIDTH, box.bottom - box.top)
  ink(canvas, style.axis)
  canvas:pen(style.width.axis)
  for i, tick in ipairs(bar.scale.ticks) do
    local y = box.bottom - scale.at(bar.scale, tick) * (box.bottom - box.top)
    canvas:move_to(x + BAR_WIDTH, y):line_to(x + BAR_WIDTH + TICK, y):stroke()
    canvas:text(x + BAR_WIDTH + TICK + GAP, y, bar.scale.labels[i], style.size.tick, 0, 0.5)
  end
  if bar.text then
    canvas:text(box.outer_right, (box.top + box.bottom) / 2, bar.text, style.size.label, 0.5, 0, 90)
  end
end

-- The rectangle of the axes in points, with the maps from data to points.
local function make_box(panel, layout, outer)
  local box = { left = outer.x + layout.left, right = outer.x + outer.width - layout.right,
    top = outer.y + layout.top, bottom = outer.y + outer.height - layout.bottom,
    outer_right = outer.x + outer.width - 2 }
  if panel.aspect then -- the axes keep their shape: centred across, from the top
    local width, height = box.right - box.left, box.bottom - box.top
    if width * panel.aspect > height then
      local spare = width - height / panel.aspect
      box.left, box.right = box.left + spare / 2, box.right - spare / 2
      box.outer_right = box.outer_right - spare / 2
    else
      box.bottom = box.top + width * panel.aspect
    end
  end
  function box.x(v) return box.left + scale.at(layout.x, v) * (box.right - box.left) end
  function box.y(v)
    local at = scale.at(layout.y, v)
    return panel.downwards and box.top + at * (box.bottom - box.top) or box.bottom - at * (box.bottom - box.top)
  end
  return box
end

--- Draws a measured panel into outer = {x, y, width, height} in points.
function M.draw(canvas, panel, layout, outer)
  local box = make_box(panel, layout, outer)
  canvas:push()
  if not panel.rim then
    canvas:rectangle(box.left, box.top - 2, box.right - box.left + 3, box.bottom - box.top + 3):clip()
  end
  for _, pass in ipairs { "draw", "draw_over" } do
    for _, mark in ipairs(panel.marks) do
      local paint = marks[mark.kind][pass]
      if paint then paint(canvas, mark, box.x, box.y, box.left, box.right, box.top, box.bottom) end
    end
  end
  canvas:pop()
  ink(canvas, style.axis)
  canvas:pen(style.width.axis)
  if not panel.bare then
    canvas:move_to(box.left, box.top):line_to(box.left, box.bottom):line_to(box.right, box.bottom):stroke()
  end
  if layout.y.low < 0 and layout.y.high > 0 and panel.baseline then
    canvas:move_to(box.left, box.y(0)):line_to(box.right, box.y(0)):stroke()
  end
  ink(canvas, style.black)
  draw_x(canvas, layout.x, box, layout.room.x)
  draw_y(canvas, layout.y, box, layout.room.y)
  sides.draw(canvas, panel, box, layout.room)
  ink(canvas, style.black)
  draw_titles(canvas, layout, box, outer)
  if panel.colorbar then draw_colorbar(canvas, panel, box) end
end

return M
