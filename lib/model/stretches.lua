--- A model's layers in stretches, for the option `recompute`: what a stretch keeps for backward is dropped and
-- computed again when backward comes (lib/grad.lua, checkpointed). n layers in sqrt(n) stretches need memory for
-- about 2 sqrt(n) of them, and one more forward pass. A stretch begins where one value alone is still needed:
-- between the blocks of a residual network, say, and not within one.
local grad = require "lamina.grad"
local layer = require "lamina.layer"

local M = {}

-- For each entry, the value that it gives, where that is the only one which later entries need; else false. Stops at
-- the first entry that is asked for from outside.
local function places(entries, port, wanted)
  local last, open, cuts = {}, {}, {}
  for i, entry in ipairs(entries) do
    for _, source in ipairs(entry.node.sources) do last[source] = i end
  end
  local alive = last[port] and 1 or 0
  open[port] = last[port] ~= nil
  for i, entry in ipairs(entries) do
    if wanted[entry.gives] then break end
    if last[entry.gives] then open[entry.gives], alive = true, alive + 1 end
    for _, source in ipairs(entry.node.sources) do
      if open[source] and last[source] == i then open[source], alive = false, alive - 1 end
    end
    cuts[i] = alive == 1 and open[entry.gives] and entry.gives or false
  end
  return cuts
end

--- The stretches { first =, last =, from =, to = } of a list of entries { node =, gives = }: from and to are the
-- nodes whose outputs go in and come out. count: how many, or true for the square root of the number of entries.
-- What comes after the last place where one can end, and what is in `wanted`, stands in none.
function M.of(entries, port, wanted, count)
  local cuts, total, list = places(entries, port, wanted), 0, {}
  local size = {}
  for i in ipairs(cuts) do
    size[i] = layer.elements(entries[i].gives.output)
    total = total + size[i]
  end
  local share = total / (count == true and math.max(1, math.floor(math.sqrt(#cuts) + 0.5)) or count)
  local first, from, held = 1, port, 0
  for i, node in ipairs(cuts) do
    held = held + size[i]
    if node and held >= 0.999 * share then
      list[#list + 1] = { first = first, last = i, from = from, to = node }
      first, from, held = i + 1, node, 0
    end
  end
  return list
end

--- Runs a stretch on the value that goes in; run(values, first, last) computes its entries into a table of values by
-- node. Returns what comes out.
function M.run(stretch, x, run)
  return grad.checkpointed(function(input)
    local values = { [stretch.from] = input }
    run(values, stretch.first, stretch.last, input)
    return values[stretch.to]
  end, x)
end

return M
