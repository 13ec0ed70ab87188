--- The weights that were best on the validation data: those with the lowest error (the lowest loss where there is no
-- error, or between equal errors); of several goals those with the lowest total loss, or best at the goal that `keep`
-- names.
local M = {}

local Best = {}
Best.__index = Best

--- goals: what is judged; keep: "best", or the name of a goal.
function M.new(goals, keep)
  local prefix = keep == "best" and "valid_" or "valid_" .. keep .. "_"
  return setmetatable({ loss_column = prefix .. "loss",
    error_column = (goals.single or keep ~= "best") and prefix .. "error" or nil }, Best)
end

local function better(loss, wrong, best)
  if not best.loss then return true end
  if wrong and wrong ~= best.error then return wrong < best.error end
  return loss < best.loss
end

--- Keeps the model's weights if this row of the history is the best so far.
function Best:look(net, row)
  local loss, wrong = row[self.loss_column], self.error_column and row[self.error_column]
  if not better(loss, wrong, self) then return end
  self.loss, self.error, self.epoch, self.weights = loss, wrong, row.epoch, net:snapshot()
end

function Best:state()
  return { tensors = self.weights or {}, values = { loss = self.loss, error = self.error, epoch = self.epoch } }
end

function Best:restore(state)
  self.loss, self.error, self.epoch = state.values.loss, state.values.error, state.values.epoch
  self.weights = next(state.tensors) and state.tensors or nil
end

return M
