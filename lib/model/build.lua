--- From what a script declares to a checked graph of layers. Nothing is computed and no weight is drawn until every
-- option, name and shape has been found right. A mistake is raised at the line of the constructor that holds it, with
-- the shapes known so far.
--
-- A node is one layer: { name, short, block, layer, options, input, output, sources, delays, parameters, ... }; its
-- sources are nodes, or build.port, which stands for the input; delays[i] is how many time steps source i lies back.
local connect = require "lamina.model.connect"
local layer = require "lamina.layer"
local scopes = require "lamina.model.scope"

local M = {}

local fail, described = scopes.fail, scopes.described

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

-- Raises for a name that is no source.
local function no_source(build, item, name, option)
  local what = string.format("%s %q", item.kind, item.name or "")
  local area = tostring(name):match "^[^%.]+"
  if build.declared[area] and not build.blocks_by_name[area] then
    fail(build, "argument", item.position, "%s: %s = %q comes after it, which would make a cycle without delay; "
      .. "feedback { from = %q, to = %q, ... } carries it back with a delay", what, option, name, name,
        item.name or "...")
  end
  fail(build, "argument", item.position, "%s: %s = %q names no area before it %s", what, option, tostring(name),
    scopes.near(build, name))
end

-- What a block reads that names nothing: the area before it.
local function source_before(build, item)
  return item.after or build.last_area and build.last_area.name or "input"
end

-- What feeds a block, as a list of sources.
local function sources_of(build, item)
  local from = item.o.from
  if from == nil then return { scopes.source(build, source_before(build, item)) } end
  local list = {}
  for i, name in ipairs(type(from) == "table" and from or { from }) do
    if type(name) ~= "string" then
      fail(build, "argument", item.position, "%s %q: from[%d] is %s, expected a name", item.kind, item.name, i,
        described(name))
    end
    list[i] = scopes.source(build, name) or no_source(build, item, name, "from")
  end
  if #list == 0 then fail(build, "argument", item.position, "%s %q: from names nothing", item.kind, item.name) end
  return list
end

-- The delay of a block's sources: declared, or what the order of updates says.
local function delay_of(build, item, source)
  if item.o.delay then return item.o.delay end
  return build.update == "parallel" and item.kind == "area" and source ~= build.port and 1 or 0
end

local MERGES = { concat = "lamina.layers.concat", add = "lamina.layers.add", multiply = "lamina.layers.multiply",
  maximum = "lamina.layers.maximum", average = "lamina.layers.average" }

-- The block's layers; what several sources give is joined first. Sources that lie back in time are entered by a node
-- of their own, so that nothing else looks back.
local function fill(build, block, item)
  local scope = scopes.of_block(build, block, item.position)
  local sources, delays, late = sources_of(build, item), {}, false
  for i, source in ipairs(sources) do
    delays[i] = delay_of(build, item, source)
    late = late or delays[i] > 0
  end
  local source = sources[1]
  if #sources > 1 then
    source = scope:node(require(MERGES[item.o.combine]), { name = "from" }, sources)
  elseif late then
    source = scope:node(require "lamina.layers.identity", { name = "from" }, source)
  end
  if late then source.delays = delays end
  block.input = source.output
  source = scope:joined("into " .. block.name, source)
  for i = 1, item.count do
    source = scope:entry(item.items[i], source, item.position, string.format("%s %q", item.kind, item.name), i)
    if item.stop and scopes.source(build, item.stop) == source then break end
  end
  block.last = scope:joined("activation of " .. block.name, source)
  block.output = block.last.output
end

local function new_block(build, item)
  return { kind = item.kind, name = item.name, nodes = {}, rows = {}, o = item.o, from = item.o.from,
    after = source_before(build, item),
    frozen = item.o.frozen or item.frozen or false, cells = item.o.cells, rule = item.o.rule,
      position = item.position }
end

local function add_block(build, item)
  check_name(build, item)
  if item.count == 0 then
    fail(build, "argument", item.position, "%s %q holds no layer", item.kind, item.name)
  end
  local block = new_block(build, item)
  build.block_of_item[item] = block.name
  scopes.enter(build, block, function() fill(build, block, item) end)
  if item.kind == "area" then build.last_area = block else build.readouts[#build.readouts + 1] = block end
end

local function take_input(build, item)
  if build.input then
    fail(build, "argument", item.position, "input: the model has an input already%s; there can be one",
      build.core and ", that of its core" or "")
  end
  if #build.blocks > 0 then fail(build, "argument", item.position, "input: must stand before the areas") end
  build.input = item.shape
  build.port = { name = "input", output = item.shape, port = true }
  build.trace[1] = "input " .. layer.shape_text(item.shape)
end

local KINDS = { input = true, area = true, readout = true, feedback = true, lateral = true }

local function take(build, item, i)
  if type(item) ~= "table" or layer.is_spec(item) or layer.is_word(item) or not KINDS[rawget(item, "kind")] then
    local position = layer.is_spec(item) and item.position or build.position
    fail(build, "argument", position, "model %q: entry %d is %s, expected input {...}, area \"NAME\" {...}, "
      .. "readout \"NAME\" {...}, feedback {...} or lateral {...}", build.name, i, described(item))
  end
  if item.kind == "input" then return take_input(build, item) end
  if not build.input then
    fail(build, "argument", item.position, "%s %q: the model needs an input before it, such as input { 1, 28, 28 }",
      item.kind, item.name or "")
  end
  if item.kind == "area" or item.kind == "readout" then add_block(build, item) end
end

-- Names that are declared anywhere, so that one that comes later is told from one that does not exist.
local function declared_names(items)
  local names = {}
  for _, item in ipairs(items) do
    if type(item) == "table" and type(rawget(item, "name")) == "string" then names[item.name] = true end
  end
  return names
end

-- After the areas of a core: the model's own begin where it ends.
local function enter_core(build)
  build.last_area, build.core_blocks = build.blocks_by_name[build.core.area], {}
  for _, block in ipairs(build.blocks) do build.core_blocks[block.name] = true end
end

-- One pass over the declaration; `widths` is what each connection that is joined by "concat" is taken to bring.
local function pass(declaration, widths)
  local build = { name = declaration.name, position = declaration.position, steps = declaration.steps,
    update = declaration.update, core = declaration.core, trace = {}, nodes = {}, blocks = {}, readouts = {},
    nodes_by_name = {}, blocks_by_name = {}, groups_by_name = {}, block_of_item = {}, shared = {}, joins = {},
      connections = {},
    declared = declared_names(declaration.items), items = declaration.items }
  connect.plan(build, widths)
  for i = 1, declaration.count do
    take(build, declaration.items[i], i)
    if build.core and i == build.core.count then enter_core(build) end
  end
  if not build.input then
    fail(build, "argument", build.position, "model %q has no input, such as input { 1, 28, 28 }", build.name)
  end
  if #build.nodes == 0 then
    fail(build, "argument", build.position, "model %q has no area or readout", build.name)
  end
  connect.finish(build)
  return build
end

--- Checks a declaration { name =, items =, count =, position =, steps =, update =, core = } and returns the build:
-- { name, input, nodes, blocks, readouts, nodes_by_name, blocks_by_name, groups_by_name, connections, order }.
function M.build(declaration)
  local widths = {}
  for _ = 1, 8 do
    local build = pass(declaration, widths)
    local settled = true
    for i, connection in ipairs(build.connections) do
      local channels = connection.combine == "concat" and connection.last.output[1] or nil
      settled = settled and channels == connection.width
      widths[i] = channels
    end
    if settled then return build end
  end
  local at = declaration.position
  scopes.fail({ trace = {} }, "shape", at, "model %q: channels that a connection brings with combine = \"concat\" "
    .. "grow with those it leaves, without end; a layer such as conv { 8, kernel = 1 } in it fixes their number",
    declaration.name)
end

return M
