--- What a model holds: parameters and buffers, their first values, freezing, copies, files, comparisons. Each
-- function here becomes a method of models (lib/model.lua).
local base = require "lamina.core.base"
local choose = require "lamina.choose"
local constraints = require "lamina.constraints"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local optim = require "lamina.core.optim"
local provenance = require "lamina.model.provenance"
local recurrent = require "lamina.model.recurrent"
local schema = require "lamina.schema"
local weights = require "lamina.weights"

local Model = {}

-- ---- making them -----------------------------------------------------------------------------------------------

-- An entry of net:parameters(); what it holds for the library is not shown.
local Parameter = { __name = "parameter" }

Parameter.__tostring = function(self)
  return string.format("%s: %s %s", self.name, table.concat(self.tensor.shape, "x"), self.tensor.dtype)
end

local function make_one(net, node, p)
  local value = weights.make(p.init or node.options.init or "uniform", p, net.seed)
  value:requires_grad(true)
  node.params[p.name] = value
  net.list[#net.list + 1] = setmetatable({ name = p.full, tensor = value, node = node, parameter = p }, Parameter)
end

-- The first value of a buffer.
local function first_buffer(net, b)
  if type(b.value) ~= "function" then return core.full(b.shape, b.value or 0, { dtype = b.dtype or "float32" }) end
  return b.value(b.shape, { name = b.full, seed = net.seed }):detach():clone()
end

--- Draws every parameter and sets every buffer to its first value; shared layers hold those of their first use.
function Model:make()
  self.list, self.buffer_list = {}, {}
  for _, node in ipairs(self.nodes) do
    if node.shared then
      node.params, node.buffers = node.shared.params, node.shared.buffers
    else
      for _, p in ipairs(node.parameters) do make_one(self, node, p) end
      for _, b in ipairs(node.buffer_list) do
        node.buffers[b.name] = first_buffer(self, b)
        self.buffer_list[#self.buffer_list + 1] = { name = b.full, tensor = node.buffers[b.name], node = node,
          buffer = b }
      end
    end
  end
  self:hold_again()
end

--- Lists the tensors anew, where layers have been given others.
function Model:relist()
  for _, p in ipairs(self.list) do p.tensor = p.node.params[p.parameter.name] end
  for _, b in ipairs(self.buffer_list) do b.tensor = b.node.buffers[b.buffer.name] end
  self:hold_again()
end

-- What `apply` gets: parameters and buffers by name.
function Model:hold_again()
  for _, node in ipairs(self.nodes) do
    for name, t in pairs(node.params) do node.held[name] = t end
    for name, t in pairs(node.buffers) do node.held[name] = t end
  end
end

-- ---- lists -----------------------------------------------------------------------------------------------------

-- Whether a layer belongs to what a name says: an area, a layer, a word of layers.
local function belongs(node, name) return node.name == name or node.name:sub(1, #name + 1) == name .. "." end

local LISTED = schema.document("model:parameters", { trainable = { type = "boolean", default = false,
  doc = "whether what is frozen is left out" } })

--- net:parameters(pattern, { trainable = true }): a list of { name =, tensor = } in the order of the layers; pattern:
-- the name of an area or layer, or a Lua pattern on the parameters' names. trainable: leave out what is frozen.
-- > net = model "m" { input { 4 }, area "V1" { dense { 3 } }, readout "r" { dense { 2 } } }
-- > net:parameters("V1")   --> { V1.dense1.weight: 3x4 float32, V1.dense1.bias: 3 float32 }
function Model:parameters(pattern, options)
  local o = schema.check("parameters", options, LISTED)
  if pattern ~= nil and type(pattern) ~= "string" then
    errors.raise("argument", 2, "parameters: expected a pattern or the name of an area, got a %s", type(pattern))
  end
  local list, exact = {}, pattern and self:has(pattern)
  if pattern and not exact then choose.check_pattern(pattern, "parameters", 2) end
  for _, p in ipairs(self.list) do
    local fits = not pattern or exact and belongs(p.node, pattern) or not exact and p.name:find(pattern)
    if fits and not (o.trainable and p.node.frozen) then list[#list + 1] = p end
  end
  return list
end

--- net:buffers(): what is kept beside the parameters, such as the running statistics of norm.batch: a list of
-- { name =, tensor = }.
-- > net = model "m" { input { 3, 8, 8 }, area "V1" { norm.batch } }
-- > net:buffers()[1].name   --> V1.norm1.mean
function Model:buffers() return table.move(self.buffer_list, 1, #self.buffer_list, 1, {}) end

--- net:count(what): the number of parameters: of all, of an area or layer, "trainable" or "frozen". Shared ones count
-- once.
-- > net = models.lenet5 { classes = 10 }
-- > net:count(), net:count "V1"   --> 60000 168
function Model:count(what)
  local n, name = 0, what ~= "trainable" and what ~= "frozen" and what or nil
  if name and not self:has(name) then self:no_such(name, 2) end
  for _, p in ipairs(self.list) do
    local counts = not name or belongs(p.node, name)
    if what == "trainable" then counts = not p.node.frozen elseif what == "frozen" then counts = p.node.frozen end
    if counts then n = n + p.tensor:count() end
  end
  return n
end

-- ---- freezing --------------------------------------------------------------------------------------------------

local function set_frozen(net, names, frozen, level)
  local nodes = {}
  for _, name in ipairs(type(names) == "table" and names or { names }) do
    local exact, found = net:has(name), false
    if type(name) ~= "string" then net:no_such(name, level + 1) end
    if not exact then choose.check_pattern(name, frozen and "freeze" or "unfreeze", level + 1) end
    for _, node in ipairs(net.nodes) do
      local fits = name == "all" or exact and belongs(node, name) or not exact and node.name:find(name)
      if fits then nodes[#nodes + 1], found = node, true end
    end
    if not found then net:no_such(name, level + 1) end
  end
  for _, node in ipairs(nodes) do
    node.frozen = frozen or nil
    for _, p in ipairs(node.shared and {} or node.parameters) do node.params[p.name]:requires_grad(not frozen) end
  end
end

--- net:freeze(names): parameters of an area, a layer, a list of them, a Lua pattern on layers' names, or "all" stay
-- as they are from now on: they get no gradient, no optimizer attached afterwards updates them, and norm.batch there
-- uses its running statistics as they are. Shared weights go with the layer that they are named after. Returns the
-- model.
-- > net = model "m" { input { 4 }, area "V1" { dense { 3 } }, readout "r" { dense { 2 } } }
-- > net:freeze "V1"
-- > net:count "trainable"   --> 8
function Model:freeze(names)
  set_frozen(self, names or "all", true, 2)
  return self
end

--- net:unfreeze(names): undoes net:freeze.
-- > net = model "m" { input { 4 }, area "V1" { dense { 3 } }, readout "r" { dense { 2 } } }
-- > net:freeze "all"
-- > net:unfreeze "r"
-- > net:count "trainable"   --> 8
function Model:unfreeze(names)
  set_frozen(self, names or "all", false, 2)
  return self
end

-- ---- constraints -----------------------------------------------------------------------------------------------

--- net:constrain(names, constraint): what the weights of an area, a layer, a pattern or a list of these must be from
-- now on, after every update by any optimizer or rule: net:constrain("V1", "non_negative"), net:constrain("IT",
-- { "norm", max = 1 }). help "constraints" lists them. Returns the model.
-- > net = model "m" { input { 4 }, area "V1" { dense { 3 } }, readout "r" { dense { 2 } } }
-- > net:constrain("V1", "non_negative")
-- > net:parameters("V1")[1].tensor:ge(0):all()   --> true
function Model:constrain(names, constraint)
  local position = errors.position(2)
  if constraint == nil then
    errors.raise("argument", position, "constrain: expected names and a constraint, as in net:constrain(\"V1\", "
      .. "\"non_negative\")")
  end
  constraints.constrain(self, names, constraint, position)
  return self
end

--- net:holds(): whether all constraints hold now, bit for bit; else false and the one that does not.
-- > net = model "m" { input { 4 }, area "V1" { dense { 3, constraint = "non_negative" } } }
-- > net:holds()   --> true
function Model:holds() return constraints.holds(self) end

-- ---- digest and comparison -------------------------------------------------------------------------------------

-- Parameters, then buffers: { name, tensor }.
local function everything(net)
  local list = table.move(net.list, 1, #net.list, 1, {})
  return table.move(net.buffer_list, 1, #net.buffer_list, #list + 1, list)
end

--- net:digest(): SHA-256 over the parameters' (and buffers') names, shapes and bits, in order. Two models with the
-- same digest and the same layers give the same outputs.
-- > a = model "m" { seed = 1, input { 4 }, readout "r" { dense { 2 } } }
-- > b = model "m" { seed = 1, input { 4 }, readout "r" { dense { 2 } } }
-- > a:digest() == b:digest()   --> true
function Model:digest()
  local parts = {}
  for i, p in ipairs(everything(self)) do parts[i] = p.name .. " " .. p.tensor:digest() end
  return require("lamina.core.base").sha256(table.concat(parts, "\n"))
end

--- net:training(): the SHA-256 of how the weights were learned: what every `train` since the first weights began
-- with, its settings and its history; nil for weights that were not. It is saved with them, and taken up by net:load.
-- > net = model "m" { input { 4 }, readout "r" { dense { 2 } } }
-- > set = data.tensors { randn { 20, 4 }, randint(1, 2, { 20 }) }
-- > history = train { model = net, data = set, log = false }
-- > #net:training()   --> 64
function Model:training() return self.trained end

local Comparison = { __name = "comparison" }

Comparison.__tostring = function(self)
  if self.equal then return string.format("equal: %d parameters and buffers with the same bits", #self.rows) end
  local lines = { string.format("%d of %d differ; the first is %s", self.different, #self.rows, self.first) }
  for _, row in ipairs(self.rows) do
    if row.difference ~= 0 then
      lines[#lines + 1] = string.format("  %-28s %s", row.name, row.note or string.format("%.9g", row.difference))
    end
  end
  return table.concat(lines, "\n")
end

local function difference(a, b)
  if not b then return { difference = math.huge, note = "only in the first" } end
  if not layer.same_shape(a.shape, b.shape) then
    return { difference = math.huge, note = string.format("%s against %s", layer.shape_text(a.shape),
      layer.shape_text(b.shape)) }
  end
  if a:digest() == b:digest() then return { difference = 0 } end
  local worst = (a:detach() - b:detach()):abs():max():item()
  return { difference = worst, note = worst == 0 and "0 (only the signs of zeros differ)" or nil }
end

--- net:compare(other): how far the parameters and buffers of two models lie apart. Returns { equal =, first =,
-- different =, rows = { { name =, difference = }, ... } }: the largest absolute difference of each, infinite where
-- the other has none of that name and shape; `first` is the name of the first that differs; print shows it.
-- > net = model "m" { seed = 1, input { 4 }, readout "r" { dense { 2 } } }
-- > other = model "m" { seed = 2, input { 4 }, readout "r" { dense { 2 } } }
-- > net:compare(other).equal, net:compare(other).first   --> false r.dense1.weight
function Model:compare(other)
  if not require("lamina.model").is_model(other) then
    errors.raise("argument", 2, "compare: expected another model, got a %s", type(other))
  end
  local result = setmetatable({ rows = {}, different = 0, equal = true }, Comparison)
  local theirs, seen = {}, {}
  for _, p in ipairs(everything(other)) do theirs[p.name] = p.tensor end
  local function add(name, row)
    row.name = name
    result.rows[#result.rows + 1] = row
    if row.difference == 0 and not row.note then return end
    result.different, result.equal, result.first = result.different + 1, false, result.first or name
  end
  for _, p in ipairs(everything(self)) do
    seen[p.name] = true
    add(p.name, difference(p.tensor, theirs[p.name]))
  end
  for _, p in ipairs(everything(other)) do
    if not seen[p.name] then add(p.name, { difference = math.huge, note = "only in the second" }) end
  end
  return result
end

-- ---- copies and files ------------------------------------------------------------------------------------------

local function path_text(what, path)
  if type(path) == "string" and path ~= "" then return path end
  errors.raise("argument", 3, "%s: expected the name of a file, as in net:%s \"net.safetensors\", got a %s", what,
    what, type(path))
end

local function tensors_of(net)
  local tensors = {}
  for _, p in ipairs(everything(net)) do tensors[p.name] = p.tensor:detach() end
  return tensors
end

--- net:save(path): the parameters and buffers as safetensors; a relative path is one in the experiment's folder. The
-- metadata hold model (its name), description (what print shows), digest, constraints, lamina and numerics (the
-- versions), architecture (of the collection `models`: word and options, as JSON) and training (net:training()).
-- Returns the path written.
-- > net = model "m" { input { 4 }, readout "r" { dense { 2 } } }
-- > path = net:save "weights.safetensors"
-- > data.safetensors(path)["r.dense1.weight"].shape   --> { 2, 4 }
function Model:save(path)
  path = require("lamina.experiment").path(path_text("save", path))
  local io = require "lamina.core.io"
  io.safetensors_write(path, tensors_of(self), provenance.metadata(self, { model = self.name,
    description = tostring(self), digest = self:digest(),
    constraints = io.json_encode(constraints.described(self)) }))
  return path
end

-- What does not fit, in words, and how many of each: missing, extra, of another shape.
local function mismatches(net, tensors, partial)
  local known, wrong, fitting = {}, {}, 0
  for _, p in ipairs(everything(net)) do
    known[p.name] = true
    local t = tensors[p.name]
    if not t then
      if not partial then wrong[#wrong + 1] = p.name .. " is missing" end
    elseif not layer.same_shape(t.shape, p.tensor.shape) then
      wrong[#wrong + 1] = string.format("%s is %s, expected %s", p.name, layer.shape_text(t.shape),
        layer.shape_text(p.tensor.shape))
    else
      fitting = fitting + 1
    end
  end
  for name in pairs(tensors) do
    if not known[name] and not partial then wrong[#wrong + 1] = name .. " is not a parameter of this model" end
  end
  table.sort(wrong)
  return wrong, fitting
end

--- Copies tensors by name into the parameters and buffers, all or nothing; `what` names where they come from. Raises
-- at `level`. partial: names that one side lacks are passed over. Returns the names taken, missing and extra.
function Model:take(tensors, what, level, partial)
  local wrong, fitting = mismatches(self, tensors, partial)
  if partial and fitting == 0 and #wrong == 0 then wrong[1] = "not one name is that of a parameter of this model" end
  if #wrong > 0 then
    local more, notes = "", nil
    if #wrong > 4 then
      more, notes = string.format(" and %d more", #wrong - 4), {}
      for i, line in ipairs(wrong) do notes[i] = "  " .. line end
    end
    errors.raise_with(notes, "shape", level + 1, "%s does not fit %s: %s%s", what, self.name,
      table.concat(wrong, "; ", 1, math.min(#wrong, 4)), more)
  end
  local report, known = { taken = {}, missing = {}, extra = {} }, {}
  optim.commit() -- what an interrupt would put back is replaced
  base.uninterrupted(core.no_grad, function()
    for _, p in ipairs(everything(self)) do
      known[p.name] = true
      local list = tensors[p.name] and report.taken or report.missing
      list[#list + 1] = p.name
      if tensors[p.name] then p.tensor:copy(tensors[p.name]) end
    end
  end)
  for name in pairs(tensors) do
    if not known[name] then report.extra[#report.extra + 1] = name end
  end
  table.sort(report.extra)
  constraints.refresh(self)
  return report
end

local LOAD = schema.document("model:load", { partial = { type = "boolean", default = false,
  doc = "whether names that only the file or only the model has are passed over" } })

--- net:load(path, { partial = true }): takes parameters and buffers from a file that net:save made, looked for in the
-- experiment's folder and then as given. Names and shapes must be the model's; otherwise nothing is changed and the
-- error lists what is missing, extra or of another shape. partial: takes what the file and the model both name, and
-- returns, after the model, { taken =, missing =, extra = }: lists of names. A shape that differs is still an error.
-- > net = model "m" { seed = 1, input { 4 }, readout "r" { dense { 2 } } }
-- > path = net:save "net.safetensors"
-- > copy = model "m" { seed = 2, input { 4 }, readout "r" { dense { 2 } } }
-- > copy:load(path):digest() == net:digest()   --> true
function Model:load(path, options)
  local o = schema.check("load", options, LOAD)
  path = require("lamina.experiment").find(path_text("load", path))
  local io = require "lamina.core.io"
  local tensors, metadata = io.safetensors_read(path)
  if metadata and metadata.constraints then
    constraints.adopt(self, io.json_decode(metadata.constraints), tensors, errors.position(2))
  end
  local report = self:take(tensors, path, 2, o.partial)
  self.trained = not o.partial and metadata and metadata.training or nil
  if o.partial then return self, report end
  return self
end

--- net:clone(): a model of its own with the same layers, parameters, buffers and frozen areas.
-- > net = model "m" { input { 4 }, readout "r" { dense { 2 } } }
-- > net:clone():digest() == net:digest()   --> true
function Model:clone()
  local copy = require("lamina.model").build_again(self)
  constraints.adopt(copy, constraints.described(self), tensors_of(self), errors.position(2))
  copy:take(tensors_of(self), self.name, 2)
  copy.trained = self.trained
  for i, node in ipairs(self.nodes) do
    if node.frozen then set_frozen(copy, copy.nodes[i].name, true, 2) end
  end
  return copy
end

--- What a checkpoint keeps, and takes back.
function Model:state() return { tensors = recurrent.with_states(self, tensors_of(self)), values = {} } end

function Model:restore(state) self:take(recurrent.take_states(self, state.tensors), "the checkpoint", 2) end

--- A copy of the parameters' and buffers' values, for net:take.
function Model:snapshot()
  local tensors = tensors_of(self)
  for name, t in pairs(tensors) do tensors[name] = t:clone() end
  return tensors
end

return Model
