--- The parameters that a script declares, with values from the command line: --rate 0.01 or --rate=0.01.
--
-- A parameter's type is that of its default: an integer stays whole, a number, a string, true or false (--flag alone
-- is true), or a list of one of these, given with commas.
local errors = require "lamina.errors"

local M = {}

-- Names that the command itself takes.
local reserved = { "seed", "threads", "memory", "out", "data", "traceback", "help", "version" }

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

local function check_declared(params, position)
  for name, default in pairs(params) do
    if type(name) ~= "string" or not name:match "^[%a_][%w_]*$" then
      errors.raise("argument", position, "experiment: params need names, got [%s]", tostring(name))
    end
    for _, taken in ipairs(reserved) do
      if name == taken then
        errors.raise("argument", position, "experiment: param '%s' has the name of an option of the command; choose "
          .. "another name", name)
      end
    end
    if not kind_of(default) then
      errors.raise("argument", position, "experiment: param '%s' is a %s, expected a number, a string, true, false "
        .. "or a list of them", name, type(default))
    end
  end
end

local function usage(format, ...) errors.raise_at(nil, "usage", format, ...) end

-- The name and value at args[i], and the index of the next argument.
local function option_at(args, i, params)
  local name, text = args[i]:match "^%-%-([%a_][%w_%-]*)=(.*)$"
  name = name or args[i]:match "^%-%-([%a_][%w_%-]*)$"
  if not name then usage("unexpected argument '%s': an experiment takes its parameters as --NAME VALUE", args[i]) end
  local key = name:gsub("%-", "_")
  if params[key] == nil then
    local list = names_of(params)
    local near = errors.nearest(key, list)
    usage("unknown option '--%s'%s", name, #list == 0 and ": this experiment has no parameters"
      or near and " (did you mean '--" .. near .. "'?)" or " (there are --" .. table.concat(list, ", --") .. ")")
  end
  local kind = kind_of(params[key])
  if not text and kind == "boolean" and args[i + 1] ~= "true" and args[i + 1] ~= "false" then
    return key, true, i + 1
  end
  if not text then
    i, text = i + 1, args[i + 1]
    if not text then usage("--%s needs a value, %s", name, expectations[kind]) end
  end
  local value = parse(text, kind, params[key])
  if value == nil then usage("--%s must be %s, got '%s'", name, expectations[kind], text) end
  return key, value, i + 1
end

--- The values: the declared defaults, replaced by what args (a list of strings) give. Raises at `position` for a bad
-- declaration, as wrong usage for a bad argument.
function M.resolve(params, args, position)
  check_declared(params, position)
  local values, i = {}, 1
  for name, default in pairs(params) do values[name] = default end
  while i <= #args do
    local name, value
    name, value, i = option_at(args, i, params)
    values[name] = value
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

--- What `lamina SCRIPT --help` prints.
function M.help(name, o, script)
  local lines = { name .. (script and " (" .. script .. ")" or "") }
  if o.about then lines[#lines + 1] = o.about end
  lines[#lines + 1] = string.format("  %-24s %s", "--seed " .. o.seed, "seed of every random number")
  for param, default in pairs(o.params) do
    local text = type(default) == "table" and table.concat(default, ",") or tostring(default)
    lines[#lines + 1] = string.format("  %-24s %s", "--" .. param .. " " .. text, expectations[kind_of(default)])
  end
  return table.concat(lines, "\n")
end

return M
