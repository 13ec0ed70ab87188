--- Files for editors: what the words, options, ops and methods are, for the Lua language server and for luacheck.
--
--   require("lamina.editor").write "DIR"     -- `./run docs` does it into build/editor
--
-- DIR/library/lamina.lua is a definition file (---@meta) of the Lua language server: every word, op and method with
-- its parameters, option tables with types, defaults and docs. DIR/.luarc.json names it; copied beside a script with
-- the folder library, it gives completion, signatures and help in any editor that runs the server. DIR/.luacheckrc is
-- a standard for luacheck that knows the words and their fields, so that a misspelt one is found before a run. All
-- comes from what `help` reads: the ops' descriptors, the options' schemas, the comments of lib/.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local help = require "lamina.help"
local io_core = require "lamina.core.io"
local objects = require "lamina.help.objects"
local ops = require "lamina.core.ops"
local page = require "lamina.help.page"
local schema = require "lamina.schema"
local stock_pairs = require("lamina.core.repeatable").stock_pairs
local words = require "lamina.words"

local M = {}

local function sorted_names(t)
  local names = {}
  for name in stock_pairs(t) do
    if type(name) == "string" and name:match "^[%a_][%w_]*$" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- ---- text ------------------------------------------------------------------------------------------------------

local Writer = {}
Writer.__index = Writer

function Writer:line(format, ...)
  self[#self + 1] = select("#", ...) > 0 and string.format(format, ...) or format
end

-- A text as comment lines, in which an example is a block of Markdown.
function Writer:comment(text)
  local inside = false
  for line in ((text or "") .. "\n"):gmatch "(.-)\n" do
    local code = line:match "^> (.*)$"
    if inside ~= (code ~= nil) then self:line("%s", inside and "--- ```" or "--- ```lua") end
    inside = code ~= nil
    self:line("%s", ("--- " .. (code or line)):gsub("%s+$", ""))
  end
  if inside then self:line "--- ```" end
end

local function one_line(text) return ((text or ""):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end

-- ---- types -----------------------------------------------------------------------------------------------------

local TYPES = { integer = "integer", number = "number", boolean = "boolean", string = "string", table = "table",
  tensor = "tensor", choice = "string", pair = "integer|integer[]", any = "any", ["function"] = "function" }

local function choices_type(list)
  local parts = {}
  for i, name in ipairs(list) do parts[i] = string.format("%q", name) end
  return table.concat(parts, "|")
end

-- The type of a field of a schema.
local function field_type(field)
  if field.choices then
    local list = field.choices
    if type(list) == "string" then
      list = {}
      for name in field.choices:gmatch "%S+" do list[#list + 1] = name end
    end
    return choices_type(list)
  end
  local parts = {}
  for _, name in ipairs(type(field.type) == "table" and field.type or { field.type or "any" }) do
    parts[#parts + 1] = TYPES[name] or "any"
  end
  return table.concat(parts, "|")
end

local KINDS = { integer = "integer", integers = "integer|integer[]", number = "number", boolean = "boolean",
  axis = "integer", axes = "integer|integer[]", shape = "integer|integer[]", dtype = "dtype", position = "integer" }

-- The type of a parameter of an op.
local function parameter_type(p)
  if p.kind ~= "choice" then return KINDS[p.kind] or "any" end
  local list = {}
  for name in p.choices:gmatch "%S+" do list[#list + 1] = name end
  return choices_type(list)
end

local function default_text(value)
  return value ~= nil and string.format(" (default %s)", type(value) == "table" and "{...}" or tostring(value)) or ""
end

-- A class for the options of a word: fields by name, and by place where they may stand first.
local function option_class(w, name, fields)
  w:line("---@class %s", name)
  for i, first in ipairs(fields.positional or {}) do
    if fields[first] then w:line("---@field [%d]? %s %s", i, field_type(fields[first]), first) end
  end
  for _, option in ipairs(sorted_names(fields)) do
    local field = fields[option]
    if option ~= "positional" then
      local by_place = fields.positional and #fields.positional > 0
      w:line("---@field %s%s %s %s%s", option, field.required and not by_place and "" or "?", field_type(field),
        one_line(field.doc), default_text(field.default))
    end
  end
  w:line ""
end

-- ---- ops -------------------------------------------------------------------------------------------------------

-- Inputs of an op, as a list of { name =, optional =, many = }.
local function inputs_of(op)
  local list = {}
  for name in op.inputs:gmatch "%S+" do
    local optional, many = name:find "%?" ~= nil, name:find "%.%.%." ~= nil
    list[#list + 1] = { name = name:gsub("[%?%.]", ""), optional = optional, many = many }
  end
  return list
end

-- Lua's own words cannot be names of parameters.
local RESERVED = { ["end"] = "last", ["repeat"] = "times", ["in"] = "input", ["function"] = "f", ["local"] = "near",
  ["not"] = "negated", ["and"] = "both", ["or"] = "either" }

local function safe(name) return RESERVED[name] or name end

local function op_options(w, op)
  if #op.params == 0 then return end
  w:line("---@class ops.%s.options", op.name)
  for _, p in ipairs(op.params) do
    w:line("---@field %s%s %s %s%s", p.name, p.default and "?" or "", parameter_type(p), one_line(p.doc),
      default_text(p.default))
  end
  w:line ""
end

-- One op as a function of ops, or as a method, whose first input is the tensor itself.
local function op_function(w, op, method)
  local names, elementwise = {}, op.group == "elementwise"
  w:comment(page.arranged(op.doc, nil, op.example))
  for i, input in ipairs(inputs_of(op)) do
    if not (method and i == 1) then
      local name = safe(input.name)
      names[#names + 1] = name
      w:line("---@param %s%s tensor%s%s", name, input.optional and "?" or "", elementwise and "|number" or "",
        input.many and "[]" or "")
    end
  end
  local inputs = table.concat(names, ", ")
  for _, p in ipairs(op.params) do
    names[#names + 1] = safe(p.name)
    w:line("---@param %s%s %s %s%s", safe(p.name), p.default and "?" or "", parameter_type(p), one_line(p.doc),
      default_text(p.default))
  end
  w:line "---@return tensor"
  if #op.params > 0 then
    local before = {}
    if method then before[1] = "self: tensor" end
    for name in inputs:gmatch "[^, ]+" do before[#before + 1] = name .. ": tensor" end
    before[#before + 1] = "options: ops." .. op.name .. ".options"
    w:line("---@overload fun(%s): tensor", table.concat(before, ", "))
  end
  w:line("function %s%s(%s) end", method and "Tensor:" or "ops.", op.name, table.concat(names, ", "))
  w:line ""
end

-- ---- tensors ---------------------------------------------------------------------------------------------------

local OPERATORS = { "add", "sub", "mul", "div", "pow", "mod", "idiv", "band", "bor", "bxor", "shl", "shr" }

local function tensor_class(w)
  local meta = getmetatable(core.zeros { 1 })
  local methods = rawget(meta, "methods")
  local dtypes = {}
  for i, name in ipairs(core.dtypes()) do dtypes[i] = name end
  w:line("---@alias dtype %s", choices_type(dtypes))
  w:line ""
  w:comment(objects.topics.index)
  w:line "---@class tensor"
  w:line "---@field shape integer[] the sizes"
  w:line "---@field ndim integer how many axes"
  w:line "---@field dtype dtype the type of the elements"
  w:line "---@field grad tensor? the gradient that backward left"
  w:line "---@field close boolean true where the bits may differ between machines"
  w:line "---@field [any] any a part: a number, or a tensor"
  for _, name in ipairs(OPERATORS) do
    local known = rawget(meta, "__" .. name) and (name ~= "idiv" or ops.doc "floor_divide")
    if known then w:line("---@operator %s(tensor|number): tensor", name) end
  end
  w:line "---@operator unm: tensor"
  if rawget(meta, "__bnot") then w:line "---@operator bnot: tensor" end
  w:line "---@operator len: integer"
  w:line "local Tensor = {}"
  w:line ""
  for _, name in ipairs(sorted_names(methods)) do
    local op, doc = ops.doc(name), help.runtime(name)
    if op then
      op_function(w, op, true)
    else
      local of = name:match "^(.*)_$"
      w:comment(doc or of and ops.doc(of) and string.format("The result of %s, written into this tensor.\n%s", of,
        ops.doc(of).doc))
      w:line "---@return any"
      w:line("function Tensor:%s(...) end", name)
      w:line ""
    end
  end
end

-- ---- words -----------------------------------------------------------------------------------------------------

-- Words that take a name and then a table, and what comes of it; words and what they return.
local CURRIED = { model = "model", area = "table", readout = "table", experiment = "table" }
local RETURNS = { train = "history", loop = "history", evaluate = "table", predictivity = "score",
  separability = "score", sgd = "optimizer", adam = "optimizer", adamw = "optimizer", ridge = "ridge",
  kfold = "splits", grouped = "splits", no_grad = "any", print_options = "table", try = "any", help = "nil" }

local function class_name(kind) return (kind:gsub(" ", "_")) end

-- A function of a word or of a field of one.
local function word_function(w, name, value)
  local is_layer = type(value) == "table" and rawget(value, "word")
  local fields = is_layer and value.options or schema.words[name]
  local class = name .. ".options"
  if fields then option_class(w, class, fields) end
  w:comment(help.text(name))
  local made = is_layer and (value.makes or "layer") or RETURNS[name] or words.list[name]
    and words.list[name].module == "lamina.core.tensor" and "tensor" or "any"
  if CURRIED[name] then
    w:line("---@param name string")
    w:line("---@return fun(parts: %s): %s", fields and class .. "|table" or "table", CURRIED[name])
    w:line("function %s(name) end", name)
  elseif fields then
    w:line("---@param options %s%s", class, is_layer and "|any" or "")
    w:line("---@return %s", made)
    w:line("function %s(options) end", name)
  else
    w:line("---@return %s", made)
    w:line("function %s(...) end", name)
  end
  w:line ""
end

-- Whether a value of a word is a table of words (data, plot, pool, models), and not a word itself.
local function is_module(value)
  local meta = getmetatable(value) or {}
  return type(value) == "table" and not rawget(value, "word")
    and (rawget(meta, "__call") == nil or rawget(meta, "__help") ~= nil)
end

local function is_callable(value)
  return type(value) == "function" or type(value) == "table" and rawget(getmetatable(value) or {}, "__call") ~= nil
end

-- The fields of a module of words that a script may use: those that help knows.
local function public_fields(word, value)
  local names = {}
  for _, name in ipairs(sorted_names(value)) do
    if is_callable(value[name]) and help.text(word .. "." .. name) then names[#names + 1] = name end
  end
  return names
end

local function module_of_words(w, word, value)
  w:comment(help.text(word))
  w:line("%s = {}", word)
  w:line ""
  for _, name in ipairs(public_fields(word, value)) do word_function(w, word .. "." .. name, value[name]) end
end

local function object_classes(w)
  for _, kind in ipairs({ "layer", table.unpack(sorted_names(objects.kinds)) }) do
    local entry = objects.kinds[kind] or { doc = "A layer, as the layer words make it." }
    w:comment(objects.wrapped(entry.doc, ""))
    w:line("---@class %s", class_name(kind))
    for field in (entry.fields or ""):gmatch "%S+" do w:line("---@field %s any", field) end
    local holder = "Class_" .. class_name(kind)
    w:line("local %s = {}", holder)
    w:line ""
    for _, method in ipairs(objects.methods(kind)) do
      w:comment(method.doc)
      w:line "---@return any"
      w:line("function %s:%s(...) end", holder, method.name)
      w:line ""
    end
  end
end

--- The text of the definition file.
function M.definitions()
  local w = setmetatable({}, Writer)
  w:line "---@meta"
  w:line("-- Lamina %s: its words for the Lua language server. Written by lib/editor.lua; changes here are lost.",
    base.version)
  w:line ""
  tensor_class(w)
  object_classes(w)
  w:comment(help.text "ops")
  w:line "ops = {}"
  w:line ""
  for _, name in ipairs(ops.list()) do
    op_options(w, ops.doc(name))
    op_function(w, ops.doc(name), false)
  end
  for _, word in ipairs(sorted_names(words.list)) do
    local value = words.find(word)
    if word == "lamina" then
      w:line "--- Every word by its name: lamina.conv is conv."
      w:line "lamina = _G"
      w:line ""
    elseif word ~= "ops" and is_module(value) then
      module_of_words(w, word, value)
    elseif word ~= "ops" then
      word_function(w, word, value)
    end
  end
  return table.concat(w, "\n") .. "\n"
end

-- ---- luacheck --------------------------------------------------------------------------------------------------

--- The text of the standard for luacheck: words that may be read, and the fields of those that hold words.
function M.standard()
  local w = setmetatable({}, Writer)
  w:line("-- Lamina %s: its words for luacheck. Written by lib/editor.lua; changes here are lost.", base.version)
  w:line "stds.lamina = { read_globals = {"
  for _, word in ipairs(sorted_names(words.list)) do
    local value = words.find(word)
    if word == "ops" or word ~= "lamina" and is_module(value) then
      w:line("  %s = { fields = {", word)
      for _, name in ipairs(sorted_names(value)) do w:line("    %q,", name) end
      w:line "  } },"
    elseif word ~= "lamina" then
      w:line("  %q,", word)
    end
  end
  w:line "  lamina = { fields = {"
  for _, word in ipairs(sorted_names(words.list)) do w:line("    %s = { other_fields = true },", word) end
  w:line "    version = {}, numerics = {},"
  w:line "  } },"
  w:line "} }"
  w:line 'std = "lua54+lamina"'
  w:line "max_line_length = false"
  w:line "allow_defined_top = true -- a script's main part may make globals"
  return table.concat(w, "\n") .. "\n"
end

-- ---- files -----------------------------------------------------------------------------------------------------

--- Writes the files into a folder, which is made where it is missing, and returns their paths.
function M.write(folder)
  base.mkdir(folder .. "/library")
  local files = {
    { folder .. "/library/lamina.lua", M.definitions() },
    { folder .. "/.luarc.json", '{\n  "runtime.version": "Lua 5.4",\n  "workspace.library": ["library"]\n}\n' },
    { folder .. "/.luacheckrc", M.standard() },
  }
  local paths = {}
  for i, file in ipairs(files) do
    io_core.text_write(file[1], file[2])
    paths[i] = file[1]
  end
  return paths
end

return M
