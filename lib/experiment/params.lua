--- The parameters that a script declares, with values from the command line: --rate 0.01, --rate=0.01, --set
-- rate=0.01.
--
-- A parameter's type is that of its default: an integer stays whole, a number, a string, true or false (--flag alone
-- is true), or a list of one of these, given with commas. What else holds for it stands beside the default:
--
--   params = {
--     epochs = 3,
--     rate = { 3e-3, above = 0, max = 1, doc = "learning rate" },
--     window = { 70.0, min = 0, unit = "ms" },                   -- --window 62.5 or --window 100ms; 70: whole only
--     loss = { choices = { "mse", "poisson" } },                 -- the first is the default
--   }
local errors = require "lamina.errors"
local merged = require "lamina.merged"

local M = {}

-- Names that the command itself takes: every long option of interp/main.c and interp/sandbox.c.
local reserved = { "seed", "threads", "memory", "lua_memory", "out", "data", "digest", "trace", "traceback", "help",
  "version", "set", "resume", "untrusted", "untrusted_inside", "read", "wall_time", "cpu_time", "file_size",
  "output_size", "output_files", "open_files", "processes", "all_threads", "print_size",
  "passing_out" }

--- Whether a name is that of an option of the command, which no parameter may have; - and _ are the same.
function M.is_reserved(name)
  local key = name:gsub("%-", "_")
  for _, taken in ipairs(reserved) do
    if key == taken then return true end
  end
  return false
end

local function names_of(params)
  local list = {}
  for name in pairs(params) do list[#list + 1] = name end
  return list
end

local function kind_of(value)
  local kind = math.type(value) or type(value)
  if kind == "table" and #value > 0 then
    local inner = kind_of(value[1])
    return inner ~= "list" and inner and "list" or nil
  end
  return (kind == "integer" or kind == "float" or kind == "string" or kind == "boolean") and kind or nil
end

local expectations = { integer = "a whole number", float = "a number", boolean = "true or false", string = "a string",
  list = "a list with commas" }

local plurals = { integer = "whole numbers", float = "numbers", boolean = "true and false", string = "texts" }

-- The value of a text as a kind; nil where it is none.
local function parse(text, kind, default)
  if kind == "string" then return text end
  if kind == "integer" then return math.tointeger(tonumber(text)) end
  if kind == "float" then
    local value = tonumber(text)
    return value and value + 0.0
  end
  if kind == "boolean" then
    if text == "true" then return true end
    if text == "false" then return false end
    return nil
  end
  local list = {}
  for part in (text .. ","):gmatch "(.-)," do
    local value = parse(part, kind_of(default[1]))
    if value == nil then return nil end
    list[#list + 1] = value
  end
  return list
end

-- ---- declarations ------------------------------------------------------------------------------------------------

local KEYS = { min = "number", max = "number", above = "number", below = "number", unit = "string", doc = "string",
  choices = "table", default = "any" }

--- What may stand beside the default of a parameter.
M.fields = KEYS

local function is_spec(declared)
  if type(declared) ~= "table" then return false end
  for key in pairs(declared) do
    if type(key) == "string" then return true end
  end
  return false
end

local function check_keys(name, declared, position)
  for key, value in pairs(declared) do
    local wanted = key == 1 and "any" or KEYS[key]
    if not wanted then
      errors.raise("argument", position, "experiment: param '%s' has an unknown field '%s'%s", name, tostring(key),
        errors.hint(tostring(key), { "min", "max", "above", "below", "unit", "doc", "choices", "default" }))
    end
    if wanted ~= "any" and type(value) ~= wanted then
      errors.raise("argument", position, "experiment: %s of param '%s' is a %s, expected a %s", key, name,
        type(value), wanted)
    end
  end
end

-- What is declared of a parameter, { default =, min =, ..., choices =, unit =, doc = }.
local function spec_of(name, declared, position)
  if not is_spec(declared) then return { default = declared } end
  check_keys(name, declared, position)
  local spec = merged(declared)
  spec.default = declared[1]
  if spec.default == nil then spec.default = declared.default end
  spec[1] = nil
  if spec.default == nil and spec.choices then spec.default = spec.choices[1] end
  if spec.default == nil then
    errors.raise("argument", position, "experiment: param '%s' needs a default, as in %s = { 3e-3, above = 0 }", name,
      name)
  end
  return spec
end

local function outside(spec, value)
  if type(value) == "table" then
    for _, item in ipairs(value) do
      if outside(spec, item) then return true end
    end
    return false
  end
  if spec.choices then
    for _, choice in ipairs(spec.choices) do
      if choice == value then return false end
    end
    return true
  end
  if type(value) ~= "number" then return false end
  return spec.min and value < spec.min or spec.max and value > spec.max or spec.above and value <= spec.above
    or spec.below and value >= spec.below or false
end

-- What a parameter may be, in words.
local function expectation(spec)
  if spec.choices then
    local parts = {}
    for i, choice in ipairs(spec.choices) do parts[i] = tostring(choice) end
    return "one of " .. table.concat(parts, ", ")
  end
  local parts = {}
  if spec.min then parts[#parts + 1] = "of at least " .. spec.min end
  if spec.above then parts[#parts + 1] = "above " .. spec.above end
  if spec.max then parts[#parts + 1] = "at most " .. spec.max end
  if spec.below then parts[#parts + 1] = "below " .. spec.below end
  local kind = kind_of(spec.default)
  local text = expectations[kind]
  if kind == "list" then text = string.format("a list of %s with commas", plurals[kind_of(spec.default[1])]) end
  text = text .. (#parts > 0 and " " .. table.concat(parts, ", ") or "")
  return spec.unit and text .. ", in " .. spec.unit or text
end

local function check_declared(params, position)
  for name, spec in pairs(params) do
    local default = spec.default
    if not name:match "^[%a_][%w_]*$" then
      errors.raise("argument", position, "experiment: params need names, got [%s]", tostring(name))
    end
    if M.is_reserved(name) then
      errors.raise("argument", position, "experiment: param '%s' has the name of an option of the command; choose "
        .. "another name", name)
    end
    if not kind_of(default) then
      errors.raise("argument", position, "experiment: param '%s' is a %s, expected a number, a string, true, false "
        .. "or a list of them", name, type(default))
    end
    if outside(spec, default) then
      errors.raise("argument", position, "experiment: the default of param '%s' is %s, expected %s", name,
        tostring(default), expectation(spec))
    end
  end
end

local function usage(format, ...) errors.raise_at(nil, "usage", format, ...) end

-- The value of a text for a parameter; its unit may stand behind it.
local function value_of(spec, name, text)
  local kind = kind_of(spec.default)
  if spec.unit and kind ~= "string" and text:sub(-#spec.unit) == spec.unit then
    text = text:sub(1, -#spec.unit - 1):gsub("%s+$", "")
  end
  local value = parse(text, kind, spec.default)
  if value == nil or outside(spec, value) then
    local broken = kind == "integer" and value == nil and (spec.unit or spec.above or spec.below) and tonumber(text)
    usage("--%s must be %s, got '%s'%s", name, expectation(spec), text,
      spec.choices and errors.hint(text, spec.choices)
      or broken and string.format("; its default %d is whole: written %d.0 in the script, it may be any number",
        spec.default, spec.default) or "")
  end
  return value
end

local function declared_name(params, name)
  local key = name:gsub("%-", "_")
  if params[key] == nil then
    local list = names_of(params)
    local near = errors.nearest(key, list)
    usage("unknown option '--%s'%s", name, #list == 0 and ": this experiment has no parameters"
      or near and " (did you mean '--" .. near .. "'?)" or " (there are --" .. table.concat(list, ", --") .. ")")
  end
  return key
end

-- The name and value at args[i], and the index of the next argument.
local function option_at(args, i, params)
  local name, text = args[i]:match "^%-%-([%a_][%w_%-]*)=(.*)$"
  name = name or args[i]:match "^%-%-([%a_][%w_%-]*)$"
  if not name then usage("unexpected argument '%s': an experiment takes its parameters as --NAME VALUE", args[i]) end
  local key = declared_name(params, name)
  local spec = params[key]
  if not text and kind_of(spec.default) == "boolean" and (not args[i + 1] or args[i + 1]:sub(1, 2) == "--") then
    return key, true, i + 1
  end
  if not text then
    i, text = i + 1, args[i + 1]
    if not text then usage("--%s needs a value, %s", name, expectation(spec)) end
  end
  return key, value_of(spec, name, text), i + 1
end

--- What a script declares, checked: name -> { default =, min =, max =, above =, below =, choices =, unit =, doc = }.
-- Raises at `position` for a bad declaration.
function M.declared(params, position)
  local specs = {}
  for name, declared in pairs(params) do specs[name] = spec_of(tostring(name), declared, position) end
  for name in pairs(params) do
    if type(name) ~= "string" then
      errors.raise("argument", position, "experiment: params need names, got [%s]", tostring(name))
    end
  end
  check_declared(specs, position)
  return specs
end

--- The values: the declared defaults, replaced by what sets ("NAME=VALUE" each) and then args (a list of strings)
-- give. Raises as wrong usage for a bad argument, and for a parameter that is given twice (unless several may be).
function M.resolve(specs, args, sets, several)
  local values, given, i = {}, {}, 1
  local function take(key, value, how)
    if given[key] and not several then
      usage("'%s' is given twice, by %s and by %s; leave one of them out", key, given[key], how)
    end
    values[key], given[key] = value, how
  end
  for name, spec in pairs(specs) do values[name] = spec.default end
  for _, text in ipairs(sets or {}) do
    local name, value = text:match "^([^=]+)=(.*)$"
    if name and M.is_reserved(name) then
      usage("--set %s: '%s' is no parameter of the script but an option of the command, --%s", text, name,
        (name:gsub("_", "-")))
    end
    local key = declared_name(specs, name)
    take(key, value_of(specs[key], name, value), "--set " .. text)
  end
  while i <= #args do
    local name, value, after = option_at(args, i, specs)
    take(name, value, table.concat(args, " ", i, after - 1))
    i = after
  end
  return values
end

--- A view of the values that cannot be changed; reading a name that was not declared raises.
function M.view(values)
  return setmetatable({}, {
    __name = "params",
    __index = function(_, name)
      local value = values[name]
      if value ~= nil then return value end
      errors.raise("name", 2, "the experiment declares no param '%s'%s", tostring(name),
        errors.hint(name, names_of(values)))
    end,
    __newindex = function(_, name)
      errors.raise("state", 2, "params are fixed once the experiment has begun ('%s'); use a local", tostring(name))
    end,
    __pairs = function() return pairs(values) end,
    __tostring = function()
      local parts = {}
      for name, value in pairs(values) do
        parts[#parts + 1] = name .. " = " .. (type(value) == "table" and table.concat(value, ",") or tostring(value))
      end
      return table.concat(parts, ", ")
    end,
  })
end

--- What `lamina SCRIPT --help` prints. specs: what M.declared returned.
function M.help(name, o, specs, script)
  local lines = { name .. (script and " (" .. script .. ")" or "") }
  if o.about then lines[#lines + 1] = o.about end
  lines[#lines + 1] = string.format("  %-24s %s", "--seed " .. o.seed, "seed of every random number")
  for param, spec in pairs(specs) do
    local default = spec.default
    local text = type(default) == "table" and table.concat(default, ",") or tostring(default)
    lines[#lines + 1] = string.format("  %-24s %s", "--" .. param .. " " .. text,
      (spec.doc and spec.doc .. ": " or "") .. expectation(spec))
  end
  return table.concat(lines, "\n")
end

return M
