--- Options: which there are, what they may be, what they are when they are not given.
--
-- A schema is a table of fields by name, each { type =, default =, required =, min =, max =, above =, below =,
-- choices =, doc =, expected = }. type is one of integer, number, boolean, string, table, tensor, function, choice,
-- pair (a whole number or two), any; or a list of types. min and max are included, above and below are not; they hold
-- for each part of a pair. expected says in words what an option may be, where its type says too little.
-- was: the name that an option had before; it still works, with a warning (lib/compatible.lua).
-- called: what choices are called elsewhere, and their names here.
-- schema.positional, a list of names, says which options may stand first without a name: conv { 16, kernel = 5 }.
local errors = require "lamina.errors"

local M = {}

M.nearest = errors.nearest

--- The position of the user's code that called in; see errors.position.
function M.position(level)
  local at = errors.position((level or 1) + 1)
  return at
end

-- ---- types -----------------------------------------------------------------------------------------------------

local function is_whole(value) return math.type(value) == "integer" or type(value) == "number" and value % 1 == 0 end

local function type_name(value)
  local meta = getmetatable(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  return type(name) == "string" and name or type(value)
end

local tests = {
  any = function(value) return value ~= nil end,
  integer = function(value) return is_whole(value) and math.tointeger(value) ~= nil end,
  number = function(value) return type(value) == "number" and value == value end,
  boolean = function(value) return type(value) == "boolean" end,
  string = function(value) return type(value) == "string" end,
  table = function(value) return type(value) == "table" end,
  tensor = function(value) return type_name(value) == "tensor" end,
  choice = function(value) return type(value) == "string" end,
  ["function"] = function(value)
    local meta = getmetatable(value)
    return type(value) == "function" or type(meta) == "table" and rawget(meta, "__call") ~= nil
  end,
  pair = function(value)
    if type(value) ~= "table" then return is_whole(value) end
    return #value == 2 and is_whole(value[1]) and is_whole(value[2])
  end,
}

local phrases = {
  any = "a value", integer = "a whole number", number = "a number", boolean = "true or false", string = "a string",
  table = "a table", tensor = "a tensor", choice = "a name", pair = "a whole number or two, { height, width }",
  ["function"] = "a function",
}

local function types_of(field) return type(field.type) == "table" and field.type or { field.type or "any" } end

local function range_text(field)
  local parts = {}
  if field.min and field.max then
    parts[1] = string.format(" from %s to %s", field.min, field.max)
  elseif field.min then
    parts[1] = string.format(" of at least %s", field.min)
  elseif field.max then
    parts[1] = string.format(" of at most %s", field.max)
  end
  if field.above then parts[#parts + 1] = string.format(" above %s", field.above) end
  if field.below and field.below ~= math.huge then parts[#parts + 1] = string.format(" below %s", field.below) end
  return table.concat(parts, " and")
end

local function choices_of(field)
  if type(field.choices) == "table" then return field.choices end
  local list = {}
  for word in field.choices:gmatch "%S+" do list[#list + 1] = word end
  return list
end

local function quoted(list)
  local parts = {}
  for i, name in ipairs(list) do parts[i] = type(name) == "number" and tostring(name) or "'" .. name .. "'" end
  return table.concat(parts, ", ")
end

--- What a field may be, in words: "a whole number of at least 1".
function M.expectation(field)
  if field.expected then return field.expected end
  if field.choices then return "one of " .. quoted(choices_of(field)) end
  local parts, types = {}, types_of(field)
  for _, name in ipairs(types) do
    if name == "any" then types = { "any" } end
  end
  for i, name in ipairs(types) do
    local numeric = name == "integer" or name == "number" or name == "pair"
    parts[i] = phrases[name] .. (numeric and range_text(field) or "")
  end
  return table.concat(parts, " or ")
end

local CALLED = { stimuli = "a stimulus set" } -- where it is not "a" and the name of the class

--- What a value is, for messages: "a number", "a tensor", "an assembly".
function M.kind(value)
  local name = type_name(value)
  return CALLED[name] or (name:match "^[aeiou]" and "an " or "a ") .. name
end

--- A value in words, for messages: 3, 'text', a tensor, { 1, 2 }.
function M.shown(value)
  if type(value) == "string" then return #value > 40 and "'" .. value:sub(1, 40) .. "...'" or "'" .. value .. "'" end
  if type(value) == "number" or type(value) == "boolean" or value == nil then return tostring(value) end
  local name = type_name(value)
  if name == "table" and #value > 0 and #value <= 4 then
    local parts = {}
    for i, item in ipairs(value) do parts[i] = type(item) == "table" and "{...}" or M.shown(item) end
    return "{ " .. table.concat(parts, ", ") .. " }"
  end
  return M.kind(value)
end

local function in_range(field, value)
  if type(value) == "table" then return in_range(field, value[1]) and in_range(field, value[2]) end
  return (not field.min or value >= field.min) and (not field.max or value <= field.max)
    and (not field.above or value > field.above) and (not field.below or value < field.below)
end

-- Whether value fits the field; a whole float becomes an integer where one is asked for.
local function fit(field, value)
  for _, name in ipairs(types_of(field)) do
    if tests[name](value) then
      if name == "integer" then value = math.tointeger(value) end
      local bounded = name == "integer" or name == "number" or name == "pair"
      if not bounded or in_range(field, value) then return true, value end
    end
  end
  return false
end

-- ---- checking --------------------------------------------------------------------------------------------------

local function known_names(fields)
  local names = {}
  for name in pairs(fields) do
    if name ~= "positional" then names[#names + 1] = name end
  end
  return names
end

-- What options are called elsewhere (PyTorch, NumPy, scikit-learn), and what they are called here.
local ALIASES = { lr = "rate", learning_rate = "rate", axis = "dim", weight_decay = "decay", batch_size = "batch",
  kernel_size = "kernel", padding = "pad", num_epochs = "epochs", n_epochs = "epochs", n_splits = "folds",
  alpha = "alphas", keepdims = "keepdim", create_graph = "create", retain_graph = "keep", epsilon = "eps",
  metric = "method", n_components = "components", n_permutations = "permutations", n_bootstrap = "bootstrap",
  random_state = "seed", max_iter = "iterations", cv = "splits", units = "width", out_features = "width",
  out_channels = "width", filters = "width" }

-- Words that stand in each other's place, whose options are easily taken for each other's.
local FAMILIES = { { "ridge", "ols", "pls", "lasso", "elastic_net", "nnls", "one_to_one", "space_feature" },
  { "svm", "logistic", "nearest_centroid", "max_correlation" }, { "kfold", "grouped", "shuffled" },
  { "split_half", "neural.leave_one_out", "neural.oracle", "neural.explainable_variance" } }

-- " 'alphas' is an option of ridge, lasso": which words of the same family have it; "" where none has.
local function belongs(what, key)
  for _, family in ipairs(FAMILIES) do
    local inside, owners = false, {}
    for _, word in ipairs(family) do
      inside = inside or word == what
      local fields = M.words[word]
      if fields and key ~= "positional" and fields[key] then owners[#owners + 1] = word end
    end
    if inside and #owners > 0 then
      return string.format("; '%s' is an option of %s", key, table.concat(owners, ", "))
    end
  end
  return ""
end

local function unknown(what, key, fields, position)
  local names = known_names(fields)
  if type(key) ~= "string" then
    errors.raise("argument", position, "%s: unexpected value [%s]; its options are named: %s", what, tostring(key),
      #names > 0 and table.concat(names, ", ") or "none")
  end
  local near = fields[ALIASES[key]] and ALIASES[key] or errors.nearest(key, names)
  errors.raise("argument", position, "%s: unknown option '%s' %s%s", what, key, near
    and string.format("(did you mean '%s'?)", near)
    or #names > 0 and "(there are " .. table.concat(names, ", ") .. ")" or "(it takes no options)",
    near and "" or belongs(what, key))
end

-- The option whose former name this is, with a warning; nil where there is none.
local function renamed(what, key, fields, position)
  for name, field in pairs(fields) do
    if name ~= "positional" and field.was == key then
      require("lamina.compatible").warn("the option of " .. what, key, name, nil, position)
      return name
    end
  end
end

local function with_name(named, old, now)
  local list = {}
  for name, value in pairs(named) do list[name == old and now or name] = value end
  return list
end

-- The options by name: values without a name take those of fields.positional in turn.
local function by_name(what, spec, fields, position)
  local named, list = {}, fields.positional or {}
  for key, value in pairs(spec) do
    local name = key
    if math.type(key) == "integer" then
      name = list[key]
      if not name then
        if #list == 0 then unknown(what, key, fields, position) end
        errors.raise("argument", position, "%s: too many values without a name: at most %d (%s)", what, #list,
          table.concat(list, ", "))
      end
      if spec[name] ~= nil then
        errors.raise("argument", position, "%s: option '%s' is given twice: by name and as value %d", what, name, key)
      end
    end
    named[name] = value
  end
  return named
end

local function check_one(what, name, field, value, position)
  if field.choices and type(value) == "string" then
    local list = choices_of(field)
    for _, choice in ipairs(list) do
      if choice == value then return value end
    end
    local here = field.called and field.called[value]
    if here then
      errors.raise("argument", position, "%s: option '%s' is '%s', expected one of %s (it is called '%s' here)", what,
        name, value, quoted(list), here)
    end
    errors.raise("argument", position, "%s: option '%s' is '%s', expected one of %s%s", what, name, value,
      quoted(list), errors.hint(value, list))
  end
  local ok, result = fit(field, value)
  if ok and field.choices and type(result) == "number" then
    ok = false
    for _, choice in ipairs(field.choices) do ok = ok or choice == result end
  end
  if not ok then
    errors.raise("argument", position, "%s: option '%s' is %s, expected %s", what, name, M.shown(value),
      M.expectation(field))
  end
  return result
end

--- word -> fields, of the words that take a table of options; help lists them.
M.words = {}

--- Notes the fields of a word for help and returns them.
function M.document(word, fields)
  M.words[word] = fields
  return fields
end

-- Whether the user's code called the word as a method, data:csv "x.csv", which hands over the module first.
local function with_colon(word)
  if not word:find(".", 1, true) then return false end
  local level, outermost = 3, nil
  while true do
    local info = debug.getinfo(level, "nS")
    if not info or info.source:sub(1, 5) ~= "=lib/" then return outermost == "method" end
    outermost, level = info.namewhat, level + 1
  end
end

--- For words that take one table (or one value): raises where something comes after it (`...`), with the form that
-- was meant, such as "train { model = ..., data = ... }".
function M.alone(word, form, position, ...)
  for i = 1, select("#", ...) do
    local extra = select(i, ...)
    if extra ~= nil and with_colon(word) then
      errors.raise("name", position, "%s is called with a dot, %s, not with a colon", word, form)
    end
    if extra ~= nil then
      errors.raise("argument", position, "%s takes one table, and %s came after it: %s", word, M.shown(extra), form)
    end
  end
end

--- For methods that take so much and no more: raises where something comes after it (`...`), with the form that was
-- meant, such as "r:of { 1, 2 }".
function M.last(method, form, position, ...)
  for i = 1, select("#", ...) do
    local extra = select(i, ...)
    if extra ~= nil then
      errors.raise("argument", position, "%s: %s is one value too many: %s", method, M.shown(extra), form)
    end
  end
end

--- Checks options against fields and returns them with defaults filled in. what: the word, for messages; spec: the
-- user's table (or a lone value, which is the first positional option); position: where the user wrote it (default:
-- the caller's line). Raises for an unknown option, naming the nearest, a wrong type or value, a missing option.
function M.check(what, spec, fields, position)
  position = position or errors.position(2)
  if spec == nil then spec = {} end
  local meta = type(spec) == "table" and getmetatable(spec)
  local object = type(meta) == "table" and rawget(meta, "__name")
  if type(spec) ~= "table" or object or meta and spec[1] == nil and next(spec) == nil then
    if not fields.positional then
      errors.raise("argument", position, "%s: expected a table of options, got %s", what, M.shown(spec))
    end
    spec = { spec }
  end
  local named = by_name(what, spec, fields, position)
  for key in pairs(named) do
    if key == "positional" or not fields[key] then
      local now = renamed(what, key, fields, position)
      if not now or named[now] ~= nil then unknown(what, key, fields, position) end
      named = with_name(named, key, now)
    end
  end
  local result = {}
  for _, name in ipairs(known_names(fields)) do
    local field, value = fields[name], named[name]
    if value == nil then
      if field.required then
        errors.raise("argument", position, "%s: option '%s' is missing, expected %s%s", what, name,
          M.expectation(field), field.doc and " (" .. field.doc .. ")" or "")
      end
      result[name] = field.default
    else
      result[name] = check_one(what, name, field, value, position)
    end
  end
  return result
end

return M
