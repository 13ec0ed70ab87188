--- What is usually meant by a mistake that Lua itself answers: habits from other languages, a tensor taken for a
-- number, a word that a local variable hides. Each hint is added to the message in parentheses.
local errors = require "lamina.errors"

local M = {}

-- ---- syntax ----------------------------------------------------------------------------------------------------

local IMPORT = "Lua has no import: Lamina's words are there already, and require \"name\" runs name.lua beside the "
  .. "script"
local COMMENT = "a comment begins with --"

-- A pattern of the message, a pattern of the line (either may be ""), the hint. The first that fits is taken.
local SYNTAX = {
  { "", "^%s*import%s", IMPORT },
  { "", "^%s*from%s+[%w_%.]+%s+import%s", IMPORT },
  { "", "^%s*def%s", "a function is written `local function f(x) ... end`" },
  { "", "^%s*elif%s", "it is written `elseif ... then`" },
  { "", "^%s*let%s", "a variable is made by `local x = ...`" },
  { "", "^%s*var%s", "a variable is made by `local x = ...`" },
  { "", "^%s*const%s", "a variable is made by `local x = ...`" },
  { "", "lambda%s", "a function without a name is written `function(x) return ... end`" },
  { "near '[%+%-]'", "[%+%-][%+%-]", "there is no ++: write n = n + 1" },
  { "near '[%+%-%*/%%^]'", "[%+%-%*/%%%^]=", "there is no +=: write n = n + 1" },
  { "near '//'", "//=", "there is no //=: write n = n // 2" },
  { "near '!'", "!=", "not equal is written ~=" },
  { "near '!'", "", "negation is written `not`" },
  { "near '%?'", "", "a choice between two values is written `condition and a or b`" },
  { "near '&'", "&&", "it is written `and`" },
  { "near '|'", "||", "it is written `or`" },
  { "near '%*'", "%*%*", "a power is written a ^ b" },
  { "near '@'", "", "a matrix product is a:matmul(b)" },
  { "near '#'", "", COMMENT },
  { "near '//'", "", COMMENT },
  { "near '/'", "/%*", COMMENT },
  { "'%]' expected near ','", "", "x[{ 1, 2 }] takes an entry for each axis" },
  { "'%]' expected near ':'", "", "x[{ { 1, 3 } }] takes a range, first to last, both included" },
  { "'then' expected near '='", "", "== compares, = assigns" },
  { "'then' expected near '[{:]'", "", "a block is written `if ... then ... end`" },
  { "'do' expected near '[{:]'", "", "a block is written `for ... do ... end`, `while ... do ... end`" },
  { "near '%['", "=%s*%[", "a list is written { 1, 2, 3 }" },
  { "near '[%w_]", "%f[%w]print%s+[%w_]", "a call needs parentheses: print(x)" },
  { "near '", "%f[%w]area%s+[%a_][%w_]*%s*{", "names stand in quotes: area \"V1\" { ... }" },
  { "near '", "%f[%w]readout%s+[%a_][%w_]*%s*{", "names stand in quotes: readout \"digit\" { ... }" },
  { "near '", "%f[%w]model%s+[%a_][%w_]*%s*{", "names stand in quotes: model \"LeNet\" { ... }" },
  { "near ','", "^%s*[%w_%.:]+%s*[\"'{]", "a call with several arguments needs parentheses" },
  { "<name> expected near", "[{,]%s*[%w_]+%s*:", "an option is written name = value" },
  { "near ':'", ":%s*$", "no line ends in a colon: blocks are written `then ... end`, `do ... end`" },
  { "'[})]' expected.*near '", "", "is a comma or a closing bracket missing before it?" },
}

--- Adds to a syntax error what is meant; text: the source, or nil.
function M.syntax(e, text)
  local line = errors.source_line(e) or ""
  if e.message:find "'end' expected.*near <eof>" and text and text:find "else%s+if%f[%W]" then
    e.message = e.message .. " (`elseif` is one word; an `else if` needs an `end` of its own)"
    return
  end
  if e.message:find "'then' expected near" and text and text:find "if%s*%b()%s*{" then
    e.message = e.message .. " (a block is written `if ... then ... end`)"
    return
  end
  for _, entry in ipairs(SYNTAX) do
    if e.message:find(entry[1]) and line:find(entry[2]) then
      e.message = e.message .. " (" .. entry[3] .. ")"
      return
    end
  end
end

-- ---- what Lua raises while it runs -----------------------------------------------------------------------------

local FIELD = "x.%s is a field: with a point, and without parentheses"

-- What is usually meant where a tensor and a number were taken for one another, and the like.
local RUNTIME = {
  { "number expected, got tensor", "x:item() is the number in a tensor of one element" },
  { "number expected, got nil", "nil: a name that holds nothing?" },
  { "^attempt to concatenate a tensor", "tostring(x) is its text, x:item() the number in a tensor of one element" },
  { "^attempt to index a number value %(field 'integer index'%)",
    "x[i] of a tensor with one axis is a Lua number already" },
  { "^attempt to call a tensor value %(for iterator", "a loop over a tensor is `for i, item in ipairs(x) do`" },
  { "^attempt to call a table value %(for iterator", "a loop over a table is `for key, value in pairs(t) do`" },
  { "^attempt to call a number value %(for iterator", "a loop over numbers is `for i = 1, n do`" },
  { "^attempt to call a %a+ value %((method) '(shape)'%)", FIELD },
  { "^attempt to call a %a+ value %((method) '(dtype)'%)", FIELD },
  { "^attempt to call a %a+ value %((method) '(ndim)'%)", FIELD },
  { "^attempt to call a %a+ value %((method) '(grad)'%)", FIELD },
  { "^attempt to call a tensor value", "x[i] is an item, x:sum() a method" },
  { "^attempt to compare .*number with string", "tonumber(s) is the number in a string" },
  { "^attempt to compare .*string with number", "tonumber(s) is the number in a string" },
  { "^attempt to add a '.*string", ".. joins strings" },
  { "^attempt to concatenate a table value", "table.concat(list, \", \") is its text" },
  { "^attempt to index a function value %((global) '([^']*)'%)",
    "'%s' is a function, which has no fields; help(%s)" },
  { "^attempt to index a function value %((local) '([^']*)'%)", "'%s' is a function, which has no fields" },
  { "^attempt to .* a function value %((%a+) '([^']*)'%)", "'%s' is a function: call it, as in %s(), or x:%s()" },
  { "stack overflow", "does a function call itself without end?" },
}

-- A word of Lamina that a local variable of the same name hides, where the message is about it.
local function hidden(e)
  local words = require("lamina.words").list
  local what, name = e.message:match "^attempt to call a %a+ value %((%a+) '([^']*)'%)"
  if not what then return nil end
  if words[name] and (what == "local" or what == "upvalue") then
    return string.format("a local variable hides Lamina's word '%s'; lamina.%s is the word", name, name)
  end
  local holder = what ~= "global" and (errors.source_line(e) or ""):match("(%a[%w_]*)[.:]" .. name .. "%f[^%w_]")
  if holder and words[holder] then
    local there, field = pcall(function() return require("lamina.words").find(holder)[name] end)
    if not there or field == nil then return nil end -- no word, hidden or not
    return string.format("a local variable hides Lamina's word '%s'; lamina.%s.%s is the word", holder, holder, name)
  end
  local near = what == "method" and e.message:find "a nil value" and errors.nearest(name, { "byte", "char", "find",
    "format", "gmatch", "gsub", "len", "lower", "match", "rep", "reverse", "sub", "upper" })
  return near and string.format("did you mean '%s'?", near) or nil
end

-- Whether a chunk is the library's. By comparison alone, as a script may have replaced what is in `string`.
local function of_library(source) return source >= "=lib/" and source < "=lib0" end

-- The value of a variable of this name where the error was raised: a local, an upvalue, or a global. Never one of the
-- library's own, nor an environment: message and line may be an untrusted script's invention.
local function value_at(e, name)
  local value
  if name == "_ENV" then return nil end
  for level = 3, 40 do
    local info = debug.getinfo(level, "Slf")
    if not info then return nil end
    local own = not of_library(info.source)
    if own and info.currentline == e.line and (info.source == "@" .. e.file or info.source == "=" .. e.file) then
      for i = 1, 250 do
        local known, held = debug.getlocal(level, i)
        if not known then break end
        if known == name then value = held end
      end
      for i = 1, value == nil and 60 or 0 do
        local known, held = debug.getupvalue(info.func, i)
        if not known then break end
        if known == name then value = held end
      end
      if value == nil then value = rawget(_G, name) end
      return value
    end
  end
end

-- What methods of other libraries' objects are here.
local METHODS = {
  optimizer = { zero_grad = "opt:step(loss) does it, and opt:zero()" },
  model = { predict = "net(x) is the output", fit = "train { model = net, data = set, ... }",
    train = "train { model = net, data = set, ... }", eval = "net(x) is without dropout and the like already",
    state_dict = "net:parameters() lists them, net:save writes them", summary = "print(net)",
    to = "weights are float32; gradcheck converts by itself" },
  assembly = { sel = "a:select { region = \"IT\" }", isel = "a:at(stimuli, neuroids, times)",
    concat = "neural.join { a, b, along = \"presentation\" }", groupby = "a:group \"object_name\"",
    multi_groupby = "a:group { { \"object_name\", \"repetition\" } }", dropna = "a:complete()",
    merge = "neural.join { a, b, along = \"presentation\" }",
    to_netcdf = "a:save \"file.h5\" or \"file.npz\"", write = "a:save \"file.h5\" or \"file.npz\"" },
  rdms = { get_vectors = "r.vectors", subset = "r:of(list)", subset_pattern = "r:at(positions)",
    append = "rdm.join { r, s }", rank_transform = "rdm.ranks(r.vectors)" },
  ["data set"] = { split_by = "set:split { 0.8, 0.2, by = \"subject\" }", filter = "set:where { ... }",
    size = "#set, and set:shape() of an item" },
  history = { save = "history:csv(path), and plot.curve(history):save(path)", plot = "plot.curve(history)" },
  score = { save = "score:csv(path), and plot.layers(score):save(path)", plot = "plot.layers(score)" },
}

-- Kinds that are no words of English.
local CALLED = { rdms = "set of RDMs" }

-- The message for a method that an object of the library does not have: what it is here, or which it has.
local function no_method(e)
  local method = e.message:match "^attempt to call a nil value %(method '([^']*)'%)"
  local holder = method and (errors.source_line(e) or ""):match("([%a_][%w_]*)%s*:%s*" .. method .. "%f[^%w_]")
  local value = holder and value_at(e, holder)
  if value == nil then return nil end
  local objects = require "lamina.help.objects"
  local kind, names = objects.kind_of(value), {}
  for i, known in ipairs(objects.methods(kind)) do names[i] = known.name end
  if #names == 0 then return nil end
  table.sort(names)
  local hint = METHODS[kind] and METHODS[kind][method]
    or #names <= 8 and string.format("it has %s", table.concat(names, ", "))
    or string.format("help %q lists its methods", kind)
  kind = CALLED[kind] or kind
  local article = (kind:find "^[aeiou]" or kind:find "^hdf5") and "an" or "a"
  return string.format("%s %s has no method '%s' (%s)", article, kind, method, hint)
end

-- What is nearly called as the field of a table that a script called and that is not there: string.fromat.
local function near_field(e)
  local field = e.message:match "^attempt to call a nil value %(field '([^']*)'%)"
  local holder = field and (errors.source_line(e) or ""):match("([%a_][%w_]*)%s*%.%s*" .. field .. "%f[^%w_]")
  local value, names = holder and value_at(e, holder), {}
  if type(value) ~= "table" then return nil end
  for name, item in require("lamina.core.repeatable").stock_pairs(value) do
    if type(name) == "string" and type(item) == "function" then names[#names + 1] = name end
  end
  table.sort(names)
  local near = errors.nearest(field, names)
  return near and string.format("did you mean '%s'?", near)
end

-- Long lists become notes.
local function no_module(e)
  local module, places = e.message:match "^module '([^\n]-)' not found:(.*)$"
  if not module then return end
  e.message, e.notes = string.format("module '%s' not found", module), e.notes or {}
  local seen = {}
  for path in places:gmatch "no file '([^\n]-%.lua)'" do
    if not seen[path] and path:sub(1, 5) ~= "/usr/" then e.notes[#e.notes + 1] = "  not there: " .. path end
    seen[path] = true
  end
end

--- Adds to one of Lua's own messages what is meant.
function M.runtime(e)
  no_module(e)
  local hint, missing = hidden(e) or near_field(e), no_method(e)
  if not hint and missing then
    e.message = missing
    return
  end
  for _, entry in ipairs(RUNTIME) do
    if hint then break end
    local _, _, _, name = e.message:find(entry[1])
    if e.message:find(entry[1]) then hint = name and entry[2]:gsub("%%s", name) or entry[2] end
  end
  if hint then e.message = e.message .. " (" .. hint .. ")" end
end

-- ---- names -----------------------------------------------------------------------------------------------------

local NOT_HERE = "Lamina's words need no prefix: zeros, randn, ops.exp"

-- What names of other languages and libraries are called here.
local NAMES = {
  None = "it is written nil", null = "it is written nil", undefined = "it is written nil",
  True = "it is written true", False = "it is written false",
  len = "#x is the length",
  str = "tostring", int = "math.tointeger, or x // 1", float = "tonumber", list = "a list is { 1, 2, 3 }",
  dict = "a table is { key = value }", tuple = "a list is { 1, 2, 3 }", set = "a table is { key = value }",
  exit = "os.exit(0) ends the script", quit = "os.exit(0) ends the script", sys = "the script's arguments are `arg`",
  np = NOT_HERE, numpy = NOT_HERE, torch = NOT_HERE, nn = NOT_HERE, jnp = NOT_HERE, F = NOT_HERE,
  plt = "figures are made by plot", enumerate = "for i, value in ipairs(list) do", zip = "ipairs goes through a list",
  isinstance = "type(x) is the type", raise = "error(\"...\")", printf = "print(string.format(...))",
  empty = "zeros, as what was in the memory before would differ from run to run", empty_like = "zeros_like",
  max = "math.max of numbers, x:max() of a tensor", min = "math.min of numbers, x:min() of a tensor",
  sum = "x:sum() of a tensor", round = "math.floor(x + 0.5), or x:round() of a tensor",
  sqrt = "math.sqrt of a number, x:sqrt() of a tensor", exp = "math.exp of a number, x:exp() of a tensor",
  log = "math.log of a number, x:log() of a tensor", floor = "math.floor of a number, x:floor() of a tensor",
  pi = "math.pi", inf = "math.huge", nan = "0 / 0", self = "a method is `function M:name() ... end`",
}

local OPS_OF = { ops = true, linalg = true, fft = true }

-- The op or method of tensors of this name, and how it is written.
local function of_tensors(name)
  local op = require("lamina.core.ops").doc(name)
  if op then return string.format("an op: ops.%s(...), or x:%s(...)", name, name) end
  local meta = getmetatable(require("lamina.core.tensor").zeros { 1 })
  return rawget(meta, "methods")[name] and string.format("a method of tensors: x:%s(...)", name) or nil
end

--- What an undefined global is called here; nil where nothing is known.
function M.name(name)
  return NAMES[name] or type(name) == "string" and (of_tensors(name) or require("lamina.errors.habits")[name]) or nil
end

--- What an undefined field of a module of words is called here.
function M.member(word, name)
  local habit = require("lamina.errors.habits")[name]
  if habit and (OPS_OF[word] or habit:find(word .. ".", 1, true)) then return habit end
  local own = require("lamina.words").list[name] and string.format("it is a word of its own, %s(...)", name)
  return OPS_OF[word] and (of_tensors(name) or own) or nil
end

return M
