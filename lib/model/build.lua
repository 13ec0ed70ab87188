--- From what a script declares to a checked chain of layers. Nothing is computed and no weight is drawn until every
-- option, name and shape has been found right. A mistake is raised at the line of the constructor that holds it, with
-- the shapes known so far.
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local schema = require "lamina.schema"
local weights = require "lamina.weights"

local M = {}

-- Raises at a constructor's line, with the shapes so far as a note.
local function fail(build, kind, position, format, ...)
  local notes = #build.trace > 0 and { "  shapes so far: " .. table.concat(build.trace, " -> ") } or nil
  errors.raise_with(notes, kind, position, format, ...)
end

local function described(value)
  if layer.is_word(value) then return "the layer " .. value.full end
  if layer.is_spec(value) then return "the layer " .. value.layer.full end
  if value == nil then return "nil (a name that holds nothing?)" end
  if type(value) == "table" and rawget(value, "kind") then
    return value.kind .. (value.name and string.format(" %q", value.name) or "")
  end
  if type(value) == "string" then return string.format("the string %q", value) end
  return "a " .. type(value)
end

-- The layer's options, checked; a mistake gets the trace.
local function options_of(build, spec)
  local word = spec.layer
  local ok, result = pcall(schema.check, word.full, spec.given, word.options, spec.position)
  if not ok then
    if errors.is_error(result) then fail(build, result.kind, spec.position, "%s", result.message) end
    error(result, 0)
  end
  if result.init ~= nil then
    local good, why = weights.check(result.init)
    if not good then fail(build, "argument", spec.position, "%s: %s", word.full, why) end
  end
  return result
end

-- conv1, conv2, ... within the area, or the name that the script gives.
local function name_of(build, block, spec, o)
  local name = o.name
  if not name then
    block.counts[spec.layer.word] = (block.counts[spec.layer.word] or 0) + 1
    name = spec.layer.word .. block.counts[spec.layer.word]
  end
  if not name:match("^[%w_%-]+$") then
    fail(build, "argument", spec.position, "%s: name '%s' may only hold letters, digits, '_' and '-'",
      spec.layer.full,
      name)
  end
  local full = block.name .. "." .. name
  if build.nodes_by_name[full] then
    fail(build, "argument", spec.position, "%s: the name '%s' is taken by another layer of %s", spec.layer.full, name,
      block.name)
  end
  return full, name
end

local function add_layer(build, block, spec, shape)
  local word = spec.layer
  local o = options_of(build, spec)
  local full, short = name_of(build, block, spec, o)
  local message
  if word.resolve then
    o, message = word.resolve(o, shape)
    if not o then fail(build, "shape", spec.position, "%s: %s", word.full, message) end
  end
  local output
  output, message = word.shape(o, shape)
  if not output then fail(build, "shape", spec.position, "%s: %s", word.full, message) end
  local node = { name = full, short = short, block = block, layer = word, options = o, input = shape, output = output,
    parameters = word.parameters and word.parameters(o, shape) or {}, params = {},
    cost = word.cost and word.cost(o, shape, output) or 0 }
  for _, p in ipairs(node.parameters) do p.full = full .. "." .. p.name end
  build.nodes[#build.nodes + 1] = node
  build.nodes_by_name[full] = node
  block.nodes[#block.nodes + 1] = node
  return output, full
end

local function check_name(build, item)
  local name = item.name
  if not name:match("^[%w_%-]+$") then
    fail(build, "argument", item.position, "%s: the name %q may only hold letters, digits, '_' and '-'", item.kind,
      name)
  end
  if name == "input" or build.blocks_by_name[name] then
    fail(build, "argument", item.position, "%s: the name %q is already taken in this model", item.kind, name)
  end
end

-- Which block feeds this one, and the shape that it gives.
local function source_of(build, item)
  local from = item.from
  if not from then
    local last = build.last_area
    return last, last and last.output or build.input
  end
  local source = build.blocks_by_name[from]
  if source then return source, source.output end
  local names = {}
  for _, block in ipairs(build.blocks) do names[#names + 1] = block.name end
  local near = schema.nearest(from, names)
  fail(build, "argument", item.position, "%s %q: from = %q names no area before it %s", item.kind, item.name, from,
    near and string.format("(did you mean '%s'?)", near) or #names == 0 and "(there is none yet)"
    or "(there are " .. table.concat(names, ", ") .. ")")
end

local function add_block(build, item)
  check_name(build, item)
  if item.count == 0 then
    fail(build, "argument", item.position, "%s %q holds no layer", item.kind, item.name)
  end
  local source, shape = source_of(build, item)
  local block = { kind = item.kind, name = item.name, source = source, input = shape, nodes = {}, counts = {} }
  local mark = #build.trace
  for i = 1, item.count do
    local entry = item.items[i]
    local spec = layer.spec(entry, item.position)
    if not spec then
      fail(build, "argument", item.position, "%s %q: entry %d is %s, expected a layer such as conv { 16, "
        .. "kernel = 5 } or relu", item.kind, item.name, i, described(entry))
    end
    local name
    shape, name = add_layer(build, block, spec, shape)
    build.trace[#build.trace + 1] = name .. " " .. layer.shape_text(shape)
  end
  for i = #build.trace, mark + 1, -1 do build.trace[i] = nil end
  build.trace[mark + 1] = item.name .. " " .. layer.shape_text(shape)
  block.output = shape
  build.blocks[#build.blocks + 1] = block
  build.blocks_by_name[item.name] = block
  if item.kind == "area" then build.last_area = block else build.readouts[#build.readouts + 1] = block end
end

local function take_input(build, item)
  if build.input then
    fail(build, "argument", item.position, "input: the model has an input already; there can be one")
  end
  if #build.blocks > 0 then fail(build, "argument", item.position, "input: must stand before the areas") end
  build.input = item.shape
  build.trace[1] = "input " .. layer.shape_text(item.shape)
end

local function take(build, item, i)
  if type(item) ~= "table" or layer.is_spec(item) or layer.is_word(item) or not rawget(item, "kind") then
    local position = layer.is_spec(item) and item.position or build.position
    fail(build, "argument", position, "model %q: entry %d is %s, expected input {...}, area \"NAME\" {...} or "
      .. "readout \"NAME\" {...}", build.name, i, described(item))
  end
  if item.kind == "input" then return take_input(build, item) end
  if not build.input then
    fail(build, "argument", item.position, "%s %q: the model needs an input before it, such as input { 1, 28, 28 }",
      item.kind, item.name)
  end
  if item.kind == "area" and #build.readouts > 0 then
    fail(build, "argument", item.position, "area %q stands after readout %q; areas come before readouts", item.name,
      build.readouts[1].name)
  end
  add_block(build, item)
end

--- Checks a declaration and returns { name, input, nodes, blocks, readouts, nodes_by_name, blocks_by_name }.
function M.build(name, items, count, position)
  local build = { name = name, position = position, trace = {}, nodes = {}, blocks = {}, readouts = {},
    nodes_by_name = {}, blocks_by_name = {} }
  for i = 1, count do take(build, items[i], i) end
  if not build.input then
    fail(build, "argument", position, "model %q has no input, such as input { 1, 28, 28 }", name)
  end
  if #build.nodes == 0 then fail(build, "argument", position, "model %q has no area or readout", name) end
  return build
end

return M
