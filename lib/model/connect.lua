--- Connections that go against the order of areas: feedback and lateral. They are planned before the areas are built,
-- so that each area makes room where one joins, and given their layers afterwards, when every shape is known.
local layer = require "lamina.layer"
local merge = require "lamina.model.merge"
local ops = require "lamina.core.ops"
local scopes = require "lamina.model.scope"
local words = require "lamina.model.words"

local M = {}

local fail = scopes.fail

-- ---- the place where a connection joins ------------------------------------------------------------------------

-- What a connection brings, as wide as what it joins: a vector is one number for each channel of a map.
local function spread(f, x)
  if f.ndim == x.ndim then return f, false end
  local shape = f.shape
  for _ = f.ndim + 1, x.ndim do shape[#shape + 1] = 1 end
  return f:reshape(shape), true
end

local JOIN = {
  add = function(x, f) return ops.add(x, f) end,
  multiply = function(x, f)
    local gain = f + 1
    local y = ops.mul(x, gain)
    gain:release()
    return y
  end,
}

-- Nothing has arrived yet: zeros beside the input, or the input as it is.
local function without(o, x)
  if o.combine ~= "concat" then return x end
  local shape = x.shape
  return ops.unslice(x, { dim = 2, start = 1, size = shape[2] + o.channels })
end

local word = layer.define {
  word = "join", merges = true,
  doc = "Where a connection joins: the drive plus, or times 1 plus, or beside what arrives.",
  options = {
    combine = { type = "string", required = true },
    channels = { type = "integer", min = 0 },
  },
  shape = function(o, shapes)
    local shape = table.move(shapes[1], 1, #shapes[1], 1, {})
    if o.combine == "concat" then shape[1] = shape[1] + o.channels end
    return shape
  end,
  channels = function(o, maps)
    local list, count = table.move(maps[1], 1, #maps[1], 1, {}), #maps[1]
    for i, channel in ipairs(maps[2]) do
      if o.combine == "concat" then list[count + i] = channel elseif list[i] == 0 then list[i] = channel end
    end
    return list
  end,
  apply = function(o, _, xs)
    local x, f = xs[1], xs[2]
    if not f then return without(o, x) end
    if o.combine == "concat" then return ops.concat({ x, f }, { dim = 2 }) end
    local wide, made = spread(f, x)
    local y = JOIN[o.combine](x, wide)
    if made then wide:release() end
    return y
  end,
}

-- Called by the scope that holds the place.
local function join(scope, connection, source)
  local sources = { source, { name = connection.name, output = source.output } }
  local node = scope:node(word, { combine = connection.combine, channels = connection.width or 0,
    name = connection.name }, sources)
  sources[2].connection = connection
  connection.place, connection.target = node, source.output
  return node
end

-- ---- before the areas are built --------------------------------------------------------------------------------

local function name_of(build, item, counts)
  if item.name then
    if not item.name:match "^[%w_%-]+$" then
      fail(build, "argument", item.position, "%s: the name %q may only hold letters, digits, '_' and '-'", item.kind,
        item.name)
    end
    return item.name
  end
  repeat
    counts[item.kind] = (counts[item.kind] or 0) + 1
  until not build.declared[item.kind .. counts[item.kind]]
  return item.kind .. counts[item.kind]
end

-- Where a connection is to join, as the key under which scopes look: a layer's name, or a place in an area.
local function place_of(connection)
  local to = connection.to
  if to:find(".", 1, true) then return to end
  if connection.combine == "concat" then return "into " .. to end
  return "activation of " .. to
end

-- Gives an area's first activation outside words of layers what joins there; see M.feedback in lib/model/words.lua.
local function before(scope, spec, source)
  local key = "activation of " .. scope.block.name
  if not scope.build.joins[key] or not spec.layer.is_activation then return source end
  source = scope:joined(key, source)
  scope.build.joins[key] = nil
  return source
end

-- The channels that a list of layers gives, as far as its last layer with a width says; nil where none does.
local function declared_width(items)
  for i = #items, 1, -1 do
    local entry, width = items[i], nil
    while words.is_shared(entry) do entry = entry.inner end
    local spec = layer.spec(entry)
    if spec and spec.layer.options.width then
      width = spec.given.width or spec.given[1]
    elseif spec and spec.layer.expand then
      width = declared_width(spec.given)
    elseif not spec and type(entry) == "table" and not getmetatable(entry) then
      width = declared_width(entry)
    end
    if math.type(width) == "integer" then return width end
  end
end

-- A first guess at what a connection brings, for those whose channels decide what the areas give; the passes of
-- lib/model/build.lua correct it.
local function guess(build, connection)
  local width = declared_width(connection.item.items)
  local area = connection.from:match "^[^%.]+"
  for _, item in ipairs(build.items) do
    if not width and type(item) == "table" and rawget(item,
      "name") == area then width = declared_width(item.items) end
  end
  return width or 0
end

--- Notes every connection of a declaration at the place where it joins.
function M.plan(build, widths)
  local counts, names = {}, {}
  for _, item in ipairs(build.items) do
    if type(item) == "table" and (rawget(item, "kind") == "feedback" or rawget(item, "kind") == "lateral") then
      local connection = { kind = item.kind, from = item.from, to = item.to, item = item, delay = item.o.delay,
        combine = item.o.combine, resize = item.o.resize, name = name_of(build, item, counts),
          position = item.position }
      if names[connection.name] then
        fail(build, "argument", item.position, "%s: the name %q is already taken in this model", item.kind,
          connection.name)
      end
      names[connection.name] = true
      build.block_of_item[item] = connection.name
      local list = build.connections
      list[#list + 1] = connection
      connection.width = connection.combine == "concat" and (widths[#list] or guess(build, connection)) or nil
      local key = place_of(connection)
      build.joins[key] = build.joins[key] or {}
      table.insert(build.joins[key], connection)
    end
  end
  build.join, build.before = join, before
end

-- ---- when all areas are built ----------------------------------------------------------------------------------

local function called(connection)
  if connection.kind == "lateral" then return string.format("lateral { %q, ... }", connection.to) end
  return string.format("feedback { from = %q, to = %q, ... }", connection.from, connection.to)
end

-- The source, and the check that time allows the connection.
local function source_of(build, connection)
  local function wrong(...) fail(build, "argument", connection.position, ...) end
  local source = scopes.source(build, connection.from)
  local option = connection.kind == "lateral" and "at" or "from"
  if not source then
    wrong("%s: %s = %q names no area or layer of the model %s", called(connection), option, connection.from,
      scopes.near(build, connection.from))
  end
  if not connection.place then
    wrong("%s: to = %q names no area or layer of the model %s", called(connection), connection.to,
      scopes.near(build, connection.to))
  end
  if connection.place.block.connection then
    wrong("%s: to = %q is a connection; one joins an area or a readout", called(connection), connection.to)
  elseif connection.delay == 0 and not source.port then
    local first = connection.place.block.nodes[1]
    for _, node in ipairs(build.nodes) do
      if node == source and not source.block.connection then break end
      if node == first then
        wrong("%s makes a cycle without delay: what it brings would depend on itself; delay must be at least 1",
          called(connection))
      end
    end
  elseif connection.delay > 0 and not build.steps then
    wrong("%s needs time steps: say how many in the model, such as steps = 5", called(connection))
  end
  return source
end

local function needs_resize(from, to)
  return #from == 3 and #to == 3 and (from[2] ~= to[2] or from[3] ~= to[3])
end

-- Whether what a connection brings can join; raises with both shapes and what would fit.
local function check_fit(build, connection, shape)
  local target, wanted = connection.target, table.move(connection.target, 1, #connection.target, 1, {})
  if connection.combine == "concat" then
    if #shape == #target then wanted[1] = shape[1] end
  elseif #shape == 1 and shape[1] == target[1] then
    return
  end
  if layer.same_shape(shape, wanted) then return end
  local advice = merge.advice(shape, wanted) .. " at its end"
  if needs_resize(shape, target) and not connection.resize then
    advice = string.format("resize = \"nearest\" would bring its maps to %dx%d%s", target[2], target[3],
      shape[1] ~= wanted[1] and string.format(", and conv { %d, ... } its channels to %d", wanted[1],
        wanted[1]) or "")
  end
  fail(build, "shape", connection.position, "%s brings %s, but what it joins at %s is %s; %s", called(connection),
    layer.shape_text(shape), connection.place.name, layer.shape_text(target), advice)
end

local function fill(build, block, connection, source)
  local scope, item = scopes.of_block(build, block, connection.position), connection.item
  block.input = source.output
  local last = source
  if connection.delay > 0 or item.count == 0 then
    last = scope:node(require "lamina.layers.identity", { name = "from" }, source)
    last.delays = { connection.delay }
  end
  if connection.resize and needs_resize(source.output, connection.target) then
    local target = connection.target
    last = scope:node(require "lamina.layers.resize", { size = { target[2], target[3] }, mode = connection.resize,
      name = "resize" }, last)
  end
  last = scope:sequence(item.items, item.count, last, connection.position, connection.kind)
  block.last, block.output = last, last.output
end

-- The layers of a connection, as a block of their own.
local function add(build, connection)
  local source = source_of(build, connection)
  local item = connection.item
  local block = { kind = connection.kind, name = connection.name, nodes = {}, rows = {}, o = item.o,
    from = connection.from, to = connection.to, delay = connection.delay, connection = connection,
    frozen = item.o.frozen or item.frozen or false, rule = item.o.rule, position = connection.position }
  if build.blocks_by_name[block.name] then
    fail(build, "argument", connection.position, "%s: the name %q is already taken in this model", connection.kind,
      block.name)
  end
  if item.frozen ~= nil and build.core then build.core_blocks[block.name] = true end
  scopes.enter(build, block, function() fill(build, block, connection, source) end)
  check_fit(build, connection, block.output)
  connection.block, connection.last, connection.place.sources[2] = block, block.last, block.last
end

-- Nodes in the order of one time step: what arrives from earlier steps, then block by block as declared; a connection
-- without delay before the block that it joins.
local function order_of(build)
  local order, before_block = {}, {}
  local function append(block) table.move(block.nodes, 1, #block.nodes, #order + 1, order) end
  for _, connection in ipairs(build.connections) do
    local target = connection.place.block
    before_block[target] = before_block[target] or {}
    if connection.delay > 0 then append(connection.block) else table.insert(before_block[target],
      connection.block) end
  end
  for _, block in ipairs(build.blocks) do
    if not block.connection then
      for _, early in ipairs(before_block[block] or {}) do append(early) end
      append(block)
    end
  end
  return order
end

--- Gives every connection its layers, and the build its `order`.
function M.finish(build)
  for _, connection in ipairs(build.connections) do add(build, connection) end
  build.order = order_of(build)
  if build.steps then return end
  for _, node in ipairs(build.nodes) do
    for _, delay in ipairs(node.delays) do
      if delay > 0 then
        fail(build, "argument", node.block.position, "%s %q reads what lies %d time step%s back, but the model has "
          .. "no steps; say how many, such as steps = 5", node.block.kind, node.block.name, delay,
            delay == 1 and "" or "s")
      end
    end
  end
end

return M
