--- Batches: an epoch's items in order, a batch at a time, prepared ahead by loader threads where the runtime does the
-- work (decoding pictures, resizing, augmentation). What a batch holds depends on (seed, epoch, item) alone, never on
-- the number of threads.
local core = require "lamina.core.data"
local errors = require "lamina.errors"
local merged = require "lamina.merged"
local schema = require "lamina.schema"
local sets = require "lamina.data.set"
local targets = require "lamina.data.targets"
local tensor = require "lamina.core.tensor"

local M = {}

local Set = sets.methods

--- The order in which an epoch visits n items: int64, a draw for (seed, "shuffle", epoch).
function M.order(n, seed, epoch)
  return tensor.draw { kind = "permutation", shape = { n }, seed = seed, purpose = "shuffle", step = epoch }
end

local function pick(t, index) return t:index_select(index, { dim = 1 }) end

-- Batches through a loader: it gives the inputs of each batch in turn, targets and the script's steps come here.
local function loaded(set, size, order, where)
  local positions, rows = sets.rows_of(set, order, where)
  local steps, rest = sets.leading(set)
  local loader = core.load { source = set.source, steps = steps, rows = rows, batch = size, seed = where.seed,
    epoch = where.epoch, threads = where.threads, ahead = where.ahead }
  local n, at = #order, 1
  local function next_batch()
    if at > n then return end
    local last = math.min(at + size - 1, n)
    local x = loader:next()
    local part = { { at, last } }
    local index, here = order[part], positions[part]
    x = sets.run_steps(set, x, rows[part], where, rest)
    at = last + 1
    return sets.make_batch { x = x, y = targets.map(set.y, function(t) return pick(t, here) end), index = index,
      n = #index }
  end
  return next_batch, nil, nil, loader
end

-- Batches asked for one by one.
local function plain(set, size, order, where)
  local n, at = #set, 1
  return function()
    if at > n then return end
    local last = math.min(at + size - 1, n)
    local b = set:batch(order[{ { at, last } }], where)
    at = last + 1
    return b
  end
end

--- The batches of one epoch of anything with # and :batch(indices): an iterator for `for`. order: an int64 tensor of
-- positions, or nil for the natural order; where: { seed =, epoch =, threads =, ahead = }, for what is drawn at
-- random and who works ahead.
function M.batches(set, size, order, where)
  order = order or tensor.arange(1, #set)
  where = { seed = where and where.seed or tensor.seed(), epoch = where and where.epoch or 1,
    threads = where and where.threads or rawget(set, "threads") or 1, ahead = where and where.ahead }
  if sets.is_set(set) and set.source and sets.leading(set) then return loaded(set, size, order, where) end
  return plain(set, size, order, where)
end

local BATCHES = schema.document("batches", {
  batch = { type = "integer", default = 64, min = 1, doc = "items in a batch; the last one may be smaller" },
  shuffle = { type = "boolean", default = false, doc = "whether the order is drawn anew, keyed by seed and epoch" },
  epoch = { type = "integer", default = 1, min = 1, doc = "which order, and which augmentation" },
  seed = { type = "integer", doc = "of what is drawn; the experiment's if absent" },
  threads = { type = "integer", min = 0, max = 64, doc = "loader threads that decode and augment the next batches; "
    .. "0: "
    .. "each batch when it is asked for; the set's if absent (set:loading, 1)" },
  ahead = { type = "integer", min = 1, max = 1024, doc = "how many batches may lie ready; threads + 1 if absent" },
})

--- set:batches { batch = 64, shuffle = false, epoch = 1, seed =, threads = 1, ahead = }: an iterator over batches:
-- for b in set:batches { batch = 64, shuffle = true } do ... end. Pictures and augmentation are prepared ahead by
-- loader threads; the batches are the same, bit for bit, with any number of them.
-- > set = data.tensors { randn { 10, 4 } }
-- > sizes = {}
-- > for b in set:batches { batch = 4 } do sizes[#sizes + 1] = #b end
-- > sizes   --> { 4, 4, 2 }
function Set:batches(given)
  local o = schema.check("batches", given or {}, BATCHES, errors.position(2))
  local seed = o.seed or tensor.seed()
  return M.batches(self, o.batch, o.shuffle and M.order(self.n, seed, o.epoch) or nil, { seed = seed, epoch = o.epoch,
    threads = o.threads, ahead = o.ahead })
end

--- set:loading(threads): the same set, read by this many loader threads wherever it is used; without it by 1, 0:
-- none.
-- > for i = 1, 3 do image.write { "faces/" .. i .. ".png", rand { 1, 8, 8 } } end
-- > set = data.images({ "faces" }):loading(2)   -- two threads read the next batches ahead
-- > set:batch({ 1, 3 }).x.shape   --> { 2, 1, 8, 8 }
function Set:loading(threads)
  local position = errors.position(2)
  if math.type(threads) ~= "integer" or threads < 0 or threads > 64 then
    errors.raise("argument", position, "loading: threads is %s, expected a whole number from 0 to 64",
      tostring(threads))
  end
  local parts = merged(self)
  parts.threads = threads
  return sets.make(parts)
end

return M
