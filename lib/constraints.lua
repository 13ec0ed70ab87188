--- Constraints: what weights must be after every update, whatever made it.
--
--   train { constraints = { { "norm", max = 1, of = "V1" }, { "non_negative", of = "neurons" } }, ... }
--   conv { 16, kernel = 5, constraint = "non_negative" }
--   area "V1" { constraint = { "sign", "positive" }, ... }
--   net:constrain("V1", { "mask", m })
--
--   "non_negative", "non_positive"   weights below (above) 0 become 0
--   { "sign", "positive" | "negative" | s, by = "weight" }   the same by weight: s holds 1, -1, or 0 where a weight
--       is free, and has the weight's shape or one that spreads over it; by = "input": one number for each input unit
--       (channel), by = "unit": for each unit that the weights lead to
--   { "mask", m }                    weights where m is 0 are 0
--   { "sum", value, method = "shift" | "scale" }   the weights of each unit sum to value: the same is added to each
--       (Miller & MacKay 1994, subtractive; together with "non_negative", to each that does not come to 0 by it,
--       which gives the nearest such weights), or all are multiplied (for weights of one sign; from a sum of 0, or of
--       the other sign, they begin anew, all equal)
--   { "norm", max = } or { "norm", equal = }   the Euclidean length of each unit's weights; a unit whose weights are
--       all 0 stays so
--   { "distance", max = }            how far each unit's weights may be from where they were when this was asked
--
-- A unit is an entry of the weight's first axis. Several constraints of one weight are made to hold in the order in
-- which they stand above, which is such that the later ones keep what the earlier ones did; those that could not hold
-- together are refused. A weight that meets a constraint is not touched, so that making it hold again changes no bit.
local choose = require "lamina.choose"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local kinds = require "lamina.constraints.kinds"
local ops = require "lamina.core.ops"

local M = {}

-- ---- which go together -----------------------------------------------------------------------------------------

local function is_sign(c) return kinds.rank[c.kind] == 1 end

-- Why two constraints cannot hold together; nil where they can. a comes first by rank.
local function clash(a, b)
  if a.kind == "sum" and b.kind == "norm" then return "they would undo each other" end
  if a.kind == "norm" and b.kind == "distance" and a.o.equal then return "the distance would change the length" end
  if is_sign(a) and b.kind == "sum" then
    if b.o.method == "shift" and a.kind ~= "non_negative" then
      return "shifting changes signs; use method = \"scale\", or \"non_negative\""
    end
    if a.kind == "cells" or a.kind == "sign" and type(a.o.value) ~= "string" then
      return "weights of both signs cannot be scaled to a sum"
    end
    local negative = a.kind == "non_positive" or a.o.value == "negative"
    if b.o.value ~= 0 and (b.o.value < 0) ~= negative then return "the sum has the other sign" end
  end
end

local function check_clashes(list, item, position)
  for i, a in ipairs(list) do
    for k = i + 1, #list do
      local why = clash(a, list[k])
      if why then
        errors.raise("argument", position, "constraint: %s and %s cannot both hold for %s: %s", a.kind, list[k].kind,
          item.name, why)
      end
    end
  end
end

local function apply(list, w)
  core.no_grad(function()
    for _, c in ipairs(list) do
      local made = c:of(w, list)
      w:copy(made)
      made:release()
    end
  end)
end

-- The buffer that holds a tensor of a constraint, so that files, checkpoints and copies of the model hold it, too.
local function keep_tensors(net, item, c)
  for name, t in pairs(c.tensors) do
    local short = item.p.name .. "." .. name
    local full, place = item.node.name .. "." .. short, nil
    item.node.buffers[short] = t
    for _, b in ipairs(net.buffer_list) do
      if b.name == full then place = b end
    end
    if not place then
      place = { name = full, node = item.node, buffer = { name = short } }
      net.buffer_list[#net.buffer_list + 1] = place
    end
    place.tensor = t
  end
end

local function drop_tensors(net, item, c)
  for name in pairs(c.tensors) do
    local short = item.p.name .. "." .. name
    item.node.buffers[short] = nil
    for i, b in ipairs(net.buffer_list) do
      if b.node == item.node and b.buffer.name == short then table.remove(net.buffer_list, i) end
    end
  end
end

-- A parameter's constraints with one more, by rank; one of a kind takes the place of an earlier one.
local function with(net, item, c, position)
  local list = {}
  for _, other in ipairs(item.entry.constraints or {}) do
    if other.kind ~= c.kind or c.kind == "cells" then list[#list + 1] = other else drop_tensors(net, item, other) end
  end
  local at = #list + 1
  while at > 1 and kinds.rank[list[at - 1].kind] > kinds.rank[c.kind] do at = at - 1 end
  table.insert(list, at, c)
  check_clashes(list, item, position)
  return list
end

--- Adds a constraint to a parameter and makes all of the parameter's hold.
function M.add(net, item, c, position)
  local list = with(net, item, c, position)
  if c.kind == "distance" and not c.tensors.from then
    apply(table.move(list, 1, #list - 1, 1, {}), item.tensor)
    c.tensors.from = item.tensor:detach():clone()
  end
  for _, other in ipairs(list) do
    if other.kind == "distance" and other ~= c and kinds.rank[c.kind] < 3 then apply({ c }, other.tensors.from) end
  end
  item.entry.constraints = list
  keep_tensors(net, item, c)
  apply(list, item.tensor)
end

local function item_of(net, name)
  for _, entry in ipairs(net.list) do
    if entry.name == name then
      return { name = name, tensor = entry.tensor, entry = entry, node = entry.node, p = entry.parameter }
    end
  end
end

-- ---- what others call ------------------------------------------------------------------------------------------

--- Constrains the weights that `of` means (see lib/choose.lua) by a spec or a list of specs. Raises at `position`.
function M.constrain(net, of, spec, position)
  local list = type(spec) == "table" and getmetatable(spec) == nil and type(spec[1]) == "table" and spec or { spec }
  for _, one in ipairs(list) do
    local whose = type(one) == "table" and getmetatable(one) == nil and one.of or of
    for _, item in ipairs(choose.parameters(net, whose, "constraint", position, choose.is_weight, "weights")) do
      M.add(net, item, kinds.make(one, item, position), position)
    end
  end
end

--- The constraints of train: a list of specs with `of`, and specs by area, layer or pattern.
function M.of_train(net, spec, position)
  if type(spec) == "string" then return M.constrain(net, nil, spec, position) end
  if type(spec[1]) == "string" then return M.constrain(net, spec.of, spec, position) end
  for key, one in pairs(spec) do
    if type(key) == "string" then M.constrain(net, key, one, position) else M.constrain(net, nil, one, position) end
  end
end

--- The constraints that a model's areas and layers declare (option `constraint`), and those of their cells.
function M.declared(net)
  for _, block in ipairs(net.blocks) do
    if block.o and block.o.constraint ~= nil then M.constrain(net, block.name, block.o.constraint, block.position) end
  end
  for _, node in ipairs(net.nodes) do
    if node.options.constraint ~= nil and not node.shared then
      M.constrain(net, node.name, node.options.constraint, node.position)
    end
  end
  for _, entry in ipairs(net.list) do
    if entry.parameter.constraint then
      local item = item_of(net, entry.name)
      M.add(net, item, kinds.make(entry.parameter.constraint, item, entry.node.position), entry.node.position)
    end
  end
  require("lamina.cells").declared(net)
end

--- Makes the constraints of all entries (of optimisers and rules) hold.
function M.hold(entries)
  for _, entry in ipairs(entries) do
    local list = (entry.owner or entry).constraints
    if list then apply(list, entry.tensor) end
  end
end

--- Whether all constraints of a model hold now, bit for bit: making them hold would change nothing. Else false and
-- the constraint that does not.
function M.holds(net)
  for _, entry in ipairs(net.list) do
    for _, c in ipairs(entry.constraints or {}) do
      local copy = entry.tensor:detach():clone()
      core.no_grad(function() copy:copy(c:of(copy, entry.constraints)) end)
      if ops.any(ops.ne(copy, entry.tensor:detach())):item() then return false, c.text end
    end
  end
  return true
end

--- After parameters and buffers have been given other values: what follows from them.
function M.refresh(net)
  for _, entry in ipairs(net.list) do
    for _, c in ipairs(entry.constraints or {}) do c:prepare() end
  end
end

-- ---- files and copies ------------------------------------------------------------------------------------------

--- What a file says of a model's constraints: a list of { of =, kind =, options = }; their tensors are buffers.
-- blocks: only those of these areas, a set of names.
function M.described(net, blocks)
  local list = {}
  for _, entry in ipairs(net.list) do
    local wanted = not blocks or blocks[entry.node.block.name]
    for _, c in ipairs(wanted and entry.constraints or {}) do
      local options = {}
      for name, value in pairs(c.o) do
        if not core.is_tensor(value) then options[name] = value end
      end
      if c.kind ~= "cells" then list[#list + 1] = { of = entry.name, kind = c.kind, options = options } end
    end
  end
  return list
end

local function has(entry, kind)
  for _, c in ipairs(entry.constraints or {}) do
    if c.kind == kind then return true end
  end
  return false
end

--- Gives a model the constraints that a file (or another model) describes and it has not; their tensors are those
-- named as buffers are, NAME.mask, NAME.sign, NAME.from. Raises at `position`.
function M.adopt(net, list, tensors, position)
  for _, one in ipairs(list) do
    local item = item_of(net, one.of)
    if item and not has(item.entry, one.kind) then
      local c, name = kinds.new(one.kind, one.options, item), kinds.tensor_of[one.kind]
      if name then
        local t = tensors[one.of .. "." .. name]
        if not t then
          errors.raise("format", position, "%s.%s is missing, on which its constraint '%s' stands", one.of, name,
            one.kind)
        end
        c.tensors[name] = t:detach():clone()
      end
      c:prepare()
      M.add(net, item, c, position)
    end
  end
end

return M
