--- The forward pass of a checked model. Results of layers are given back as soon as nothing needs them; what backward
-- needs is held by the tape. A convolution or dense layer directly followed by relu runs as one op, unless its own
-- output is asked for; both ways give the same bits.
--
-- A model of T steps runs its graph T times, but for the layers to which nothing comes back: with a constant input
-- they run once. Within a step, layers run in the model's order, so that an area sees
-- what the areas before it make of this very step (or, with a delay, what they made of an earlier one). What lies
-- before the first step is zero, and a connection brings nothing until something has had the time to arrive.
local carried = require "lamina.model.carried"
local ops = require "lamina.core.ops"
local profile = require "lamina.core.profile"
local stretches = require "lamina.model.stretches"
local tensor = require "lamina.core.tensor"

local M = {}

-- ---- what runs -------------------------------------------------------------------------------------------------

-- How many layers read each one's output; and the same without connections, which lead back.
local function count_readers(net)
  local readers, onward = {}, {}
  for _, node in ipairs(net.order) do
    for _, source in ipairs(node.sources) do
      readers[source] = (readers[source] or 0) + 1
      if not node.block.connection then onward[source] = (onward[source] or 0) + 1 end
    end
  end
  return readers, onward
end

-- Layers that give the same at every step of a constant input: nothing before them looks back in time, draws at
-- random or follows the batch. They run once.
local function mark_steady(net)
  for _, node in ipairs(net.order) do
    local steady = #node.buffer_list == 0 and not node.layer.varies and not node.block.connection
    for i, source in ipairs(node.sources) do
      steady = steady and (node.delays[i] or 0) == 0 and (source.port or source.steady or false)
    end
    node.steady = steady
  end
end

-- The names of the outputs by the nodes that give them, where a pass is one step and nothing looks back; else nil.
local function plain_outputs(net)
  local names = {}
  local plain = not net.steps and not net.stateful and #net.reached == 0 and net.input_reach == 0
  for _, node in ipairs(net.order) do plain = plain and not node.block.connection end
  for _, block in ipairs(net.outputs) do
    plain = plain and not names[block.last] and (block.kind ~= "readout" or block.o.steps == "last")
    names[block.last] = block.name
  end
  return plain and names or nil
end

--- Once per model: which nodes can do the activation after them, the outputs, and how far back each node is looked
-- at.
function M.prepare(net)
  local readers, onward = count_readers(net)
  local last_of = {}
  for _, block in ipairs(net.blocks) do last_of[block.last] = true end
  net.outputs, net.reach, net.reached, net.input_reach = {}, {}, {}, 0
  for _, block in ipairs(net.blocks) do
    local out = block.kind == "readout" or #net.readouts == 0 and block.kind == "area" and not onward[block.last]
    if out then net.outputs[#net.outputs + 1] = block end
  end
  for _, node in ipairs(net.order) do
    for i, source in ipairs(node.sources) do
      local delay = node.delays[i] or 0
      if source.port then net.input_reach = math.max(net.input_reach, delay) end
      if delay > 0 and not source.port then
        if not net.reach[source] then net.reached[#net.reached + 1] = source end
        net.reach[source] = math.max(net.reach[source] or 0, delay)
      end
    end
  end
  for i, following in ipairs(net.order) do
    local node = following.sources[1]
    local fits = #following.sources == 1 and net.order[i - 1] == node and readers[node] == 1 and not last_of[node]
    if fits and not net.reach[node] and node.layer.fuses and node.layer.fuses == following.layer.full then
      node.fuse = following
    end
  end
  mark_steady(net)
  net.plan = nil
  net.plain = plain_outputs(net)
end

-- The nodes that those of a list need, at any step, as a set.
local function needed(roots)
  local set, list = {}, table.move(roots, 1, #roots, 1, {})
  while #list > 0 do
    local node = table.remove(list)
    if not set[node] then
      set[node] = true
      for _, source in ipairs(node.sources or {}) do list[#list + 1] = source end
    end
  end
  return set
end

-- Entries { node, gives } in order, and how many entries of the same step read what each node gives.
local function entries_of(net, set, apart)
  local list, uses = {}, {}
  local skip
  for _, node in ipairs(net.order) do
    if set[node] and node ~= skip then
      local gives = node
      if node.fuse and not apart[node] and not apart.all then gives, skip = node.fuse, node.fuse end
      list[#list + 1] = { node = node, gives = gives, activation = gives ~= node and gives.layer.full or nil }
      for i, source in ipairs(node.sources) do
        if (node.delays[i] or 0) == 0 then uses[source] = (uses[source] or 0) + 1 end
      end
    end
  end
  return { list = list, uses = uses }
end

-- What runs at the last step and at those before it, where readouts run only if they are asked for.
local function plan_of(net, outputs, wanted, watched)
  local last, early, apart = {}, {}, { all = watched or nil }
  for _, block in ipairs(outputs) do
    last[#last + 1] = block.last
    if block.kind ~= "readout" or block.o.steps ~= "last" then early[#early + 1] = block.last end
  end
  for _, want in ipairs(wanted) do
    apart[want.node], last[#last + 1] = true, want.node
    if want.time ~= "last" then early[#early + 1] = want.node end
  end
  local at_last = needed(last)
  for _, node in ipairs(net.order) do
    if at_last[node] and node.block.kind ~= "readout" then early[#early + 1] = node end
  end
  return { last = entries_of(net, at_last, apart), early = entries_of(net, needed(early), apart) }
end

-- ---- one pass --------------------------------------------------------------------------------------------------

-- Counts how many places still need a tensor, and releases it when the last one lets go. Layers may return their
-- input itself, so the count is by tensor.
local function hold(live, t, n) live[t] = (live[t] or 0) + n end

local function let_go(live, t)
  live[t] = live[t] - 1
  if live[t] == 0 then t:release() end
end

local function zeros_like(run, shape)
  local size = { run.n }
  table.move(shape, 1, #shape, 2, size)
  return tensor.zeros(size, { dtype = run.dtype })
end

-- What source i of a node gives at this step; nil where a connection brings nothing yet.
local function value_of(run, node, i, t)
  local source, delay = node.sources[i], node.delays[i] or 0
  if delay == 0 then return run.values[source] end
  local past = run.past[source]
  local value = past and past[t - delay]
  if value then return value end
  if source.port and t - delay >= 1 then return run.frame(t - delay) end
  if node.block.connection then return nil end
  value = zeros_like(run, source.output)
  hold(run.live, value, math.huge)
  return value
end

local function inputs_of(run, node, t)
  local x = value_of(run, node, 1, t)
  if not (node.layer.merges or node.layer.reads) or x == nil then return x end
  local xs = { x }
  for i = 2, #node.sources do xs[i] = value_of(run, node, i, t) end
  return xs
end

local function apply(run, entry, x, t)
  local node, ctx = entry.node, run.ctx
  ctx.purpose = t == 1 and node.name or node.name .. "@" .. t
  ctx.training = run.training and not node.frozen
  ctx.node, ctx.time = node, t
  if run.profiled then profile.layer(node.name) end
  local y = node.layer.apply(node.options, node.held, x, ctx, entry.activation)
  if run.profiled then profile.layer() end
  return y
end

-- The same, kept for the steps after the first where it stays the same.
local function once(run, entry, x, t)
  if not run.constant or not entry.gives.steady then return apply(run, entry, x, t) end
  local y = run.steady[entry.gives]
  if not y then
    y = apply(run, entry, x, t)
    hold(run.live, y, 1)
    run.steady[entry.gives] = y
    run.kept[#run.kept + 1] = y
  end
  return y
end

-- Keeps what is asked for and what later steps look back at; returns how many places hold it.
local function keep(run, entry, y, t)
  local node, n = entry.gives, 0
  for _, want in ipairs(run.wanted[node] or {}) do
    if want.time == t or want.time == "every" or want.time == "last" and t == run.steps then
      if want.store then want.store(y, t) else run.found[want.name] = y end
      n = n + 1
    end
  end
  local reach = run.net.reach[node]
  if reach then
    run.past[node] = run.past[node] or {}
    run.past[node][t] = y
    n = n + 1
  end
  return n
end

-- Lets go of what lies further back than anything looks.
local function forget(run, t)
  for _, node in ipairs(run.net.reached) do
    local past, old = run.past[node], t - run.net.reach[node]
    if past and past[old] then
      let_go(run.live, past[old])
      past[old] = nil
    end
  end
end

-- The same values, without a way back for gradients. What came in, or is kept for later steps, stays.
local function stopped(run, y, x)
  local detached = y:detach()
  if not rawequal(y, x) and not run.live[y] then y:release() end
  return detached
end

-- Runs entries first to last of one time step.
local function step(run, part, t, first, last)
  local live, values = run.live, run.values
  for i = first or 1, last or #part.list do
    local entry = part.list[i]
    local node = entry.node
    local x = inputs_of(run, node, t)
    if x ~= nil then
      local y = once(run, entry, x, t)
      if run.ctx.watch then run.ctx.watch(node, x, y, t) end
      if run.ctx.stop and run.ctx.stop[entry.gives] then y = stopped(run, y, x) end
      hold(live, y, (part.uses[entry.gives] or 0) + keep(run, entry, y, t))
      if live[y] == 0 then y:release() end
      values[entry.gives] = y
      for k, source in ipairs(node.sources) do
        local value = (node.delays[k] or 0) == 0 and values[source]
        if value then let_go(live, value) end
      end
    end
  end
end

-- The same where the model has recompute: stretch by stretch, then what stands in none. What goes into a stretch is
-- not let go, since backward runs the stretch again on it.
local function step_in_stretches(run, part)
  part.stretches = part.stretches or stretches.of(part.list, run.net.port, run.wanted, run.net.recompute)
  local done = 0
  local function within(values, first, last, input)
    step(setmetatable({ values = values, live = { [input] = math.huge } }, { __index = run }), part, 1, first, last)
  end
  for _, stretch in ipairs(part.stretches) do
    local y = stretches.run(stretch, run.values[stretch.from], within)
    run.values[stretch.from], run.values[stretch.to], run.live[y] = nil, y, math.huge
    done = stretch.last
  end
  step(run, part, 1, done + 1)
end

-- Whether a pass goes in stretches: where gradients are wanted and nothing looks at the layers.
local function in_stretches(run, wanted)
  return run.net.recompute and #wanted == 0 and not run.ctx.watch and not run.ctx.stop and tensor.grad_enabled()
end

-- ---- outputs over time -----------------------------------------------------------------------------------------

-- Adds what each step gives, or lists it.
local function gather(block, run)
  if block.kind ~= "readout" or block.o.steps == "last" then
    return { name = block.name, time = "last", store = function(y) run.outputs[block.name] = y end }
  end
  local list = {}
  run.gathered[#run.gathered + 1] = { block = block, list = list }
  return { name = block.name, time = "every", store = function(y) list[#list + 1] = y end }
end

local function release_all(run, list)
  for _, t in ipairs(list) do let_go(run.live, t) end
end

local function finish_gathered(run)
  for _, g in ipairs(run.gathered) do
    local y
    if g.block.o.steps == "all" then
      y = ops.stack(g.list, { dim = 2 })
    else
      local sum = g.list[1]
      for i = 2, #g.list do
        local before = sum
        sum = ops.add(before, g.list[i])
        if i > 2 then before:release() end
      end
      y = sum * (1 / #g.list)
      if #g.list > 1 then sum:release() end
    end
    release_all(run, g.list)
    run.outputs[g.block.name] = y
  end
end

local function new_run(net, x, ctx)
  local sequence = x.ndim == #net.input + 2
  local run = { net = net, ctx = ctx, training = ctx.training, live = {}, values = {}, past = {}, wanted = {},
    found = {}, outputs = {}, gathered = {}, n = x.shape[1], dtype = x.dtype }
  run.steady, run.kept, run.profiled = {}, {}, profile.running()
  run.steps = ctx.steps or sequence and x.shape[2] or net.steps or 1
  run.constant = not sequence and run.steps > 1
  local frames = {}
  function run.frame(t)
    if not sequence then return x end
    frames[t] = frames[t] or ops.select(x, { dim = 2, index = t })
    return frames[t]
  end
  run.live[x] = math.huge
  function run.let_go(t) let_go(run.live, t) end
  return run
end

local function want(run, node, entry)
  run.wanted[node] = run.wanted[node] or {}
  table.insert(run.wanted[node], entry)
end

-- The plan of a plain pass is made once.
local function plan_for(net, ctx, outputs, wanted)
  if #wanted > 0 or ctx.watch then return plan_of(net, outputs, wanted, ctx.watch ~= nil) end
  net.plan = net.plan or plan_of(net, outputs, wanted, false)
  return net.plan
end

-- A plain pass: what `step` does at the only step, where nobody looks and nothing is kept but the outputs.
local function run_plain(net, x, ctx)
  local plan = net.plan or plan_for(net, ctx, net.outputs, {})
  local part, names, training = plan.last, net.plain, ctx.training
  local live, values, outputs = { [x] = math.huge }, { [net.port] = x }, {}
  for _, entry in ipairs(part.list) do
    local node, gives, sources = entry.node, entry.gives, entry.node.sources
    local layer, input = node.layer, values[sources[1]]
    if layer.merges or layer.reads then
      input = {}
      for i, source in ipairs(sources) do input[i] = values[source] end
    end
    ctx.purpose, ctx.training, ctx.node, ctx.time = node.name, training and not node.frozen, node, 1
    local y = layer.apply(node.options, node.held, input, ctx, entry.activation)
    local uses, name = part.uses[gives] or 0, names[gives]
    if name then uses, outputs[name] = uses + 1, y end
    hold(live, y, uses)
    if live[y] == 0 then y:release() end
    values[gives] = y
    for _, source in ipairs(sources) do let_go(live, values[source]) end
  end
  return outputs, {}
end

--- Runs a batch x through the model. ctx: { training =, step =, seed =, watch =, stop =, steps = }.
-- stop: a set of nodes whose outputs gradients do not pass. watch(node, x, y, t) sees every layer's input (a list of
-- them where it joins branches) and output at each time step; what it keeps it must detach or clone, since the runner
-- releases both.
-- wanted: a list of { node =, name =, time = } whose outputs to keep, time being a step or "last". only: leave out
-- what they do not need.
-- Returns the outputs by readout (by the areas that nothing reads where there is no readout), and what was wanted by
-- name.
function M.run(net, x, ctx, wanted, only)
  local looked_at = ctx.watch or ctx.stop or profile.running()
  if net.plain and #wanted == 0 and not (looked_at or only or net.recompute) then
    return run_plain(net, x, ctx)
  end
  local run, outputs = new_run(net, x, ctx), only and {} or net.outputs
  for _, w in ipairs(wanted) do want(run, w.node, w) end
  for _, block in ipairs(outputs) do want(run, block.last, gather(block, run)) end
  local plan = plan_for(net, ctx, outputs, wanted)
  carried.begin(run)
  for t = 1, run.steps do
    carried.cut(run, t)
    run.values = { [net.port] = run.frame(t) }
    run.live[run.frame(t)] = math.huge
    if in_stretches(run, wanted) then
      step_in_stretches(run, plan.last)
    else
      step(run, t == run.steps and plan.last or plan.early, t)
    end
    forget(run, t)
  end
  carried.finish(run)
  for _, node in ipairs(net.reached) do
    for t = run.steps - net.reach[node] + 1, run.steps do
      local y = run.past[node] and run.past[node][t]
      if y then let_go(run.live, y) end
    end
  end
  release_all(run, run.kept)
  finish_gathered(run)
  return run.outputs, run.found
end

return M
