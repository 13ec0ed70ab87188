--- lamina.activations.plan: how many stimuli go through a model at a time, within the memory allowed.
local base = require "lamina.core.base"
local cache = require "lamina.activations.cache"
local errors = require "lamina.errors"

local M = {}

M.CLOSE = "the numbers are `close`, and others on another machine"

-- ---- sizes -----------------------------------------------------------------------------------------------------

local UNITS = { b = 1, kb = 1e3, mb = 1e6, gb = 1e9, tb = 1e12, kib = 2 ^ 10, mib = 2 ^ 20, gib = 2 ^ 30,
  tib = 2 ^ 40 }

--- Bytes of a number, or of a text such as "2 GB". what: whose option `memory` it is; activations', if absent.
function M.bytes_of(given, position, what)
  local number, unit = given, "b"
  if type(given) == "string" then
    local text
    text, unit = given:match "^%s*([%d.]+)%s*(%a*)%s*$"
    number, unit = tonumber(text or ""), unit == "" and "b" or unit and unit:lower()
  end
  if not number or not UNITS[unit] or number <= 0 or number == math.huge then
    errors.raise("argument", position, "%s: memory = %s, expected bytes or a text such as \"2 GB\"",
      what or "activations", type(given) == "string" and '"' .. given .. '"' or tostring(given))
  end
  return number * UNITS[unit]
end

--- Bytes in words.
function M.size_text(bytes)
  for _, unit in ipairs { { 1e9, "GB" }, { 1e6, "MB" }, { 1e3, "kB" } } do
    if bytes >= unit[1] then return string.format("%.3g %s", bytes / unit[1], unit[2]) end
  end
  return string.format("%d bytes", bytes)
end

-- ---- the plan --------------------------------------------------------------------------------------------------

-- What the runtime's memory grows by while a batch of n runs.
local function growth(job, n)
  collectgarbage()
  base.reset_peak()
  local before = base.memory().live
  local y = job.record(job, 1, n)
  if y.close and job.folder then job.folder, job.key, job.uncached = nil, nil, M.CLOSE end
  y:release()
  collectgarbage()
  return math.max(1, base.memory().peak - before)
end

-- job.fixed and job.per_image: what a pass takes whatever the batch, and for each image of it, from batches of one
-- and two. Weights are packed in the first pass, and stay so.
local function probe(job)
  job.record(job, 1, 1):release()
  local one = growth(job, 1)
  local two = job.n > 1 and growth(job, 2) or 2 * one
  job.per_image = math.max(job.bytes // job.n, math.min(one, two - one))
  job.fixed = math.max(0, one - job.per_image)
  job.missing = {}
end

-- What would fit, where the plan does not.
local function too_much(job, why, more)
  if job.writer then job.writer:drop() end
  errors.raise("memory", job.position, "activations: %s neuroids%s x %d stimuli are %s, and one image's pass "
    .. "takes %s; %s "
    .. "memory = %s. %s", job.total, job.times and #job.times > 1 and " x " .. #job.times .. " steps" or "", job.n,
    M.size_text(job.bytes), M.size_text(job.fixed + job.per_image), why, M.size_text(job.memory), more)
end

--- How many images go through at a time: job.batch, and job.writer, the file that takes the results (none where
-- nothing is kept). Raises where not even one fits, telling what would.
function M.plan(job)
  probe(job)
  if job.folder then
    local writer, err = errors.try(cache.begin, job.folder, job.key, job.shape)
    if not writer then job.folder, job.uncached = nil, err.message end
    job.writer = writer
  end
  local free = job.memory - job.fixed
  if not job.folder then
    free = free - job.bytes
    if free < job.per_image then
      local images = math.floor((job.memory - job.fixed - job.per_image) / (job.bytes / job.n))
      too_much(job, "together that is more than", string.format("What fits: %smemory = \"%s\"%s", images > 0
        and images .. " stimuli, fewer layers, or " or "fewer layers, or ",
          M.size_text((job.bytes + job.fixed + job.per_image) * 1.1),
        job.uncached and "" or ", or any number of stimuli with cache = true, which keeps them in a file"))
    end
  elseif free < job.per_image then
    too_much(job, "a single one does not fit into", string.format("What fits: memory = \"%s\", or fewer layers",
      M.size_text((job.fixed + job.per_image) * 1.1)))
  end
  job.batch = job.draws and 1 or math.max(1, math.min(job.o.batch, job.n, math.floor(free / job.per_image)))
end

return M
