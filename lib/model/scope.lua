--- Where layers are put while a model is built: an area, or a word made of layers within it (residual, concat, ...).
--
-- A source is something with an `output` shape: the input, or a node. What words with `expand` may call:
--
--   scope.items, scope.count          the layers that stand in the word's table
--   scope:chain(items, source, name)  puts layers behind one another; returns the last one's source. With a name,
--                                     theirs begin with it: V1.residual1.shortcut.conv1
--   scope:branches(source)            each item as a branch that begins at source; returns the list of their ends
--   scope:node(word, options, sources)  puts one layer on one source or a list of them
--   scope:layers()                    the nodes made within the word so far
--   scope:fail(kind, format, ...)     raises at the word's line, with the shapes so far
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local merged = require "lamina.merged"
local schema = require "lamina.schema"
local weights = require "lamina.weights"
local words = require "lamina.model.words"

local M = {}

local DEEPEST <const> = 40 -- words of layers within words of layers

local Scope = {}
Scope.__index = Scope

--- Raises at a constructor's line, with the shapes so far, and the layer that was being built, as notes.
function M.fail(build, kind, position, format, ...)
  local notes = {}
  if build.building then notes[1] = "  layer: " .. build.building end
  if #build.trace > 0 then notes[#notes + 1] = "  shapes so far: " .. table.concat(build.trace, " -> ") end
  errors.raise_with(#notes > 0 and notes or nil, kind, position, format, ...)
end

local fail = M.fail

function Scope:fail(kind, format, ...)
  self.build.building = self.depth > 0 and self.prefix:sub(1, -2) or nil
  fail(self.build, kind, self.position, format, ...)
end

--- A value as messages call it.
function M.described(value)
  if layer.is_word(value) then return "the layer " .. value.full end
  if layer.is_spec(value) then return "the layer " .. value.layer.full end
  if value == nil then return "nil (a name that holds nothing?)" end
  if type(value) == "table" and rawget(value, "kind") then
    return value.kind .. (value.name and string.format(" %q", value.name) or "")
  end
  if type(value) == "string" then return string.format("the string %q", value) end
  local word = type(value) ~= "string" and require("lamina.words").name_of(value)
  if word then return string.format("the word %s itself (help %q tells how it is used)", word, word) end
  if type(value) == "function" then return "a function (call it: block(16) gives the layers)" end
  return "a " .. type(value)
end

-- A layer's options, checked; a mistake gets the trace.
local function options_of(build, spec, given)
  local word = spec.layer
  local ok, result = pcall(schema.check, word.full, given, word.options, spec.position)
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

-- conv1, conv2, ... within the scope, or the name that the script gives.
function Scope:name(what, given, position)
  local name = given
  if not name then
    self.counts[what] = (self.counts[what] or 0) + 1
    name = what .. self.counts[what]
  end
  if not name:match("^[%w_%-]+$") then
    fail(self.build, "argument", position, "%s: name '%s' may only hold letters, digits, '_' and '-'", what, name)
  end
  local full = self.prefix .. name
  if self.build.nodes_by_name[full] or self.build.groups_by_name[full] then
    fail(self.build, "argument", position, "%s: the name '%s' is taken by another layer of %s", what, name,
      self.prefix:sub(1, -2))
  end
  return full, name
end

local function shapes_of(sources)
  local shapes = {}
  for i, source in ipairs(sources) do shapes[i] = source.output end
  return shapes
end

-- The layer's options and output on its input shape (merging words: the list of shapes).
local function fitted(build, word, o, position, shape)
  local message
  if word.resolve then
    o, message = word.resolve(o, shape, { steps = build.steps })
    if not o then fail(build, "shape", position, "%s: %s", word.full, message) end
  end
  local output
  output, message = word.shape(o, shape)
  if not output then fail(build, "shape", position, "%s: %s", word.full, message) end
  return o, output
end

-- The weights of the layer at this place of a shared value, made at its first use; nil for a first use.
local function share(build, node, position)
  local sharing = build.sharing
  if not sharing then return end
  sharing.at = sharing.at + 1
  local first = sharing.list[sharing.at]
  if not first then
    sharing.list[sharing.at] = node
    return
  end
  for i, p in ipairs(first.parameters) do
    local own = node.parameters[i]
    if not own or not layer.same_shape(own.shape, p.shape) then
      fail(build, "shape", position, "shared: the %s of %s is %s, but for an input of %s it would be %s here; a "
        .. "shared layer needs inputs that its weights fit", p.name, first.name, layer.shape_text(p.shape),
        layer.shape_text(node.input), own and layer.shape_text(own.shape) or "absent")
    end
  end
  node.shared = first
end

local function new_node(self, word, o, full, short, sources, position)
  local build = self.build
  local shape = (word.merges or word.reads) and shapes_of(sources) or sources[1].output
  local output
  build.building = full:gsub("%.join$", "")
  o, output = fitted(build, word, o, position, shape)
  build.building = nil
  local node = { name = full, short = short, block = self.block, depth = self.depth, layer = word, options = o,
    input = shape, output = output, sources = sources, delays = {}, position = position,
    parameters = word.parameters and word.parameters(o, shape) or {}, params = {},
    buffer_list = word.buffers and word.buffers(o, shape) or {}, buffers = {}, held = {},
    cost = word.cost and word.cost(o, shape, output) or 0 }
  for _, p in ipairs(node.parameters) do p.full = full .. "." .. p.name end
  for _, b in ipairs(node.buffer_list) do b.full = full .. "." .. b.name end
  share(build, node, position)
  build.nodes[#build.nodes + 1] = node
  build.nodes_by_name[full] = node
  self.block.nodes[#self.block.nodes + 1] = node
  self.block.rows[#self.block.rows + 1] = node
  build.trace[#build.trace + 1] = full .. " " .. layer.shape_text(output)
  return node
end

function Scope:node(word, options, sources)
  local spec = { layer = word, given = options or {}, position = self.position }
  if sources.output then sources = { sources } end
  local o = options_of(self.build, spec, spec.given)
  local full, short = self:name(word.word, o.name, self.position)
  return new_node(self, word, o, full, short, sources, self.position)
end

function Scope:layers()
  local list = {}
  for i = self.first_node, #self.build.nodes do list[#list + 1] = self.build.nodes[i] end
  return list
end

local function inner_scope(self, prefix, position)
  return setmetatable({ build = self.build, block = self.block, prefix = prefix, counts = {}, position = position,
    depth = self.depth + 1, first_node = #self.build.nodes + 1 }, Scope)
end

-- Joins what connections bring to a place (lib/model/connect.lua).
function Scope:joined(name, source)
  for _, connection in ipairs(self.build.joins[name] or {}) do
    source = self.build.join(self, connection, source)
  end
  return source
end

-- Within a word of layers the trace shows each; outside, the word with its output.
local function group(self, full, short, position, make)
  local build, mark = self.build, #self.build.trace
  local row = { group = true, name = full, short = short, depth = self.depth }
  self.block.rows[#self.block.rows + 1] = row
  local scope = inner_scope(self, full .. ".", position)
  local last = make(scope)
  for i = #build.trace, mark + 1, -1 do build.trace[i] = nil end
  build.trace[mark + 1] = full .. " " .. layer.shape_text(last.output)
  row.output, row.last = last.output, last
  build.groups_by_name[full] = row
  return last
end

-- residual {...}, concat {...}: a word that holds layers.
local function add_composite(self, spec, source)
  local word = spec.layer
  local items, given, count = layer.split(spec.given)
  local o = options_of(self.build, spec, word.whole and spec.given or given)
  local full, short = self:name(word.word, o.name, spec.position)
  source = self:joined(full, source)
  return group(self, full, short, spec.position, function(scope)
    scope.items, scope.count = items, count
    if count == 0 and not word.whole then scope:fail("argument", "%s holds no layer", word.full) end
    if word.expand then return word.expand(scope, o, source) end
    local ends = scope:branches(source)
    local inner, name = scope:name("join", "join", spec.position)
    return new_node(scope, word, o, inner, name, ends, spec.position)
  end)
end

-- What a layer reads by name, after what stands before it.
local function with_reads(self, spec, o, source)
  local sources = { source }
  for _, name in ipairs(spec.layer.reads and spec.layer.reads(o) or {}) do
    sources[#sources + 1] = M.source(self.build, name) or fail(self.build, "argument", spec.position,
      "%s: %q names nothing that stands before it %s", spec.layer.full, name, M.near(self.build, name))
  end
  return sources
end

local function add_leaf(self, spec, source, given)
  local o = options_of(self.build, spec, given or spec.given)
  local full, short = self:name(spec.layer.word, o.name, spec.position)
  local sources = with_reads(self, spec, o, self:joined(full, source))
  return new_node(self, spec.layer, o, full, short, sources, spec.position)
end

-- The weights of a shared value are kept by the value that was shared.
local function add_shared(self, value, source)
  local build, outer = self.build, self.build.sharing
  local key = value.inner
  while words.is_shared(key) do key = key.inner end
  build.shared[key] = build.shared[key] or {}
  build.sharing = { list = build.shared[key], at = 0 }
  if value.options then
    local given = merged(value.inner.given, value.options)
    local spec = { layer = key.layer, given = given, position = value.position }
    source = add_leaf(self, spec, source)
  else
    source = self:entry(key, source, value.position)
  end
  build.sharing = outer
  return source
end

local put

--- One entry of a table of layers: a layer, a word of layers, a shared one, or a table of them.
function Scope:entry(entry, source, position, what, i)
  local build = self.build
  build.nesting = (build.nesting or 0) + 1
  if build.nesting > DEEPEST then
    build.trace = {} -- it would be the same again and again
    fail(build, "argument", position, "%s: layers within layers, more than %d deep: does a table of layers hold "
      .. "itself?", what or "layers", DEEPEST)
  end
  local last = put(self, entry, source, position, what, i)
  build.nesting = build.nesting - 1
  return last
end

function put(self, entry, source, position, what, i)
  if words.is_shared(entry) then return add_shared(self, entry, source) end
  local spec = layer.spec(entry, position)
  if spec then
    local word = spec.layer
    if self.depth == 0 then source = self.build.before(self, spec, source) end
    if word.merges or word.expand then return add_composite(self, spec, source) end
    return add_leaf(self, spec, source)
  end
  if type(entry) == "table" and not getmetatable(entry) and not rawget(entry, "kind") then
    return self:table(entry, source, position)
  end
  fail(self.build, "argument", position, "%s: entry %d is %s, expected a layer such as conv { 16, kernel = 5 } or "
    .. "relu",
    what or "layers", i or 1, M.described(entry))
end

-- A plain table of layers: one behind the other; with a name, a group of that name.
function Scope:table(given, source, position)
  local items, options, count = layer.split(given)
  local o = schema.check("a table of layers", options, { name = { type = "string", doc = "the group's name" } },
    position)
  if count == 0 then fail(self.build, "argument", position, "a table of layers holds no layer") end
  if not o.name then return self:sequence(items, count, source, position) end
  local full, short = self:name("layers", o.name, position)
  return group(self, full, short, position, function(scope)
    return scope:sequence(items, count, self:joined(full, source), position)
  end)
end

function Scope:sequence(items, count, source, position, what)
  for i = 1, count do source = self:entry(items[i], source, position, what, i) end
  return source
end

function Scope:chain(items, source, name)
  local list, options, count = layer.split(items)
  if next(options) then
    self:fail("argument", "a table of layers has the option '%s' here; it takes none", tostring(next(options)))
  end
  if count == 0 then return source end
  if not name then return self:sequence(list, count, source, self.position) end
  return group(self, self.prefix .. name, name, self.position, function(scope)
    return scope:sequence(list, count, source, self.position)
  end)
end

function Scope:branches(source)
  local ends, mark = {}, #self.build.trace
  for i = 1, self.count do
    local item = self.items[i]
    local plain = type(item) == "table" and not getmetatable(item) and not rawget(item, "kind")
    local name = plain and item.name or "branch" .. i
    if type(name) ~= "string" then
      self:fail("argument", "branch %d: option 'name' is a %s, expected a string", i, type(name))
    end
    local entry = plain and item or { item }
    if plain and item.name then
      entry = merged(item)
      entry.name = nil
    end
    local list, _, count = layer.split(entry)
    if count == 0 then self:fail("argument", "branch %d holds no layer; identity passes the input on", i) end
    local full, short = self:name(name, name, self.position)
    ends[i] = group(self, full, short, self.position, function(scope)
      return scope:sequence(list, count, source, self.position)
    end)
    for k = #self.build.trace, mark + 1, -1 do self.build.trace[k] = nil end
  end
  return ends
end

--- What a name stands for as a source: a block's last layer, a layer, the last of a word of layers, the input.
function M.source(build, name)
  if name == "input" then return build.port end
  local block = build.blocks_by_name[name]
  if block then return block.last end
  local group_row = build.groups_by_name[name]
  return build.nodes_by_name[name] or group_row and group_row.last
end

--- What to say after a name that is no source: the nearest one, or those there are.
function M.near(build, name)
  local names, all = {}, {}
  for _, block in ipairs(build.blocks) do names[#names + 1] = block.name end
  for _, known in ipairs(names) do all[#all + 1] = known end
  for _, node in ipairs(build.nodes) do all[#all + 1] = node.name end
  local near = schema.nearest(tostring(name), all)
  return near and string.format("(did you mean '%s'?)", near) or #names == 0 and "(there is none yet)"
    or "(there are " .. table.concat(names, ", ") .. ")"
end

--- Adds a block that `make` fills; afterwards the trace shows it as one shape.
function M.enter(build, block, make)
  local mark = #build.trace
  make()
  for i = #build.trace, mark + 1, -1 do build.trace[i] = nil end
  build.trace[mark + 1] = block.name .. " " .. layer.shape_text(block.output)
  build.blocks[#build.blocks + 1] = block
  build.blocks_by_name[block.name] = block
end

--- The scope of an area's own table.
function M.of_block(build, block, position)
  return setmetatable({ build = build, block = block, prefix = block.name .. ".", counts = {}, position = position,
    depth = 0, first_node = #build.nodes + 1 }, Scope)
end

return M
