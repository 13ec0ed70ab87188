--- The forward pass of a checked model. Results of layers are given back as soon as nothing needs them; what backward
-- needs is held by the tape. A convolution or dense layer directly followed by relu runs as one op, unless its own
-- output is asked for; both ways give the same bits.
local M = {}

--- For each node, the name of the activation that it can take over from the node after it; once per model.
function M.prepare(net)
  for _, block in ipairs(net.blocks) do
    for i, node in ipairs(block.nodes) do
      local following = block.nodes[i + 1]
      if following and node.layer.fuses and node.layer.fuses == following.layer.full then
        node.fuse = following.layer.full
      end
    end
  end
  net.uses = {}
  for _, block in ipairs(net.blocks) do
    local source = block.source and block.source.name or "input"
    net.uses[source] = (net.uses[source] or 0) + 1
  end
end

-- Counts how many places still need a tensor, and releases it when the last one lets go. Layers may return their
-- input itself, so the count is by tensor.
local function hold(live, t) live[t] = (live[t] or 0) + 1 end

local function let_go(live, t)
  live[t] = live[t] - 1
  if live[t] == 0 then t:release() end
end

-- One layer (or two, fused): its output, and how many nodes that was.
local function run_node(block, i, x, ctx, wanted)
  local node = block.nodes[i]
  ctx.purpose = node.name
  if node.fuse and not wanted[node.name] then
    return node.layer.apply(node.options, node.params, x, ctx, node.fuse), 2
  end
  return node.layer.apply(node.options, node.params, x, ctx), 1
end

local function run_block(block, x, ctx, wanted, live, found)
  local i = 1
  while i <= #block.nodes do
    local y, n = run_node(block, i, x, ctx, wanted)
    hold(live, y)
    local name = block.nodes[i + n - 1].name
    if ctx.watch then ctx.watch(block.nodes[i], y) end
    if wanted[name] then
      found[name] = y
      hold(live, y)
    end
    let_go(live, x)
    x, i = y, i + n
  end
  return x
end

--- Runs a batch x through the model. ctx: { training =, step =, seed =, watch = }. wanted: layer and area names to
-- keep, as a set. Returns the outputs by readout (by the last area where there is no readout), and what was wanted.
function M.run(net, x, ctx, wanted)
  local live, values, found, left = { [x] = math.huge }, { input = x }, {}, {}
  for source, n in pairs(net.uses) do left[source] = n end
  local outputs = {}
  for _, block in ipairs(net.blocks) do
    local source = block.source and block.source.name or "input"
    local input = values[source]
    left[source] = left[source] - 1
    if left[source] > 0 then hold(live, input) end
    local y = run_block(block, input, ctx, wanted, live, found)
    values[block.name] = y
    if wanted[block.name] then
      found[block.name] = y
      hold(live, y)
    end
    if not left[block.name] then outputs[block.name] = y end
  end
  return outputs, found
end

return M
