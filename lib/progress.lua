--- What a long run shows: on a terminal a line that is drawn anew at most ten times a second, elsewhere nothing until
-- the epoch is over.
local base = require "lamina.core.base"

local M = {}

local Progress = {}
Progress.__index = Progress

local WIDTH = 20

--- A bar over `total` steps; silent unless standard error is a terminal (or `on` says so).
function M.new(total, on)
  if on == nil then on = base.isatty(2) end
  return setmetatable({ total = total, on = on, start = base.clock(), drawn = 0 }, Progress)
end

--- Seconds as 12 s, 3 min 20 s, 2 h 5 min.
function M.time_text(seconds)
  seconds = math.floor(seconds + 0.5)
  if seconds < 60 then return seconds .. " s" end
  if seconds < 3600 then return string.format("%d min %d s", seconds // 60, seconds % 60) end
  return string.format("%d h %d min", seconds // 3600, seconds % 3600 // 60)
end

--- Shows that `step` of the total are done; text() is called only when the line is drawn.
function Progress:update(step, label, text)
  if not self.on then return end
  local now = base.clock()
  if now - self.drawn < 0.1 and step < self.total then return end
  self.drawn = now
  local part = step / self.total
  local full = math.floor(part * WIDTH)
  local left = (now - self.start) / part * (1 - part)
  local line = string.format("%s [%s%s] %3d %%  %s  %s left", label, string.rep("=", full),
    string.rep(" ", WIDTH - full), math.floor(part * 100), text(), M.time_text(left))
  local columns = base.columns()
  if #line >= columns then line = line:sub(1, columns - 1) end
  io.stderr:write("\r", line, "\27[K")
  io.stderr:flush()
  self.shown = true
end

--- Takes the line away.
function Progress:clear()
  if self.shown then
    io.stderr:write("\r\27[K")
    io.stderr:flush()
    self.shown = false
  end
end

return M
