--- evaluate: how well a model does on a data set.
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local errors = require "lamina.errors"
local losses = require "lamina.loss"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"

local M = {}

local Evaluation = { __name = "evaluation" }
Evaluation.__index = Evaluation

Evaluation.__tostring = function(self)
  local parts = { string.format("%d items: loss %.4g", self.n, self.loss) }
  if self.error then
    parts[#parts + 1] = string.format("error %.2f %% (%d wrong)", 100 * self.error, self.wrong)
  end
  if self.selected then parts[#parts + 1] = "selected: these data were used for a choice" end
  return table.concat(parts, ", ")
end

--- The rows that report(score) notes: error (for labels) and loss.
function Evaluation:results()
  local what = string.format("%d items of %s%s", self.n, self.name, self.selected and ", selected" or "")
  local label = self.close and "close" or "exact"
  local rows = { { metric = "loss", value = self.loss, what = what, label = label } }
  if self.error then
    table.insert(rows, 1, { metric = "error", value = self.error, what = what, label = label })
  end
  return rows
end

local FIELDS = schema.document("evaluate", {
  model = { type = "any", required = true, doc = "a model, or a function from a batch of inputs to outputs" },
  data = { type = "any", required = true, doc = "a data set" },
  loss = { type = { "string", "table", "function" }, doc = "as in train; cross_entropy for labels, else mse" },
  batch = { type = "integer", default = 256, min = 1,
    doc = "items at a time; no result depends on it but the loss's last bits" },
})

--- Whether targets are class labels.
function M.is_labels(y) return core.is_tensor(y) and y.dtype == "int64" and y.ndim == 1 end

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

local function count_confusion(table_, guess, labels)
  local g, y = guess:totable(), labels:totable()
  for i = 1, #y do table_[y[i]][g[i]] = table_[y[i]][g[i]] + 1 end
end

local function new_confusion(n)
  local rows = {}
  for i = 1, n do
    rows[i] = {}
    for k = 1, n do rows[i][k] = 0 end
  end
  return rows
end

--- The same with options that have been checked.
function M.run(o, position)
  local n, wrong, total, close, rows = #o.data, 0, 0.0, false, nil
  if n == 0 then errors.raise("argument", position, "evaluate: data holds no items") end
  local loss
  core.no_grad(function()
    for b in dataset.batches(o.data, o.batch) do
      local labels = M.is_labels(b.y)
      loss = loss or losses.make(o.loss or (labels and "cross_entropy" or "mse"), position)
      local output = o.model(b.x)
      local value = loss(output, b.y)
      total = total + value:item() * #b
      close = close or value.close
      value:release()
      if labels then
        local count, guess = M.wrong(output, b.y)
        rows = rows or new_confusion(output:size(2))
        count_confusion(rows, guess, b.y)
        wrong = wrong + count
        guess:release()
      end
      if not rawequal(output, b.x) then output:release() end
      b:release()
    end
  end)
  local result = { n = n, loss = total / n, selected = o.data.selected or nil, close = close,
    name = o.data.name or "data" }
  if rows then
    result.wrong, result.error, result.accuracy = wrong, wrong / n, 1 - wrong / n
    result.confusion = core.tensor(rows, { dtype = "int64" })
  end
  return setmetatable(result, Evaluation)
end

--- evaluate { model =, data =, loss =, batch = 256 }: n, loss (mean over items) and, for labels, error (part of the
-- items that is wrong), accuracy, wrong (their number) and confusion (classes x classes, int64: true class by given
-- class). `selected` is true where the data have been used for a choice, such as which weights to keep.
function M.evaluate(given, ...)
  local position = errors.position(2)
  schema.alone("evaluate", "evaluate { model = net, data = set }", position, ...)
  return M.run(schema.check("evaluate", given, FIELDS, position), position)
end

return M
