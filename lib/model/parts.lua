--- Finding and reusing parts of a model: areas, layers, and the areas up to one of them as the core of another model.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local merged = require "lamina.merged"
local schema = require "lamina.schema"
local scopes = require "lamina.model.scope"
local words = require "lamina.model.words"

local M = {}

local Model = {}

--- net:find(name): the node whose output the name of an area, a layer or a word of layers stands for; nil where it
-- names none.
-- > net = model "m" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu } }
-- > net:find("V1").name, net:find "V2"   --> V1.relu1 nil
function Model:find(name)
  if name == "input" then return nil end
  return scopes.source(self, name)
end

--- net:has(name): whether there is an area, a layer or a word of layers of this name.
-- > net = models.lenet5 { classes = 10 }
-- > net:has "V1", net:has "MT"   --> true false
function Model:has(name) return self:find(name) ~= nil end

local MOST_NAMES = 12 -- that a message lists

-- " (did you mean 'V1'?)", or which areas and layers there are. A name that ends one of a layer's is near to it.
local function instead(net, name)
  local names = {}
  for _, block in ipairs(net.blocks) do names[#names + 1] = block.name end
  local areas = #names
  for _, node in ipairs(net.nodes) do names[#names + 1] = node.name end
  local near = schema.nearest(name, names)
  for _, one in ipairs(names) do
    if not near and name ~= "" and one:sub(-#name - 1) == "." .. name then near = one end
  end
  if near then return string.format(" (did you mean '%s'?)", near) end
  local list = table.concat(names, ", ", 1, #names > MOST_NAMES and areas or #names)
  return string.format(" (there are %s%s)", list, #names > MOST_NAMES and string.format(
    ", and %d layers in them, which print(net) shows", #names - areas) or "")
end

--- Raises for a name that is none of the model's. asked (optional) says who wanted it, "tolerance: option 'layers'";
-- level: as for errors.raise, a level or a position.
function Model:no_such(name, level, asked)
  local at = type(level) == "number" and level + 1 or level or {}
  if type(name) ~= "string" then
    errors.raise("argument", at, "%s the name of an area or layer%s, got %s",
      asked and asked .. ": expected" or self.name .. ": expected", asked and " of " .. self.name or "",
      schema.shown(name))
  end
  if asked then
    errors.raise("argument", at, "%s names '%s', which is no layer or area of %s%s", asked, name, self.name,
      instead(self, name))
  end
  errors.raise("argument", at, "%s has no layer or area '%s'%s", self.name, name, instead(self, name))
end

--- Raises where an option names what is no layer, area or word of layers of the model, at any step ("V1@7"). list: a
-- name or a list of them, which may not be empty; word, option: whose they are; steps (optional): how many there are.
function Model:check_layers(list, word, option, position, steps)
  local asked = string.format("%s: option '%s'", word, option)
  if type(list) ~= "table" then list = { list } end
  if #list == 0 then
    errors.raise("argument", position, "%s is an empty list, expected names of layers or areas of %s%s", asked,
      self.name, instead(self, ""))
  end
  for _, name in ipairs(list) do
    local plain, at = tostring(name):match "^(.-)@(%d+)$"
    if type(name) ~= "string" or not self:has(plain or name) then self:no_such(name, position or {}, asked) end
    at = math.tointeger(at)
    if at and steps and (at < 1 or at > steps) then
      errors.raise("argument", position, "%s names '%s', and %s runs %s", asked, name, self.name, steps == 1
        and "1 step" or steps .. " steps, numbered from 1")
    end
  end
end

local Area = { __name = "area" }
Area.__index = Area

Area.__tostring = function(self)
  return string.format("%s %q: %d layers, output %s, %d parameters%s", self.kind, self.name, #self.layers,
    layer.shape_text(self.shape), self:count(), self.frozen and ", frozen" or "")
end

--- area:count(): the number of its parameters.
-- > net = models.lenet5 { classes = 10 }
-- > net.V1:count()   --> 168
function Area:count() return self.net:count(self.name) end

--- area:parameters(): a list of { name =, tensor = }.
-- > net = models.lenet5 { classes = 10 }
-- > net.V1:parameters()[1].name   --> V1.C1.weight
function Area:parameters() return self.net:parameters(self.name) end

--- net:area(name): an area, readout or connection, also as net.V1: name, kind, shape (of its output), layers (their
-- names), from, cells, rule, frozen, area:parameters(), area:count().
-- > net = models.lenet5 { classes = 10 }
-- > net:area("V1").kind, net.V1.shape, #net.V1.layers   --> area { 6, 14, 14 } 5
function Model:area(name)
  local block = self.blocks_by_name[name]
  if not block then self:no_such(name, 2) end
  local layers, frozen = {}, true
  for i, node in ipairs(block.nodes) do
    layers[i], frozen = node.name, frozen and (node.frozen or false)
  end
  return setmetatable({ net = self, kind = block.kind, name = name, layers = layers, from = block.from,
    shape = table.move(block.output, 1, #block.output, 1, {}), cells = block.cells, rule = block.rule,
      frozen = frozen },
    Area)
end

local Cost = { __name = "cost" }

Cost.__tostring = function(self)
  local function mega(n) return string.format("%.4g MB", n / 1e6) end
  return string.format("batch of %d: %.4g million multiply-adds forward; parameters %s, activations %s, training "
    .. "about %s", self.batch, self.multiply_adds / 1e6, mega(self.parameters), mega(self.activations),
      mega(self.training))
end

-- What one layer computes and gives in all steps.
local function over_steps(net, node, steps)
  if node.block.kind == "readout" and node.block.o.steps == "last" or node.steady then return 1 end
  return math.max(0, node.block.connection and steps - node.block.connection.delay or steps)
end

local COST = schema.document("model:cost", { positional = { "batch" },
  batch = { type = "integer", default = 1, min = 1, doc = "items in a batch" },
  steps = { type = "integer", min = 1, doc = "how many steps it runs; the model's if absent" } })

--- net:cost { batch = 64, steps = }: an estimate of what a forward pass costs: multiply_adds, and bytes: parameters
-- (with buffers), activations (the outputs of all layers in all steps), training (activations and their gradients,
-- parameters with gradients and the two moments of adam). steps: the model's if absent. print shows it.
-- > net = models.lenet5 { classes = 10 }
-- > net:cost({ batch = 64 }).multiply_adds   --> 20998144
function Model:cost(given)
  local o = schema.check("cost", given, COST)
  local steps = o.steps or math.type(self.steps) == "integer" and self.steps or 1
  local result = { batch = o.batch, steps = steps, multiply_adds = 0, parameters = 0, activations = 0 }
  for _, node in ipairs(self.nodes) do
    local times = over_steps(self, node, steps) * o.batch
    result.multiply_adds = result.multiply_adds + node.cost * times
    local elements = node.fuse and 0 or layer.elements(node.output)
    result.activations = result.activations + 4 * elements * times
  end
  for _, list in ipairs { self.list, self.buffer_list } do
    for _, p in ipairs(list) do result.parameters = result.parameters + 4 * p.tensor:count() end
  end
  result.training = 2 * result.activations + 4 * result.parameters
  return setmetatable(result, Cost)
end

--- net:upto(name): the model's areas up to one of them (or up to a layer at the top of an area), to build another
-- model on: core = net:upto "V2". What the area needs comes along, feedback from areas above it included.
-- > net = models.lenet5 { classes = 10 }
-- > core = net:upto "V1"
-- > enc = model "encoding" { core = core, readout "neurons" { factorized { 50 }, softplus } }
-- > enc(zeros { 1, 1, 32, 32 }).shape   --> { 1, 50 }
function Model:upto(name)
  local node = type(name) == "string" and self:find(name) or self:no_such(name, 2)
  if node.block.kind ~= "area" then
    errors.raise("argument", 2, "upto: '%s' belongs to the %s %q; a core ends in an area", name, node.block.kind,
      node.block.name)
  end
  local place = self.nodes_by_name[name] or self.groups_by_name[name]
  if place and place.depth > 0 then
    errors.raise("argument", 2, "upto: '%s' lies within a word of layers; a core ends at a layer of its area's own "
      .. "list",
      name)
  end
  return words.core { net = self, upto = name }
end

-- The blocks that a node needs, as a set.
local function needed_blocks(node)
  local seen, blocks, list = {}, {}, { node }
  while #list > 0 do
    local next_node = table.remove(list)
    if not seen[next_node] and not next_node.port then
      seen[next_node], blocks[next_node.block] = true, true
      for _, source in ipairs(next_node.sources) do list[#list + 1] = source end
    end
  end
  return blocks, seen
end

-- An area that ends early must not be needed further on.
local function check_cut(node, seen, upto, position)
  local after = false
  for _, other in ipairs(node.block.nodes) do
    if after and seen[other] then
      errors.raise("argument", position, "core: feedback leaves %s after '%s'; a core cannot end in between",
        other.name,
        upto)
    end
    after = after or other == node
  end
end

--- Puts the declarations of a core before those of a model.
function M.build_on(declaration, o, given, position)
  if not words.is_core(o.core) then
    errors.raise("argument", position, "model %q: core is a %s, expected what net:upto gives, as in core = net:upto "
      .. "\"V2\"", declaration.name, type(o.core))
  end
  local net, upto = o.core.net, o.core.upto
  local node = net:find(upto)
  local blocks, seen = needed_blocks(node)
  check_cut(node, seen, upto, position)
  local items = { { kind = "input", shape = net.input, position = position } }
  for _, item in ipairs(net.declaration.items) do
    local block = item.kind ~= "input" and net.blocks_by_name[net.block_of_item[item]]
    if block and blocks[block] then
      local copy = merged(item)
      copy.after, copy.frozen = block.after, o.frozen or item.frozen or false
      copy.name = block.name
      if block == node.block and upto ~= block.name then copy.stop = upto end
      items[#items + 1] = copy
    end
  end
  local own = #items
  table.move(declaration.items, 1, declaration.count, own + 1, items)
  declaration.items, declaration.count = items, own + declaration.count
  declaration.steps = declaration.steps or net.steps
  if given.update == nil then declaration.update = net.update end
  declaration.core = { net = net, area = node.block.name, count = own, share = o.core.share }
end

--- Gives a model that was built on a core the core's weights.
function M.take_over(net, from)
  for _, node in ipairs(net.nodes) do
    local other = from.net.nodes_by_name[node.name]
    if other and net.core_blocks[node.block.name] and not node.shared then
      for _, kind in ipairs { "params", "buffers" } do
        for name, t in pairs(node[kind]) do
          if from.share then
            node[kind][name] = node.block.frozen and other[kind][name]:detach() or other[kind][name]
          else
            core.no_grad(function() t:copy(other[kind][name]) end)
          end
        end
      end
    end
  end
  if from.share then net:relist() end
end

M.methods = Model

return M
