--- What a model with feedback, laterals or delays keeps from one batch to the next, and where gradients through time
-- are cut.
--
-- stateful = true: what lies before the first step is what the last steps of the batch before gave, without a way
-- back for gradients, instead of zero. Training and evaluation each have a state of their own. It belongs to the run
-- and not to the weights: net:save and net:clone leave it out, checkpoints keep it, net:reset_state() begins anew.
--
-- truncate = k: gradients do not pass from step k + 1 to step k, from 2 k + 1 to 2 k, and so on (truncated
-- back-propagation through time); values are the same.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"

local M = {}

--- "training" or "evaluation": whose state it is.
function M.mode(training) return training and "training" or "evaluation" end

--- Whether a model, or one of its layers, goes on where the batch before ended.
function M.any(net)
  if net.stateful then return true end
  for _, node in ipairs(net.nodes) do
    if node.options.stateful then return true end
  end
  return false
end

--- Raises where a batch of n items (`what`, "item" or "sequence") meets a state of others; `name` is who holds it.
function M.check_count(name, what, had, n, level)
  if had and had ~= n then
    errors.raise("shape", errors.position(level + 1), "%s: the batch has %d %s%s, but the state carried over is "
      .. "that of %d; net:reset_state() begins anew", name, n, what, n == 1 and "" or "s", had)
  end
end

-- Who looks back: the input, where an area sees it with a delay, and the nodes that are looked back at.
local function holders(net)
  local list = net.input_reach > 0 and { net.port } or {}
  return table.move(net.reached, 1, #net.reached, #list + 1, list)
end

--- Puts the state before the first step of a run.
function M.begin(run)
  local net = run.net
  if not net.stateful then return end
  if core.recomputing() then
    errors.raise("argument", errors.position(3), "%s: a model with stateful = true cannot be run again, as "
      .. "`checkpointed` does", net.name)
  end
  for _, node in ipairs(holders(net)) do
    local list = node.carried and node.carried[M.mode(run.training)]
    M.check_count(net.name, "item", list and list[1].shape[1], run.n, 3)
    for back, y in ipairs(list or {}) do
      run.past[node] = run.past[node] or {}
      run.past[node][1 - back] = y
      run.live[y] = math.huge -- it is the model's, not the run's
    end
  end
end

--- Cuts the way back for gradients in front of step t, where it is time.
function M.cut(run, t)
  local every = run.net.truncate
  if not every or t == 1 or (t - 1) % every ~= 0 then return end
  for _, node in ipairs(run.net.reached) do
    for at, y in pairs(run.past[node] or {}) do
      local constant = y:detach()
      run.live[constant] = 1
      run.past[node][at] = constant
      run.let_go(y)
    end
  end
end

--- Keeps what the next batch begins with.
function M.finish(run)
  local net = run.net
  if not net.stateful or run.ctx.look then return end
  local mode = M.mode(run.training)
  for _, node in ipairs(holders(net)) do
    local list = {}
    for back = 1, net.reach[node] or net.input_reach do
      local t = run.steps + 1 - back
      local y = node == net.port and t >= 1 and run.frame(t) or run.past[node] and run.past[node][t]
      if not y then break end
      list[back] = y:detach()
    end
    node.carried = node.carried or {}
    node.carried[mode] = #list > 0 and list or nil
  end
end

--- visit(name, tensor) for every tensor of the state, and take(name, tensor), which puts one back: whether it is one.
function M.each(net, visit)
  for _, node in ipairs(holders(net)) do
    for _, mode in ipairs { "training", "evaluation" } do
      for back, y in ipairs(node.carried and node.carried[mode] or {}) do
        visit(string.format("%s#%s.%d", node.name or "input", mode, back), y)
      end
    end
  end
end

function M.take(net, full, t)
  local name, mode, back = full:match "^(.*)#(%a+)%.(%d+)$"
  local node = name and (net.nodes_by_name[name] or name == "input" and net.port)
  if not node then return false end
  node.carried = node.carried or {}
  node.carried[mode] = node.carried[mode] or {}
  node.carried[mode][math.tointeger(back)] = t
  return true
end

--- Forgets it.
function M.reset(net)
  for _, node in ipairs(holders(net)) do node.carried = nil end
end

return M
