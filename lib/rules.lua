--- Local learning rules: how weights change by what meets at them, without a goal and without gradients.
--
--   local bcm = local_rule { "bcm", rate = 1e-3, state = { theta = 1 }, update = function(w, x, y, s, o)
--     s.theta = 0.99 * s.theta + 0.01 * y:square():mean(1)
--     return o.rate * (y * (y - s.theta)):t():matmul(x) / x:size(1)
--   end }
--   train { model = net, data = set, rule = { V1 = bcm, V2 = "oja", digit = "backprop" } }
--
-- A rule is called for each convolution and dense layer of its areas, once for each batch, after the forward pass,
-- with
--
--   w   the weight as units x inputs; of a convolution the inputs are channels x kh x kw
--   x   what the layer saw: rows x inputs; of a convolution a row for each position of each image, its patch
--   y   how the units answered: rows x units, after the activation that follows the layer (if one does)
--   s   a table of its own for each layer, which begins as `state` says; it may hold numbers and tensors
--   o   the rule's options
--
-- and returns what is added to w, and, if it likes, what is added to the bias. With time steps, the rows of all steps
-- come together. Nothing is taped meanwhile. Constraints of the weights hold afterwards. Areas that `rule` does not
-- name keep their weights (those that declare a rule of their own, area "V1" { rule = "oja", ... }, follow it).
-- "backprop" trains the areas that are given to it, and no others; its gradients do not pass through areas under a
-- local rule, unless the rule has through = true.
--
-- Rules that have names: "hebb", "oja", "sanger", "bcm", "scaling"; help "oja" tells what it computes. With options
-- of their own they are written as rule = { "oja", rate = 1e-3, through = true }.
local constraints = require "lamina.constraints"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local known = require "lamina.rules.known"
local ops = require "lamina.core.ops"
local patches = require "lamina.rules.patches"
local schema = require "lamina.schema"

local M = {}

-- ---- a rule ----------------------------------------------------------------------------------------------------

local Rule = { __name = "local rule" }
Rule.__index = Rule
Rule.__tostring = function(self) return string.format("local rule %s { rate = %g }", self.name, self.o.rate) end

local FIELDS = schema.document("local_rule", {
  name = { type = "string", required = true, doc = "its name, the first value" },
  rate = { type = "number", default = 1e-3, min = 0, doc = "what o.rate is" },
  state = { type = "table", doc = "what s holds at first, for each layer: numbers and tensors by name" },
  update = { type = "function", required = true, doc = "(w, x, y, s, o) -> what is added to w" },
  through = { type = "boolean", default = false, doc = "whether gradients pass through its areas to those before" },
})

--- local_rule { "NAME", rate = 1e-3, state = {...}, update = function(w, x, y, s, o) ... end, through = false, ... }:
-- a rule for train { rule = { V1 = it } }. Any other option is the rule's own, as o.NAME. See lib/rules.lua for what
-- update is given and what it returns.
-- > oja = local_rule { "my oja", rate = 0.01, update = function(w, x, y, s, o)
-- >   return o.rate * (y:t():matmul(x) - y:square():sum(1):reshape { -1, 1 } * w) / #x end }
-- > net = model "m" { input { 4 }, area "V1" { dense { 1, bias = false } } }
-- > history = train { model = net, data = data.tensors { randn { 100, 4 } }, rule = { V1 = oja }, log = false }
-- > #history   --> 1
function M.local_rule(given, ...)
  local position = errors.position(2)
  schema.alone("local_rule", "local_rule { \"hebb\", rate = 1e-3 }", position, ...)
  if type(given) ~= "table" then
    errors.raise("argument", position, "local_rule: expected a table such as { \"hebb\", rate = 1e-3, update = "
      .. "function(w, x, y, s, o) ... end }, got a %s", type(given))
  end
  local named, own = {}, {}
  for key, value in pairs(given) do
    if key == 1 then named.name = value
    elseif FIELDS[key] or type(key) ~= "string" then named[key] = value
    else own[key] = value end
  end
  local o = schema.check("local_rule", named, FIELDS, position)
  for name, value in pairs(o.state or {}) do
    if type(name) ~= "string" or type(value) ~= "number" and not core.is_tensor(value) then
      errors.raise("argument", position, "local_rule: state.%s is a %s, expected a number or a tensor, by name",
        tostring(name), type(value))
    end
  end
  own.rate = o.rate
  return setmetatable({ name = o.name, o = own, state = o.state or {}, update = o.update, through = o.through }, Rule)
end

local function rule_names()
  local names = { "backprop" }
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- The rule for what a script writes for an area: a rule, a name, or { name, options }; "backprop" stays a string.
local function rule_of(spec, position)
  if getmetatable(spec) == Rule or spec == "backprop" then return spec end
  local name, options = spec, {}
  if type(spec) == "table" and getmetatable(spec) == nil then
    name = spec[1]
    for key, value in pairs(spec) do
      if key ~= 1 then options[key] = value end
    end
  end
  if type(name) ~= "string" then
    errors.raise("argument", position, "rule: got a %s, expected a rule (local_rule {...}), a name (%s) or { "
      .. "\"oja\", rate = 1e-3 }", type(name), table.concat(rule_names(), ", "))
  end
  local entry = known[name]
  if not entry then
    errors.raise("argument", position, "rule: there is no rule '%s'%s", name, errors.hint(name, rule_names()))
  end
  local o = schema.check("rule " .. name, options, entry.options, position)
  return setmetatable({ name = name, o = o, state = entry.state and entry.state(o) or {}, update = entry.update,
    through = o.through }, Rule)
end

-- ---- which area learns how -------------------------------------------------------------------------------------

-- Area -> rule, for the option `rule` of train (nil: what the areas declare, backprop elsewhere).
local function by_area(net, spec, position)
  local areas = {}
  local lone = type(spec) == "string" or getmetatable(spec) == Rule
    or type(spec) == "table" and spec[1] ~= nil
  for _, block in ipairs(net.blocks) do
    local own = block.rule ~= nil and rule_of(block.rule, block.position)
    if spec == nil then areas[block.name] = own or "backprop" end
    if lone then areas[block.name] = rule_of(spec, position) end
    if type(spec) == "table" and not lone then areas[block.name] = own or nil end
  end
  if spec == nil or lone then return areas end
  if type(spec) ~= "table" then rule_of(spec, position) end -- raises
  local names = {}
  for _, block in ipairs(net.blocks) do names[#names + 1] = block.name end
  for name, one in pairs(spec) do
    if not net.blocks_by_name[name] then
      errors.raise("argument", position, "rule: %s has no area '%s'%s", net.name, tostring(name),
        errors.hint(tostring(name), names))
    end
    areas[name] = one ~= false and rule_of(one, position) or nil
  end
  return areas
end

-- The layer whose output says how the units of `node` answered: the activation after it, behind what joins and
-- normalises in between; or the layer itself.
local function answer_of(net, node)
  local readers = {}
  for _, other in ipairs(net.order) do
    for i, source in ipairs(other.sources) do
      if (other.delays[i] or 0) == 0 then
        readers[source] = readers[source] or {}
        table.insert(readers[source], other)
      end
    end
  end
  local at = node
  while readers[at] and #readers[at] == 1 and readers[at][1].block == node.block do
    at = readers[at][1]
    if at.layer.is_activation then return at end
    if at.layer.word ~= "join" and not at.layer.full:find "^norm" then break end
  end
  return node
end

local function entry_of(net, node, name)
  for _, entry in ipairs(net.list) do
    if entry.node == node and entry.parameter.name == name then return entry end
  end
end

local function add_layer(self, net, node, rule, position)
  local word = node.layer.full
  if word ~= "conv" and word ~= "dense" then return false end
  if word == "conv" and node.options.groups ~= 1 then
    errors.raise("argument", position, "rule: %s has groups = %d; local rules learn convolutions of one group",
      node.name, node.options.groups)
  end
  if word == "conv" and #node.input ~= 3 then
    errors.raise("argument", position, "rule: %s sees %d axes behind its channels; local rules learn convolutions of "
      .. "channels x height x width", node.name, #node.input - 1)
  end
  if node.options.weight_norm then
    errors.raise("argument", position, "rule: %s has weight_norm = true, and local rules change weights themselves; "
      .. "the constraint { \"norm\", equal = 1 } keeps lengths", node.name)
  end
  local state = {}
  for name, value in pairs(rule.state) do state[name] = core.is_tensor(value) and value:detach():clone() or value end
  self.layers[#self.layers + 1] = { node = node, rule = rule, state = state, weight = entry_of(net, node, "weight"),
    bias = entry_of(net, node, "bias"), answer = answer_of(net, node), seen = {} }
  return true
end

local Plan = { __name = "rules" }
Plan.__index = Plan

-- What of a model learns by its gradient: the entries of net:parameters() in areas under "backprop".
local function gradient_entries(net, areas)
  local list = {}
  for _, entry in ipairs(net.list) do
    if areas[entry.node.block.name] == "backprop" and not entry.node.frozen then list[#list + 1] = entry end
  end
  return list
end

-- The nodes that gradients reach from the model's outputs.
local function reached_by_gradients(self)
  local reached, list = {}, {}
  for _, block in ipairs(self.net.outputs) do list[#list + 1] = block.last end
  while #list > 0 do
    local node = table.remove(list)
    if not reached[node] and not node.port and not self.stops[node] then
      reached[node] = true
      for _, source in ipairs(node.sources) do list[#list + 1] = source end
    end
  end
  return reached
end

-- Raises where a local rule stands between an area under "backprop" and all goals.
local function check_gradients(self)
  local reached, names = reached_by_gradients(self), {}
  for _, block in ipairs(self.net.blocks) do
    if self.stops[block.last] then names[#names + 1] = block.name .. " by " .. self.areas[block.name].name end
  end
  for _, entry in ipairs(#names > 0 and self.gradient or {}) do
    local found = reached[entry.node]
    for _, node in ipairs(self.net.nodes) do found = found or node.shared == entry.node and reached[node] end
    if not found then
      errors.raise("argument", self.position, "rule: no gradient reaches %s; gradients do not pass through areas "
        .. "under a local rule (%s) unless it has through = true, as in rule = { \"oja\", through = true } (or say "
        .. "frozen = true where %s stands)", entry.name, table.concat(names, ", "), entry.name:match "^[^.]*")
    end
  end
end

--- How a model learns, for the option `rule` of train; nil where all of it learns by its gradient.
function M.plan(net, spec, position)
  local areas = by_area(net, spec, position)
  local self = setmetatable({ net = net, areas = areas, layers = {}, stops = {}, position = position }, Plan)
  local plain = true
  for _, block in ipairs(net.blocks) do
    local rule = areas[block.name]
    plain = plain and rule == "backprop"
    if rule and rule ~= "backprop" then
      local found = false
      for _, node in ipairs(block.nodes) do
        if not node.shared and not node.frozen then found = add_layer(self, net, node, rule, position) or found end
      end
      if not found and not block.frozen then
        errors.raise("argument", position, "rule: '%s' has no convolution or dense layer that %s could change",
          block.name, rule.name)
      end
      if not rule.through then self.stops[block.last] = block.name end
    end
  end
  if plain then return nil end
  self.gradient = gradient_entries(net, areas)
  if #self.layers + #self.gradient == 0 then
    errors.raise("argument", position, "rule: names no area that could learn")
  end
  check_gradients(self)
  self.by_node, self.by_answer = {}, {}
  for _, part in ipairs(self.layers) do
    self.by_node[part.node] = part
    self.by_answer[part.answer] = self.by_answer[part.answer] or {}
    table.insert(self.by_answer[part.answer], part)
  end
  for _, node in ipairs(net.nodes) do
    if node.shared and self.by_node[node.shared] then
      errors.raise("argument", position, "rule: %s is used in several places; local rules learn layers with one use",
        node.shared.name)
    end
  end
  return self
end

-- ---- one batch -------------------------------------------------------------------------------------------------

--- Gives the parameters that do not learn by their gradient none while training lasts; the result undoes it.
function Plan:begin()
  local learns, held = {}, {}
  for _, entry in ipairs(self.gradient) do learns[entry] = true end
  for _, entry in ipairs(self.net.list) do
    if not learns[entry] and not entry.node.frozen then
      held[#held + 1] = entry.tensor
      entry.tensor:requires_grad(false)
    end
  end
  return function()
    for _, t in ipairs(held) do t:requires_grad(true) end
  end
end

--- Sees every layer's input and output in the forward pass (ctx.watch).
function Plan:watch(node, x, y)
  local part = self.by_node[node]
  if part then part.x = x:detach() end
  for _, of in ipairs(self.by_answer[node] or {}) do
    of.seen[#of.seen + 1] = { of.x, y:detach() }
    of.x = nil
  end
end

-- What a layer saw and answered over all steps, as rows.
local function rows_of(part)
  local xs, ys = {}, {}
  for i, pair in ipairs(part.seen) do
    xs[i], ys[i] = patches.inputs(part.node, pair[1]), patches.answers(pair[2])
    for k, rows in ipairs { xs[i], ys[i] } do -- maps are large, and the rows are of their own
      if not rawequal(rows, pair[k]) then pair[k]:release() end
    end
  end
  part.seen = {}
  if #xs == 1 then return xs[1], ys[1] end
  local x, y = ops.concat(xs, { dim = 1 }), ops.concat(ys, { dim = 1 })
  for i in ipairs(xs) do
    xs[i]:release()
    ys[i]:release()
  end
  return x, y
end

-- Gives rows back after an update; what the rule keeps of them becomes its own.
local function release_rows(part, rows, change)
  for key, value in pairs(part.state) do
    if rawequal(value, rows) then part.state[key] = rows:clone() end
  end
  if not rawequal(rows, change) then rows:release() end
end

local function shape_text(t) return core.is_tensor(t) and table.concat(t.shape, "x") or "a " .. type(t) end

local function check_change(self, part, change, like, what, b)
  local rule = part.rule
  if not core.is_tensor(change) or shape_text(change) ~= shape_text(like) then
    errors.raise("shape", self.position, "rule %s: update gave %s for the %s of %s, expected a tensor of %s",
      rule.name,
      shape_text(change), what, part.node.name, shape_text(like))
  end
  if not ops.all(ops.isfinite(change)):item() then
    errors.raise("numeric", self.position, "rule %s: the change of %s.%s at epoch %d, step %d holds a NaN or an "
      .. "infinity; the weights are as they were before it%s", rule.name, part.node.name, what, b.epoch, b.step,
      rule.o.rate and string.format("; a smaller rate than %g, or a constraint such as { \"norm\", max = 1 }, may "
      .. "keep it finite", rule.o.rate) or "")
  end
end

-- The change of one layer's weights, and bias, checked: { part, change, bias_change, moved, size }, the last two the
-- squared lengths of the change and of the weight.
local function propose(self, part, b)
  local x, y = rows_of(part)
  local weight = part.weight.tensor:detach()
  local w = ops.reshape(weight, { weight:size(1), -1 })
  local change, bias_change = part.rule.update(w, x, y, part.state, part.rule.o)
  release_rows(part, x, change)
  release_rows(part, y, change)
  check_change(self, part, change, w, "weight", b)
  if bias_change ~= nil then
    if not part.bias then
      errors.raise("argument", self.position, "rule %s: update gave a change of the bias, which %s has not",
        part.rule.name, part.node.name)
    end
    check_change(self, part, bias_change, part.bias.tensor, "bias", b)
  end
  return { part = part, change = change, bias_change = bias_change, moved = change:square():sum():item(),
    size = w:square():sum():item() }
end

--- What the local rules would change after a batch, for Plan:apply. Raises, and no weight has changed, where a change
-- is not finite or of another shape.
function Plan:propose(b)
  local changes = {}
  if ops.guard() then return changes end
  core.no_grad(function()
    for _, part in ipairs(self.layers) do
      if #part.seen > 0 then changes[#changes + 1] = propose(self, part, b) end
    end
  end)
  return changes
end

--- Makes the changes; returns for each area how far its weights moved, as a part of their length.
function Plan:apply(changes)
  local moved, size = {}, {}
  core.no_grad(function()
    for _, one in ipairs(changes) do
      local part, name = one.part, one.part.node.block.name
      local weight = part.weight.tensor
      weight:copy(weight + ops.reshape(one.change, weight.shape):to(weight.dtype))
      if one.bias_change then part.bias.tensor:copy(part.bias.tensor + one.bias_change) end
      constraints.hold { part.weight }
      moved[name], size[name] = (moved[name] or 0) + one.moved, (size[name] or 0) + one.size
    end
  end)
  local result = {}
  for name, change in pairs(moved) do result[name] = size[name] > 0 and math.sqrt(change / size[name]) or 0 end
  return result
end

-- ---- checkpoints -----------------------------------------------------------------------------------------------

--- What a checkpoint keeps: each layer's state.
function Plan:state()
  local tensors, values = {}, {}
  for _, part in ipairs(self.layers) do
    local name = part.node.name
    values[name] = { rule = part.rule.name, numbers = {} }
    for key, value in pairs(part.state) do
      if core.is_tensor(value) then
        tensors[name .. "/" .. key] = value:detach()
      elseif type(value) == "number" then
        values[name].numbers[key] = value
      else
        errors.raise("argument", self.position, "rule %s: state.%s is a %s; a checkpoint keeps numbers and tensors",
          part.rule.name, tostring(key), type(value))
      end
    end
  end
  return { tensors = tensors, values = values }
end

function Plan:restore(state)
  for _, part in ipairs(self.layers) do
    local name = part.node.name
    local kept = state.values[name]
    if not kept or kept.rule ~= part.rule.name then
      errors.raise("argument", self.position, "resume: in the checkpoint %s learns by %s, in this run by %s", name,
        kept and kept.rule or "no local rule", part.rule.name)
    end
    part.state = {}
    for key, value in pairs(kept.numbers) do part.state[key] = value end
    for full, t in pairs(state.tensors) do
      local of, key = full:match "^(.*)/([^/]*)$"
      if of == name then part.state[key] = t end
    end
  end
end

return M
