--- loop: any training loop, over batches and epochs, with progress, checkpoints and the guard against NaN.
--
--   loop { data = digits.train, batch = 64, epochs = 5, state = { G, D, og, od }, each = function(b)
--     ...
--     return { d = ld, g = lg }      -- numbers or tensors with one element; their means over the epoch are the
-- history
--   end }
local checkpoint = require "lamina.checkpoint"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local errors = require "lamina.errors"
local history = require "lamina.history"
local ops = require "lamina.core.ops"
local optim = require "lamina.optim"
local progress = require "lamina.progress"
local schema = require "lamina.schema"
local trace = require "lamina.trace"

local M = {}

--- The options of `loop`; `train` shares some of them.
M.fields = {
  data = { type = "any", required = true, doc = "what has # and :batch(indices), such as a data set" },
  each = { type = "function", required = true,
    doc = "called with every batch; returns a table of losses and other numbers, or one loss" },
  batch = { type = "integer", default = 64, min = 1, doc = "items in a batch; the last of an epoch may be smaller" },
  epochs = { type = "integer", default = 1, min = 0, doc = "passes over the data" },
  shuffle = { type = "boolean", default = true,
    doc = "whether each epoch has an order of its own, keyed by the seed" },
  seed = { type = "integer", doc = "of the order; the experiment's if absent" },
  state = { type = "table", doc = "models, optimizers and tensors that a checkpoint keeps" },
  checkpoint = { type = { "string", "boolean" }, default = false,
    doc = "file written after each epoch, in the experiment's folder; true: checkpoint.safetensors" },
  resume = { type = "boolean", default = false, doc = "go on from the checkpoint; where there is none, say so and "
    .. "start from the beginning" },
  after = { type = "function", doc = "called after each epoch with its row; may add to it; returns false to stop" },
  log = { type = { "boolean", "function" }, default = true,
    doc = "false: no output; a function: called with the line of each epoch" },
}

schema.document("loop", M.fields)

local function bad(value) return value ~= value or value == math.huge or value == -math.huge end

--- "NaN" or "infinite".
function M.bad_text(value) return value ~= value and "NaN" or "infinite" end

--- The first op that gives a NaN or an infinity while f(...) runs, with what it was given; nil where none does. The
-- script's draws are those of the last time if `draws` holds their counts, and optimizers change nothing.
function M.first_bad_op(draws, f, ...)
  local now = core.draws()
  if draws then core.draws(draws) end
  ops.guard(true)
  local ok, e = pcall(f, ...)
  ops.guard(false)
  core.draws(now)
  if not ok and errors.is_error(e) and e.kind == "numeric" then return e.message end
end

-- What `each` returned, as numbers by name.
local function numbers_of(result, position)
  if result == nil then return {} end
  if type(result) == "number" or core.is_tensor(result) then result = { loss = result } end
  if type(result) ~= "table" then
    errors.raise("argument", position, "loop: each returned a %s, expected a table of losses, a loss or nothing",
      type(result))
  end
  local numbers = {}
  for name, value in pairs(result) do
    if core.is_tensor(value) then value = value:item() end
    if type(value) ~= "number" then
      errors.raise("argument", position, "loop: each returned '%s' as a %s, expected a number or a tensor with one "
        .. "element", tostring(name), type(value))
    end
    numbers[type(name) == "string" and name or "value" .. tostring(name)] = value + 0.0
  end
  return numbers
end

-- The means of an epoch, each batch weighted by its items, and the guard against NaN.
local Means = {}
Means.__index = Means

function Means:add(numbers, weight)
  for name, value in pairs(numbers) do
    self.sum[name] = (self.sum[name] or 0) + value * weight
    self.weight[name] = (self.weight[name] or 0) + weight
  end
end

function Means:row()
  local row = {}
  for name, sum in pairs(self.sum) do row[name] = sum / self.weight[name] end
  return row
end

local function new_means() return setmetatable({ sum = {}, weight = {} }, Means) end

local function check_data(o, position)
  local d = o.data
  local ok, n = pcall(function() return #d end)
  if not ok or type(n) ~= "number" or core.is_tensor(d) or not d.batch then
    errors.raise("argument", position, "loop: data is a %s, expected a data set such as data.tensors { x, y }",
      core.is_tensor(d) and "tensor" or type(d))
  end
  if n == 0 then errors.raise("argument", position, "loop: data holds no items") end
  return n
end

-- One run: where it stands and what it needs.
local Run = {}
Run.__index = Run

function Run:plan_optimizers()
  for _, object in pairs(self.o.state or {}) do
    if optim.is_optimizer(object) then
      local updates = (self.per_epoch - 1) // object.o.accumulate + 1
      object:plan { steps = self.o.epochs * updates, per_epoch = updates }
    end
  end
end

-- What has been gathered for an update is not carried from one epoch to the next.
function Run:flush_optimizers()
  for _, object in pairs(self.o.state or {}) do
    if optim.is_optimizer(object) then object:flush() end
  end
end

local SHARE = 20 -- checkpoints that nobody asked for take at most one part in so many of the time

function Run:save()
  if not self.path then return end
  local clock = require("lamina.core.base").clock
  local last, start = self.stopped or self.epoch == self.o.epochs, clock()
  if self.automatic and not last and self.saved and start - self.saved < SHARE * self.saving then return end
  checkpoint.save(self.path, self.o.state or {}, { epoch = self.epoch, step = self.step, seed = self.seed,
    items = self.n, batch = self.o.batch, stopped = self.stopped or false, rows = self.rows })
  self.kept, self.saved = self.epoch, clock()
  self.saving = self.saved - start
end

function Run:say(line)
  if self.o.log == false then return end
  if type(self.o.log) == "function" then self.o.log(line) else print(line) end
end

function Run:load()
  local base = require "lamina.core.base"
  if not (self.path and self.resume) or self.automatic and not base.exists(self.path) then return end
  local path = base.exists(self.path) and self.path or self.asked
  if not path or not base.exists(path) then
    self:say(string.format("resume: there is no %s yet; the run starts from the beginning%s", self.path,
      require("lamina.experiment").name() and " (--out FOLDER names the run to go on with)" or ""))
    return
  end
  local kept = checkpoint.load(path)
  local values = kept.values
  for _, check in ipairs { { "seed", self.seed }, { "items", self.n }, { "batch", self.o.batch } } do
    if values[check[1]] ~= check[2] then
      errors.raise("argument", self.position, "resume: %s was made with %s = %s, this run has %s", path, check[1],
        tostring(values[check[1]]), tostring(check[2]))
    end
  end
  if values.epoch > self.o.epochs then
    errors.raise("argument", self.position, "resume: %s holds the end of epoch %d, this run has epochs = %d; ask for "
      .. "at least %d, or start anew without resume", path, values.epoch, self.o.epochs, values.epoch)
  end
  checkpoint.restore(kept, self.o.state or {})
  self.epoch, self.step, self.stopped = values.epoch, values.step, values.stopped
  self.kept = self.epoch
  for i, row in ipairs(values.rows) do self.rows[i] = row end
end

-- Keeps the chain of calls of what was raised.
local function traced(value) return errors.from(value, debug.traceback("", 2)) end

-- Raises for a number that is not finite. The batch is run again, with every op looked at, to name the first that
-- gave it; what is kept to go on from is told below.
function Run:not_finite(what, b, draws, e)
  local op = (not e or not e.message:find("first", 1, true)) and M.first_bad_op(draws, self.o.each, b)
  local notes = e and e.notes or {}
  if self.path and self.kept then
    notes[#notes + 1] = string.format("  %s holds the end of epoch %d; resume = true goes on from it", self.path,
      self.kept)
  end
  local message = what .. (op and "; the first op that was not finite is " .. op or "")
  if not e then errors.raise_with(notes, "numeric", self.position, "%s", message) end
  e.message, e.notes = message, notes
  error(e, 0)
end

-- Runs one batch and returns its numbers.
function Run:do_batch(b, i)
  b.epoch, b.step, b.number = self.epoch, self.step, i
  local draws = core.draws()
  local ok, result = xpcall(self.o.each, traced, b)
  if not ok then
    if result.kind ~= "numeric" then error(result, 0) end
    local placed = result.message:find "epoch %d+, step %d+"
    self:not_finite(placed and result.message or string.format("%s (epoch %d, step %d)", result.message, self.epoch,
      self.step), b, draws, result)
  end
  local numbers = numbers_of(result, self.position)
  for name, value in pairs(numbers) do
    if bad(value) then
      self:not_finite(string.format("loop: '%s' is %s at epoch %d, step %d", name, M.bad_text(value), self.epoch,
        self.step), b, draws)
    end
  end
  return numbers
end

function Run:do_epoch()
  local clock = require("lamina.core.base").clock
  local start, means, i = clock(), new_means(), 0
  local order = self.o.shuffle and dataset.order(self.n, self.seed, self.epoch) or nil
  local label = string.format("epoch %d/%d", self.epoch, self.o.epochs)
  for b in dataset.batches(self.o.data, self.o.batch, order, { seed = self.seed, epoch = self.epoch }) do
    i, self.step = i + 1, self.step + 1
    local weight = #b
    local numbers = self:do_batch(b, i)
    if trace.on then trace.step(self.step, numbers, self.o.state) end
    means:add(numbers, weight)
    if b.release then b:release() end
    self.bar:update(self.step - self.first, label, function()
      local parts = {}
      for name, value in pairs(means:row()) do parts[#parts + 1] = name .. " " .. history.cell(name, value) end
      table.sort(parts)
      return table.concat(parts, "  ")
    end)
  end
  if order then order:release() end
  self:flush_optimizers()
  local row = means:row()
  row.epoch, row.step = self.epoch, self.step
  if self.o.after and self.o.after(row) == false then self.stopped = true end
  for _, object in pairs(self.o.state or {}) do
    if optim.is_optimizer(object) then object:observe(row) end
  end
  row.seconds = clock() - start
  self.rows[#self.rows + 1] = row
end

function Run:show(row)
  self.bar:clear()
  self:say(history.line(row, self.o.epochs))
end

function Run:go()
  while self.epoch < self.o.epochs and not self.stopped do
    self.epoch = self.epoch + 1
    self:do_epoch()
    self:save()
    self:show(self.rows[#self.rows])
  end
end

-- Where the checkpoint is written: a relative name is one in the experiment's folder; the folder of an absolute one
-- must be there.
local function checkpoint_path(name, position)
  local base, experiment = require "lamina.core.base", require "lamina.experiment"
  local parent = name:match "^(.*)/[^/]*$"
  local own = name:sub(1, 1) ~= "/" and experiment.name()
  if parent and parent ~= "" and not own and not base.isdir(parent) then
    errors.raise("io", position, "checkpoint: there is no folder '%s' to write %s into", parent, name)
  end
  return experiment.path(name)
end

--- Runs with options that have been checked; `position` is where errors point. Returns the history.
function M.run(o, position)
  local n = check_data(o, position)
  local run = setmetatable({ o = o, position = position, n = n, seed = o.seed or core.seed(), epoch = 0, step = 0,
    rows = history.new(), per_epoch = (n - 1) // o.batch + 1 }, Run)
  run.resume = o.resume
  require("lamina.experiment").keep_folder()
  if not o.checkpoint and not o.resume and o.state and next(o.state) then
    run.path, run.resume = require("lamina.experiment").next_checkpoint()
    run.path = run.path and require("lamina.experiment").path(run.path)
    run.automatic = run.path ~= nil
  elseif o.checkpoint then
    run.asked = o.checkpoint ~= true and o.checkpoint or nil
    run.path = checkpoint_path(run.asked or "checkpoint.safetensors", position)
  elseif o.resume then
    errors.raise("argument", position, "resume = true needs checkpoint = \"FILE\", the file to go on from")
  end
  trace.begin()
  run:plan_optimizers()
  run:load()
  run.first = run.step
  run.bar = progress.new(math.max(o.epochs * run.per_epoch - run.step, 1), o.log == false and false or nil)
  local ok, err = xpcall(run.go, traced, run)
  run.bar:clear()
  if not ok then error(err, 0) end
  return run.rows
end

--- loop { data =, batch = 64, epochs = 1, state = {...}, each = function(b) ... end, ... }: any training loop. `each`
-- is called with every batch and returns a table of losses and other numbers, whose means over the epoch make the
-- history. b has x, y, #b, epoch, step (counted over all epochs, from 1) and number (within the epoch). Returns
-- the history: one row per epoch.
-- > set = data.tensors { linspace(-1, 1, 64):reshape { 64, 1 } }
-- > w = zeros({ 1 }):requires_grad(true)
-- > opt = adam { rate = 0.1 }
-- > opt:attach { w }
-- > history = loop { data = set, batch = 16, epochs = 20, log = false, state = { opt },
-- >   each = function(b) return { loss = opt:step((b.x * w - 3 * b.x):square():mean()) } end }
-- > w:detach():round()   --> [3.]
function M.loop(given, ...)
  local position = errors.position(2)
  schema.alone("loop", "loop { data = set, epochs = 5, each = function(b) ... end }", position, ...)
  return M.run(schema.check("loop", given, M.fields, position), position)
end

return M
