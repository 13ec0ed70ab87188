--- The prompt's Lua side: showing values, completing names.
local words = require "lamina.words"

local M = {}

local KEYWORDS = "and break do else elseif end false for function goto if in local nil not or repeat return then "
  .. "true until while"

local WIDTH, DEPTH, ITEMS = 100, 3, 20 -- of a table that is shown: characters, levels, entries

--- Called once before the first line.
function M.open()
  require("lamina.strict").prompt = true
end

-- ---- showing ---------------------------------------------------------------------------------------------------

local function is_plain(value) return type(value) == "table" and getmetatable(value) == nil end

local function key_text(key)
  if type(key) == "string" and key:match "^[%a_][%w_]*$" then return key end
  return type(key) == "string" and string.format("[%q]", key) or "[" .. tostring(key) .. "]"
end

-- Keys in the order of pairs where they have one, else as they come.
local function each(value)
  local ok, f, s, c = pcall(pairs, value)
  if ok then return f, s, c end
  return require("lamina.core.repeatable").stock_pairs(value)
end

local render

local function render_table(value, indent, depth, seen)
  if seen[value] or depth > DEPTH then return "{...}" end
  seen[value] = true
  local parts, count = {}, 0
  for key, item in each(value) do
    count = count + 1
    if count <= ITEMS then
      local text = render(item, indent .. "  ", depth + 1, seen)
      if key ~= #parts + 1 then text = key_text(key) .. " = " .. text end
      parts[#parts + 1] = text
    end
  end
  seen[value] = nil
  if count > ITEMS then parts[#parts + 1] = string.format("... (%d more)", count - ITEMS) end
  if count == 0 then return "{}" end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line + #indent <= WIDTH and not line:find "\n" then return line end
  return "{\n" .. indent .. "  " .. table.concat(parts, ",\n" .. indent .. "  ") .. "\n" .. indent .. "}"
end

render = function(value, indent, depth, seen)
  if is_plain(value) then return render_table(value, indent, depth, seen) end
  if type(value) == "string" then return string.format("%q", value):gsub("\\\n", "\\n") end
  return (tostring(value):gsub("\n", "\n" .. indent))
end

--- The text of a value at the prompt: a string as it is, a plain table with what it holds, else tostring.
function M.text(value)
  if is_plain(value) then return render_table(value, "", 1, {}) end
  return tostring(value)
end

--- Prints values, one to a line; nothing where all are nil.
function M.show(...)
  local any = false
  for i = 1, select("#", ...) do any = any or select(i, ...) ~= nil end
  if not any then return end
  for i = 1, select("#", ...) do print(M.text((select(i, ...)))) end
end

-- ---- completing ------------------------------------------------------------------------------------------------

local function add(names, name, beginning)
  if type(name) == "string" and name:sub(1, #beginning) == beginning and name:match "^[%a_][%w_]*$"
    and not name:find "^__" then
    names[name] = true
  end
end

-- Adds the names of what a value holds: its fields, and those of the tables behind it.
local function add_fields(names, value, beginning)
  local objects = require "lamina.help.objects"
  local kind = objects.kind_of(value)
  local methods_known = kind and objects.methods(kind) or {}
  if #methods_known > 0 then -- an object of the library: what is documented of it, and what it holds for the user
    for _, method in ipairs(methods_known) do add(names, method.name, beginning) end
    local fields = objects.kinds[kind].fields
    for name in (fields or ""):gmatch "%S+" do add(names, name, beginning) end
    if fields or type(value) ~= "table" then return end
    for name in require("lamina.core.repeatable").stock_pairs(value) do add(names, name, beginning) end
    return
  end
  local stock_pairs = require("lamina.core.repeatable").stock_pairs
  for _ = 1, 10 do
    local meta = getmetatable(value)
    if type(value) == "table" then
      for name in stock_pairs(value) do add(names, name, beginning) end
    end
    if type(meta) ~= "table" then return end
    local methods = rawget(meta, "methods")
    if type(methods) == "table" then
      for name in stock_pairs(methods) do add(names, name, beginning) end
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

--- The names that a typed beginning may become, whole and sorted: "pri" -> print; "plot." -> plot.bars, ...
function M.complete(text)
  local path, mark, beginning = text:match "^([%w_%.:]-)([%.:]?)([%w_]*)$"
  if not path then return {} end
  local names = {}
  if mark == "" then
    for name in require("lamina.core.repeatable").stock_pairs(_G) do add(names, name, beginning) end
    for name in pairs(words.list) do add(names, name, beginning) end
    for name in KEYWORDS:gmatch "%S+" do add(names, name, beginning) end
  else
    local value = resolve(path)
    if value == nil then return {} end
    add_fields(names, value, beginning)
  end
  local list = {}
  for name in pairs(names) do list[#list + 1] = path .. mark .. name end
  return list
end

return M
