--- Where a computation spends its time and memory, by op and by layer.
--
--   local p = profile(function() train { model = net, data = digits.train, epochs = 1 } end)
--   print(p)                     -- the ops that take longest, then the layers
--   p:by "layer"                 -- a list of { name =, calls =, seconds =, backward =, bytes =, share = }
--
-- At the prompt, %profile CODE does the same.
local base = require "lamina.core.base"
local core = require "lamina.core.profile"
local errors = require "lamina.errors"
local object = require "lamina.object"

local M = {}

local Profile = { __name = "profile" }

local SHOWN = 15 -- lines of a printed table

local KEYS = { op = "op", layer = "layer" }

--- profile:by(what): the measurements joined by "op" or by "layer", the longest first: a list of { name =, calls =,
-- seconds = (of both passes), backward = (seconds of the backward pass), bytes = (of memory asked for), share = (of
-- p.seconds) }. The layer "" holds what no layer of a model called.
-- > p = profile(function() return randn({ 50, 50 }):matmul(randn { 50, 50 }) end)
-- > p:by("op")[1].calls   --> 1
function Profile:by(what)
  if not KEYS[what] then
    errors.raise("argument", 2, "profile: by(%s); expected \"op\" or \"layer\"", tostring(what))
  end
  local list, at = {}, {}
  for _, row in ipairs(self.rows) do
    local name = row[what]
    local sum = at[name]
    if not sum then
      sum = { name = name, calls = 0, seconds = 0, backward = 0, bytes = 0 }
      at[name], list[#list + 1] = sum, sum
    end
    sum.calls, sum.seconds, sum.bytes = sum.calls + row.calls, sum.seconds + row.seconds, sum.bytes + row.bytes
    if row.pass == "backward" then sum.backward = sum.backward + row.seconds end
  end
  for _, sum in ipairs(list) do sum.share = self.seconds > 0 and sum.seconds / self.seconds or 0 end
  table.sort(list, function(a, b)
    if a.seconds ~= b.seconds then return a.seconds > b.seconds end
    return a.name < b.name
  end)
  return list
end

local function bytes_text(bytes)
  local units, i = { "B", "kB", "MB", "GB", "TB" }, 1
  while bytes >= 1000 and i < #units do bytes, i = bytes / 1000, i + 1 end
  return string.format(i == 1 and "%.0f %s" or "%.3g %s", bytes, units[i])
end

local function line(name, calls, forward, backward, share, bytes)
  return string.format("%-28s %8s %11s %12s %7s %9s", name, calls, forward, backward, share, bytes)
end

local function table_of(lines, title, list)
  lines[#lines + 1] = line(title, "calls", "forward ms", "backward ms", "share", "memory")
  for i = 1, math.min(#list, SHOWN) do
    local s = list[i]
    lines[#lines + 1] = line(s.name == "" and "(outside layers)" or s.name, s.calls,
      string.format("%.2f", 1e3 * (s.seconds - s.backward)), string.format("%.2f", 1e3 * s.backward),
      string.format("%.1f %%", 100 * s.share), bytes_text(s.bytes))
  end
  if #list > SHOWN then
    local rest = 0
    for i = SHOWN + 1, #list do rest = rest + list[i].share end
    lines[#lines + 1] = string.format("... %d more, %.1f %% together", #list - SHOWN, 100 * rest)
  end
end

Profile.__tostring = function(self)
  local lines, inside = {}, 0
  for _, row in ipairs(self.rows) do inside = inside + row.seconds end
  table_of(lines, "op", self:by "op")
  lines[#lines + 1] = line("(Lua, and what is no op)", "", string.format("%.2f", 1e3 * (self.seconds - inside)), "",
    string.format("%.1f %%", self.seconds > 0 and 100 * (self.seconds - inside) / self.seconds or 0), "")
  local layers = self:by "layer"
  if #layers > 1 then
    lines[#lines + 1] = ""
    table_of(lines, "layer", layers)
  end
  lines[#lines + 1] = string.format("%.3f s in all, at most %s at once", self.seconds, bytes_text(self.peak))
  if self.lost > 0 then lines[#lines + 1] = string.format("%d calls found no room in the table", self.lost) end
  return table.concat(lines, "\n")
end

Profile.__index = object.index("a profile", Profile, "rows seconds peak lost results")

--- profile(f, ...) calls f(...) and returns where its time and memory went: a value that prints as a table of ops and
-- one of layers. p:by "op" and p:by "layer" give the numbers; p.rows the measurements themselves, a list of { op =,
-- layer =, pass = "forward" or "backward", calls =, seconds =, bytes = }; p.seconds the time in all, p.peak the most
-- bytes at once, p.results what f returned. A call's seconds and bytes are its own, without the ops that it called.
-- Measuring costs about a microsecond a call. Nothing that is computed changes. Raises what f raises.
-- > p = profile(function() return randn({ 100, 100 }):matmul(randn { 100, 100 }) end)
-- > p.rows[1].calls, p.results[1].shape   --> 1 { 100, 100 }
function M.profile(f, ...)
  local callable = type(f) == "function" or type(f) == "table" and (getmetatable(f) or {}).__call
  if not callable then
    errors.raise("argument", 2, "profile takes a function and its arguments, profile(function() ... end), not a %s",
      type(f))
  end
  core.start()
  base.reset_peak()
  local start = base.clock()
  local results = table.pack(pcall(f, ...))
  local seconds = base.clock() - start
  core.stop()
  if not results[1] then error(results[2], 0) end
  local rows, lost = core.rows()
  return setmetatable({ rows = rows, lost = lost, seconds = seconds, peak = base.memory().peak,
    results = table.pack(table.unpack(results, 2, results.n)) }, Profile)
end

return M
