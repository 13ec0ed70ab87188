--- evaluate: how well a model does on a data set.
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local errors = require "lamina.errors"
local goals = require "lamina.goals"
local metrics = require "lamina.metrics"
local models = require "lamina.model"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"

local M = {}

local Evaluation = { __name = "evaluation" }
Evaluation.__index = Evaluation

local function part_text(part)
  local text = string.format("loss %.4g", part.loss)
  if part.error then text = text .. string.format(", error %.2f %% (%d wrong)", 100 * part.error, part.wrong) end
  if part.top then text = text .. string.format(", top-%d error %.2f %%", part.top.k, 100 * part.top.error) end
  return text
end

Evaluation.__tostring = function(self)
  local lines = { string.format("%d items: %s%s", self.n, part_text(self),
    self.selected and ", selected: these data were used for a choice" or "") }
  for _, name in ipairs(self.order or {}) do
    lines[#lines + 1] = "  " .. name .. ": " .. part_text(self.goals[name])
  end
  return table.concat(lines, "\n")
end

local function add_rows(rows, part, prefix, what, label)
  local function add(metric, value)
    rows[#rows + 1] = { metric = prefix .. metric, value = value, what = what, label = label }
  end
  if part.error then add("error", part.error) end
  if part.top then add(string.format("top%d_error", part.top.k), part.top.error) end
  add("loss", part.loss)
end

--- The rows that report(score) notes: error (for labels) and loss; of several goals the total loss and then each
-- goal's, as category_error and category_loss.
function Evaluation:results()
  local what = string.format("%d items of %s%s", self.n, self.name, self.selected and ", selected" or "")
  local rows, label = {}, self.close and "close" or "exact"
  add_rows(rows, self, "", what, label)
  for _, name in ipairs(self.order or {}) do add_rows(rows, self.goals[name], name .. "_", what, label) end
  return rows
end

local FIELDS = schema.document("evaluate", {
  model = { type = "any", required = true, doc = "a model, or a function from a batch of inputs to outputs" },
  data = { type = "any", required = true, doc = "a data set" },
  loss = { type = { "string", "table", "function" },
    doc = "as in train, goals by name included; cross_entropy for labels, else mse" },
  top = { type = "integer", min = 1, doc = "for labels: also the error where the k largest outputs count as right" },
  batch = { type = "integer", default = 256, min = 1,
    doc = "items at a time; no result depends on it but the loss's last bits (and losses made on whole batches: "
    .. "correlation)" },
})

M.is_labels = goals.is_labels

--- How many rows of `output` have their largest value elsewhere than at the label; and the positions of the largest.
function M.wrong(output, labels)
  local guess = ops.argmax(output, { dim = 2 })
  local differs = ops.ne(guess, labels)
  local ones = ops.cast(differs, "int64")
  local sum = ops.sum(ones)
  local n = sum:item()
  differs:release()
  ones:release()
  sum:release()
  return n, guess
end

-- What is counted for one goal over the batches.
local function add_batch(count, output, target, o)
  if not M.is_labels(target) then return end
  local n, guess = M.wrong(output, target)
  count.confusion = count.confusion or metrics.new(output:size(2))
  count.confusion:add(guess, target)
  count.wrong = count.wrong + n
  if o.top then count.top = count.top + #target - metrics.count_top(output, target, o.top) end
  guess:release()
end

local function summary(count, n, o)
  local part = { loss = count.weight > 0 and count.total / count.weight or 0 }
  if not count.confusion then return part end
  local each = count.confusion:per_class()
  part.wrong, part.error, part.accuracy = count.wrong, count.wrong / n, 1 - count.wrong / n
  part.confusion, part.balanced, part.classes = count.confusion.counts, count.confusion:balanced(), each
  part.per_class, part.precision, part.f1 = each.recall, each.precision, each.f1
  if o.top then part.top = { k = o.top, error = count.top / n, accuracy = 1 - count.top / n } end
  return part
end

-- One readout and a data set with a tensor of targets: the loss follows from the targets.
local function default_loss(y)
  if core.is_tensor(y) or type(y) ~= "table" then return goals.is_labels(y) and "cross_entropy" or "mse" end
  local spec = {}
  for name, t in pairs(y) do spec[name] = goals.is_labels(t) and "cross_entropy" or "mse" end
  return spec
end

local function plan(o, y, position)
  local net = models.is_model(o.model) and o.model or nil
  local spec = o.loss or default_loss(y)
  if not o.loss and goals.is_table(spec) and net and #net.readouts == 1 then spec = spec[net.readouts[1].name] end
  if not o.loss and goals.is_table(spec) and net then
    for _, readout in ipairs(net.readouts) do spec[readout.name] = spec[readout.name] or false end
    for name in pairs(y) do
      if not net.blocks_by_name[name] then spec[name] = nil end
    end
  end
  return goals.make(spec, net, o.data.missing, "evaluate", position)
end

local function look(o, b, g, counts)
  local output = o.model(b.x)
  local _, each, weights = g:loss(output, b.y)
  local close = false
  for k in ipairs(g.list) do
    local c = counts[k]
    c.total, c.weight = c.total + each[k]:item() * weights[k], c.weight + weights[k]
    close = close or each[k].close
    each[k]:release()
    if not g.list[k].loss.pairs then add_batch(c, g:output(output, k), g:target(b.y, k), o) end
  end
  for _, t in pairs(core.is_tensor(output) and { output } or output) do
    if not rawequal(t, b.x) then t:release() end
  end
  return close
end

--- The same with options that have been checked.
function M.run(o, position)
  local n, close, g, counts = #o.data, false, nil, {}
  if n == 0 then errors.raise("argument", position, "evaluate: data holds no items") end
  core.no_grad(function()
    for b in dataset.batches(o.data, o.batch) do
      if not g then
        g = plan(o, b.y, position)
        g:check_targets(b.y, o.data.name or "data", position)
        for k in ipairs(g.list) do counts[k] = { total = 0.0, weight = 0, wrong = 0, top = 0 } end
      end
      close = look(o, b, g, counts) or close
      b:release()
    end
  end)
  local result = g.single and summary(counts[1], n, o) or { loss = 0, goals = {}, order = {} }
  result.n, result.selected, result.close, result.name = n, o.data.selected or nil, close, o.data.name or "data"
  for k, goal in ipairs(g.single and {} or g.list) do
    local part = summary(counts[k], n, o)
    result.goals[goal.name], result.order[k], result.loss = part, goal.name, result.loss + part.loss
  end
  return setmetatable(result, Evaluation)
end

--- evaluate { model =, data =, loss =, top =, batch = 256 }: n, loss (mean over items) and, for labels, error (part
-- of the items that is wrong), accuracy, wrong (their number), confusion (classes x classes, int64: true class by
-- given class), per_class (the accuracy of each class, its recall), precision and f1 of each class, balanced (the
-- mean of per_class), classes (a table of all this to print) and, with top = k, top.error and top.accuracy. Of a
-- model with several readouts, loss is the sum (of each times its weight in `loss`; 1 where that says nothing) and
-- goals.NAME holds all this for each. `selected` is true where the data have been used for a choice, such as which
-- weights to keep.
-- > net = model "m" { input { 4 }, readout "class" { dense { 3 } } }
-- > set = data.tensors { randn { 30, 4 }, randint(1, 3, { 30 }) }
-- > e = evaluate { model = net, data = set }
-- > e.n, e.confusion:sum()   --> 30 30
function M.evaluate(given, ...)
  local position = errors.position(2)
  schema.alone("evaluate", "evaluate { model = net, data = set }", position, ...)
  return M.run(schema.check("evaluate", given, FIELDS, position), position)
end

return M
