--- Completion at the prompt: names and fields; within a constructor's braces the names of its options; within strings
-- what an option may be, names of layers, areas, losses, rules and topics of help. Nothing of the user's is run.
local highlight = require "lamina.prompt.highlight"
local repeatable = require "lamina.core.repeatable"
local words = require "lamina.words"

local M = {}

local function add(names, name, beginning)
  if type(name) == "string" and name:sub(1, #beginning) == beginning and name:match "^[%a_][%w_]*$"
    and not name:find "^__" then
    names[name] = true
  end
end

local function sorted(names)
  local list = {}
  for name in pairs(names) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- ---- names and fields ------------------------------------------------------------------------------------------

-- Adds the names of what a value holds: its fields, and those of the tables behind it. mark: what stands before them,
-- "." or ":".
local function add_fields(names, value, beginning, mark)
  local objects = require "lamina.help.objects"
  local kind = objects.kind_of(value)
  local methods_known = kind and objects.methods(kind) or {}
  if #methods_known > 0 then -- an object of the library: what is documented of it, and what it holds for the user
    for _, method in ipairs(methods_known) do add(names, method.name, beginning) end
    local fields = objects.kinds[kind].fields
    for name in (fields or ""):gmatch "%S+" do add(names, name, beginning) end
    if kind == "model" and mark == "." then -- net.V1
      for name in pairs(rawget(value, "blocks_by_name") or {}) do add(names, name, beginning) end
    end
    if fields or type(value) ~= "table" then return end
    for name in repeatable.stock_pairs(value) do add(names, name, beginning) end
    return
  end
  for _ = 1, 10 do
    local meta = getmetatable(value)
    if type(value) == "table" then
      for name in repeatable.stock_pairs(value) do add(names, name, beginning) end
    end
    if type(meta) ~= "table" then return end
    local methods = rawget(meta, "methods")
    if type(methods) == "table" then
      for name in repeatable.stock_pairs(methods) do add(names, name, beginning) end
    end
    value = rawget(meta, "__index")
    if type(value) ~= "table" then return end
  end
end

local function global(name)
  local value = rawget(_G, name)
  if value == nil and words.list[name] then value = words.find(name) end
  return value
end

-- The value of a path such as net.layers, without running anything of the user's; nil where it has none.
local function resolve(path)
  local value
  for part in path:gmatch "[^%.:]+" do
    if value == nil then
      value = global(part)
    elseif type(value) == "table" then
      local found = rawget(value, part)
      local meta = getmetatable(value)
      local index = type(meta) == "table" and rawget(meta, "__index")
      if found == nil and type(index) == "table" then found = index[part] end
      value = found
    else
      return nil
    end
    if value == nil then return nil end
  end
  return value
end

-- The names that "pri", "plot." or "net:sa" may become, whole.
local function of_names(text)
  local path, mark, beginning = text:match "^([%w_%.:]-)([%.:]?)([%w_]*)$"
  if not path then return {} end
  local names, list = {}, {}
  if mark == "" then
    for name in repeatable.stock_pairs(_G) do add(names, name, beginning) end
    for name in pairs(words.list) do add(names, name, beginning) end
    for name in highlight.keywords:gmatch "%S+" do add(names, name, beginning) end
  else
    local value = resolve(path)
    if value == nil then return {} end
    add_fields(names, value, beginning, mark)
  end
  for i, name in ipairs(sorted(names)) do list[i] = path .. mark .. name end
  return list
end

-- ---- where the cursor is -----------------------------------------------------------------------------------------

local CLOSING = { ["}"] = "{", [")"] = "(", ["]"] = "[" }

-- What is open at the end of a text, { at = position of the brace or parenthesis, mark = "{" or "(" } or nil; and the
-- position of the quote that opens the string that the end is in, nil where it is in none.
local function open_at_end(text)
  local stack, at = {}, 1
  while at <= #text do
    local stop, kind = highlight.token(text, at)
    stop = math.max(stop, at)
    if kind == "string" and stop == #text and (stop == at or text:sub(stop, stop) ~= text:sub(at, at)) then
      return stack[#stack], at
    elseif kind == nil then
      for i = at, stop do
        local c = text:sub(i, i)
        if c == "{" or c == "(" or c == "[" then
          stack[#stack + 1] = { at = i, mark = c }
        elseif CLOSING[c] and #stack > 0 then
          stack[#stack] = nil
        end
      end
    end
    at = stop + 1
  end
  return stack[#stack], nil
end

-- The word that is called with what opens at the end of a text, "conv" of `conv `, "area" of `area "V1" `; and what
-- it is called on, "net" of `net:cost `.
local function called_word(text)
  text = text:gsub("%s+$", ""):gsub("%($", ""):gsub('%s*"[^"\n]*"$', "")
  local path = text:match "([%a_][%w_%.:]*)$"
  if not path then return nil end
  local on, method = path:match "^(.*):([%w_]+)$"
  return method or path, on
end

-- ---- options -----------------------------------------------------------------------------------------------------

-- The fields of a word's table by name: { type =, choices =, doc = }; nil where it has none that are known.
local function fields_of(word, on)
  if not word then return nil end
  local schema = require "lamina.schema"
  local value = not on and resolve(word)
  if type(value) == "table" and type(rawget(value, "options")) == "table" and rawget(value, "word") then
    return value.options
  end
  local objects = require "lamina.help.objects"
  local kind = on and objects.kind_of(resolve(on))
  local fields = kind and objects.options(kind, word) or not kind and schema.words[word]
  if fields then return fields end
  local op, list = require("lamina.core.ops").doc(word:match "^ops%.(.*)$" or word), {}
  for _, p in ipairs(op and op.params or {}) do list[p.name] = { choices = p.choices, doc = p.doc } end
  local said = not op and not on and require("lamina.help").runtime(word)
  for name in (said and said:match "^[^\n]*" or ""):gmatch "([%a_]+) =" do list[name] = {} end -- zeros { 2, dtype =
  return next(list) and list or nil
end

-- What may stand beside the default of an experiment's parameter, where the text ends in `params = { rate = `, within
-- the table of experiment; else nil.
local function fields_of_parameter(text)
  if not text:find "[%a_][%w_]*%s*=%s*$" then return nil end
  local params = open_at_end(text)
  local outer = params and text:sub(1, params.at - 1)
  if not outer or not outer:find "%f[%w_]params%s*=%s*$" then return nil end
  local open = open_at_end(outer)
  return open and called_word(outer:sub(1, open.at - 1)) == "experiment"
    and require("lamina.experiment.params").fields or nil
end

-- The options that a word may become, and whether nothing else can stand there.
local function of_options(open, before, beginning)
  if not open or open.mark ~= "{" or beginning:find "[%.:]" then return {} end
  local inside = before:sub(open.at + 1)
  if not inside:find "^%s*$" and not inside:find "[,;{]%s*$" then return {} end -- a value, not a name
  local head, names = before:sub(1, open.at - 1), {}
  local parameter = fields_of_parameter(head)
  local fields = parameter or fields_of(called_word(head))
  for name in pairs(fields or {}) do
    if name ~= "positional" and not inside:find("%f[%w_]" .. name .. "%s*=") then add(names, name, beginning) end
  end
  local list = sorted(names)
  for i, name in ipairs(list) do list[i] = name .. " = " end
  return list, parameter ~= nil and inside:find "%S" ~= nil
end

-- ---- within strings ----------------------------------------------------------------------------------------------

local function choices_of(field)
  if not field or not field.choices then return {} end
  if type(field.choices) == "table" then return field.choices end
  local list = {}
  for name in field.choices:gmatch "%S+" do list[#list + 1] = name end
  return list
end

local function add_model(names, net)
  for _, node in ipairs(rawget(net, "nodes") or {}) do names[node.name] = true end
  for name in pairs(rawget(net, "blocks_by_name") or {}) do names[name] = true end
end

-- Layers and areas: of one model, or of all that are in globals and of the text that is being typed.
local function layer_names(on, text)
  local names, objects = {}, require "lamina.help.objects"
  local net = on and resolve(on)
  if net ~= nil and objects.kind_of(net) == "model" then
    add_model(names, net)
    return names
  end
  for _, value in repeatable.stock_pairs(_G) do
    if objects.kind_of(value) == "model" then add_model(names, value) end
  end
  for name in text:gmatch "%f[%w]area%s*\"([^\"\n]+)\"" do names[name] = true end
  for name in text:gmatch "%f[%w]readout%s*\"([^\"\n]+)\"" do names[name] = true end
  return names
end

local function fields_as_set(module)
  local names = {}
  for name, value in repeatable.stock_pairs(require(module)) do
    if type(name) == "string" and type(value) ~= "boolean" then names[name] = true end
  end
  return names
end

local function loss_names()
  local names = {}
  require "lamina.loss"
  for word in pairs(require("lamina.schema").words) do
    local name = word:match "^losses%.([%w_]+)$"
    if name then names[name] = true end
  end
  return names
end

local function topics()
  local names = {}
  for _, name in ipairs(require("lamina.help").names()) do names[name] = true end
  for _, guide in ipairs(require("lamina.guides").list()) do names["guide:" .. guide.name] = true end
  return names
end

local function named(list)
  return function()
    local names = {}
    for name in list:gmatch "%S+" do names[name] = true end
    return names
  end
end

local dtypes = named(table.concat(require("lamina.core.tensor").dtypes(), " "))

-- The data sets that lie where they are looked for, and those that `lamina data get` would bring.
local function data_names()
  local names, base = {}, require "lamina.core.base"
  local known = require("lamina.errors").try(require("lamina.data.catalogue").all)
  for name in pairs(known or {}) do names[name] = true end
  local roots = { require("lamina.data.store").root() }
  for _, given in ipairs(require("lamina.core.command").data) do
    local name = given:match "^([%w_%.%-]+)=."
    if name then names[name] = true else roots[#roots + 1] = given end
  end
  for _, root in ipairs(roots) do
    for _, name in ipairs(base.isdir(root) and base.list(root) or {}) do
      if base.isdir(root .. "/" .. name) then names[name] = true end
    end
  end
  return names
end

-- What stands in a table: models["len
local function fields_of_value(path)
  local names, value = {}, resolve(path)
  if type(value) == "table" then
    local kind = require("lamina.help.objects").kind_of(value)
    if kind == "model" then
      add_model(names, value)
    else
      add_fields(names, value, "", ".")
    end
  end
  return names
end

-- Options whose names say what their strings are, where the schema does not.
local OF_OPTION = {
  layers = layer_names, layer = layer_names, from = layer_names, to = layer_names, of = layer_names,
  area = layer_names, freeze = layer_names, loss = loss_names,
  rule = function() return fields_as_set "lamina.rules.known" end,
  dtype = dtypes, init = named "uniform he lecun glorot orthogonal zeros",
  constraint = named "non_negative non_positive norm sum sign mask distance",
}

-- Calls with a string by itself.
local OF_CALL = {
  help = topics, layer = layer_names, area = layer_names, upto = layer_names, freeze = layer_names,
  unfreeze = layer_names, parameters = layer_names, local_rule = OF_OPTION.rule, to = dtypes, cast = dtypes,
  ["data.folder"] = data_names,
}

-- What an option that is a table by name may hold: rule = { V1 = "
local OF_NAMED = { rule = OF_OPTION.rule, loss = loss_names, constraint = OF_OPTION.constraint }

-- The words that a string at the end of `before` may hold: { name = true }, nil where that is not known.
local function of_string(before, quote)
  local head = before:sub(1, quote - 1)
  local open = open_at_end(head)
  local option = head:match "([%a_][%w_]*)%s*=%s*$" or head:match "([%a_][%w_]*)%s*=%s*{[^{}=]*$"
  local word, on = called_word(head)
  if option and open then
    local from = open.at
    if head:find "=%s*{[^{}=]*$" then -- layers = { "V1", "V
      local outer = open_at_end(head:sub(1, open.at - 1))
      from = outer and outer.at or from
    end
    local owner, owner_on = called_word(head:sub(1, from - 1))
    local fields = fields_of(owner, owner_on)
    local choices = choices_of(fields and fields[option])
    if #choices > 0 then
      local names = {}
      for _, name in ipairs(choices) do names[name] = true end
      return names
    end
    local outer = OF_NAMED[head:sub(1, open.at - 1):match "([%a_][%w_]*)%s*=%s*$"]
    if outer then return outer() end
    return OF_OPTION[option] and OF_OPTION[option](nil, before)
  end
  local indexed = head:match "([%a_][%w_%.]*)%[%s*$"
  if indexed then return fields_of_value(indexed) end
  if open and open.mark == "{" and head:find "[{,]%s*$" then word, on = called_word(head:sub(1, open.at - 1)) end
  local alone = word == "help" or word == "local_rule" or word == "data.folder"
  if OF_CALL[word] and (on or alone) then return OF_CALL[word](on, before) end
  local fields = fields_of(word, on)
  local first = fields and fields.positional and fields[fields.positional[1]]
  local names = {}
  for _, name in ipairs(choices_of(first)) do names[name] = true end
  return next(names) and names or nil
end

-- ---- all of it ---------------------------------------------------------------------------------------------------

local function starting_with(names, beginning)
  local found = {}
  for name in pairs(names) do
    if name:sub(1, #beginning) == beginning then found[name] = true end
  end
  return sorted(found)
end

--- What a typed word may become, whole and sorted, options before names (alone where no letter is typed yet). before:
-- all that stands before it in the entry. In a string the word is what the string holds so far; an empty list there
-- means that it may be the name of a file.
function M.complete(word, before)
  local files = require("lamina.prompt.files").complete(word, before)
  if files then return files end
  local command = (before .. word):match "^%s*%%([%w_]*)$"
  if command then
    local list = starting_with(require("lamina.prompt.commands").names(), command)
    local mark = word:sub(1, 1) == "%" and "%" or ""
    for i, name in ipairs(list) do list[i] = mark .. name end
    return list
  end
  if before:find "^%s*%?+%s*$" or (word:find "^%?" and before:find "^%s*$") then
    local mark = word:match "^%?*"
    local list = starting_with(topics(), word:sub(#mark + 1))
    for i, name in ipairs(list) do list[i] = mark .. name end
    return list
  end
  local open, quote = open_at_end(before)
  if quote then
    local names = of_string(before, quote)
    return names and starting_with(names, word) or {}
  end
  if before:find "^%s*%%who%s+$" then
    local names = {}
    for _, name in ipairs(require("lamina.prompt.session").mine()) do names[name] = true end
    return starting_with(names, word)
  end
  local list, alone = of_options(open, before, word)
  if #list > 0 and (word == "" or alone) then return list end
  local names = of_names(word)
  return table.move(names, 1, #names, #list + 1, list)
end

return M
