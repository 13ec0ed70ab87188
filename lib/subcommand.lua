--- What every subcommand of `lamina` shares: its options, its help, the ends it may come to.
--
-- A subcommand is a file of lib/commands whose first line is "--- lamina NAME: what it does" and which returns
-- subcommand.define { name =, usage =, about =, options = {...}, positional = {...}, run = function(o) ... end }.
-- An option is { "--out", short = "-o", value = "DIR", type = "string", default =, many = false, doc = } (params =
-- true where the value begins with the name of one of the script's parameters, which shells complete): without
-- `value` it is a flag; type is string, integer, number or size (512M, 2G); `many` makes a list of what may be given
-- again. The names of `positional` take what is no option, in order; a last one that ends in "..." takes all that is
-- left, a "?" at a name's end makes it optional. With passes = true, options that the subcommand does not know, and
-- what follows "--", are kept as o.passed, for a script. run(o) gets the values by name (--cpu-time is o.cpu_time)
-- and returns an exit code, 0 if none. Wrong usage is answered with exit code 2. examples: command lines, each with
-- what it does behind a "#" where that needs saying. engine = true: its options are those of `lamina` itself
-- (interp/usage.c). complete: what shells offer where no option stands, see lib/completions.lua.
local errors = require "lamina.errors"

local M = {}

local function usage(def, format, ...)
  errors.raise_at(nil, "usage", "%s: %s (lamina %s --help tells more)", def.name, string.format(format, ...),
    def.name)
end

local function key_of(option) return (option[1]:gsub("^%-+", ""):gsub("%-", "_")) end

local SHIFTS = { [""] = 0, K = 10, M = 20, G = 30, T = 40 }

--- The bytes of a size such as 65536, 512K, 512M or 2G (with B or iB behind it, too); nil where it is none.
function M.size(text)
  local digits, unit = text:upper():match "^(%d+)([KMGT]?)I?B?$"
  local n = digits and math.tointeger(tonumber(digits))
  if not n or n < 1 or n > (1 << 62) >> SHIFTS[unit] then return nil end
  return n << SHIFTS[unit]
end

local parsers = {
  string = function(text) return text ~= "" and text or nil end,
  integer = function(text) return text:match "^%-?%d+$" and math.tointeger(tonumber(text)) end,
  number = function(text) return tonumber(text) end,
  size = M.size,
}

local phrases = { string = "not be empty", integer = "be a whole number", number = "be a number",
  size = "be a size such as 512M or 2G" }

local function take(def, values, option, text)
  local kind = option.type or "string"
  local value = parsers[kind](text)
  if value == nil then usage(def, "%s must %s, got '%s'", option[1], phrases[kind], text) end
  if option.min and value < option.min or option.max and value > option.max then
    usage(def, "%s must be %s, got '%s'", option[1], option.max and string.format("from %s to %s", option.min or 0,
      option.max) or "at least " .. option.min, text)
  end
  local key = key_of(option)
  if not option.many then
    values[key] = value
    return
  end
  values[key] = values[key] or {}
  table.insert(values[key], value)
end

local function find(def, word)
  for _, option in ipairs(def.options or {}) do
    if option[1] == word or option.short == word then return option end
  end
end

local function option_names(def)
  local names = { "--help" }
  for _, option in ipairs(def.options or {}) do names[#names + 1] = option[1] end
  return names
end

local function unknown(def, word) usage(def, "unknown option '%s'%s", word, errors.hint(word, option_names(def))) end

--- What is to be added to an error where one of the words that were passed on is nearly an option of the subcommand
-- itself: " (did you mean '--grid'?)"; else "".
function M.near_passed(def, words)
  for _, word in ipairs(words) do
    local hint = word:sub(1, 2) == "--" and errors.hint(word:match "^[^=]*", option_names(def)) or ""
    if hint ~= "" then return string.format("; '%s' is no option of %s%s", word:match "^[^=]*", def.name, hint) end
  end
  return ""
end

-- Reads the option at args[i]; returns the index of the next argument.
local function option_at(def, values, args, i)
  local word, text = args[i]:match "^(%-%-[^=]+)=(.*)$"
  word = word or args[i]
  local option = find(def, word)
  if not option then
    if not def.passes then unknown(def, word) end
    table.insert(values.passed, args[i])
    if not text and args[i + 1] and args[i + 1]:sub(1, 1) ~= "-" and word:sub(1, 2) == "--" then
      i = i + 1
      table.insert(values.passed, args[i])
    end
    return i + 1
  end
  if not option.value then
    if text then usage(def, "%s takes no value", word) end
    values[key_of(option)] = true
    return i + 1
  end
  if not text then
    i = i + 1
    text = args[i]
    if not text then usage(def, "%s needs a value, %s %s", word, word, option.value) end
  end
  take(def, values, option, text)
  return i + 1
end

local function place(def, values, words)
  local names = def.positional or {}
  local at = 1
  for _, name in ipairs(names) do
    local rest, maybe = name:match "^(.-)%.%.%.$", name:match "^(.-)%?$"
    if rest then
      values[rest] = table.move(words, at, #words, 1, {})
      at = #words + 1
    else
      if not words[at] and not maybe then
        usage(def, "%s is missing: %s%s", name:upper(), def.usage, M.near_passed(def, values.passed))
      end
      values[maybe or name] = words[at]
      at = at + 1
    end
  end
  if words[at] then usage(def, "unexpected argument '%s'", words[at]) end
end

--- The values of a list of arguments, by name; the defaults of those that are absent. Raises a 'usage' error.
function M.parse(def, args)
  local values, words, i = { passed = {} }, {}, 1
  while i <= #args do
    local word = args[i]
    if word == "--" then
      local list = def.passes and values.passed or words
      table.move(args, i + 1, #args, #list + 1, list)
      break
    end
    if word:sub(1, 1) == "-" and #word > 1 then
      i = option_at(def, values, args, i)
    else
      words[#words + 1] = word
      i = i + 1
    end
  end
  for _, option in ipairs(def.options or {}) do
    local key = key_of(option)
    if values[key] == nil then values[key] = option.default end
  end
  place(def, values, words)
  return values
end

-- A text in lines of at most 118 columns, those after the first behind `indent`.
local function folded(text, indent)
  local lines, line = {}, nil
  for word in text:gmatch "%S+" do
    if line and #line + 1 + #word > 118 - #indent then
      lines[#lines + 1] = line
      line = word
    else
      line = line and line .. " " .. word or word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n" .. indent)
end

-- A number of bytes with the largest unit that it is a multiple of.
local function size_text(n)
  for _, unit in ipairs { "T", "G", "M", "K" } do
    if n % (1 << SHIFTS[unit]) == 0 then return (n >> SHIFTS[unit]) .. unit end
  end
  return tostring(n)
end

--- What an option does, with its default.
function M.doc(option)
  if option.default == nil or not option.value then return option.doc end
  return string.format("%s (default: %s)", option.doc, option.type == "size" and size_text(option.default)
    or option.default)
end

-- The lines of the options, those of the command itself where they are the subcommand's.
local function option_lines(def, lines)
  if def.engine then
    lines[#lines + 1] = require("lamina.core.command").usage_of_options:gsub("\n$", "")
    return
  end
  for _, option in ipairs(def.options or {}) do
    local head = (option.short and option.short .. ", " or "") .. option[1] .. (option.value and " " .. option.value
      or "")
    lines[#lines + 1] = string.format("  %-22s %s", head, folded(M.doc(option), string.rep(" ", 25)))
  end
  lines[#lines + 1] = string.format("  %-22s %s", "--help", "this text")
end

--- The help of a subcommand: usage, what it does, its options, examples, its exit codes.
function M.help(def)
  local lines = { "usage: lamina " .. def.usage, "", def.about:gsub("%s+$", ""), "" }
  option_lines(def, lines)
  for i, example in ipairs(def.examples or {}) do
    lines[#lines + 1] = (i == 1 and "\nexamples:\n  " or "  ") .. example
  end
  if def.codes then
    lines[#lines + 1] = ""
    lines[#lines + 1] = folded("exit codes: " .. def.codes, "  ")
  end
  return table.concat(lines, "\n")
end

--- Makes the module of a subcommand: its definition with run(args).
function M.define(def)
  return { definition = def, run = function(args)
    for _, word in ipairs(args) do
      if word == "--" then break end
      if word == "--help" or word == "-h" then
        require("lamina.prompt.pager").prose(M.help(def))
        return 0
      end
    end
    return def.run(M.parse(def, args)) or 0
  end }
end

return M
