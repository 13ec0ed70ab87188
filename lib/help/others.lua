--- lamina.help.others: what help says of names that are none of Lamina's language: the subcommands of `lamina`, the
-- commands of the prompt, and what Lua itself has.
local command = require "lamina.core.command"
local highlight = require "lamina.prompt.highlight"

local M = {}

local MANUAL = "https://www.lua.org/manual/5.4/manual.html#"

local LIBRARIES = { "string", "table", "math", "io", "os", "utf8", "coroutine", "debug", "package" }

--- The usage of `lamina NAME`; nil where there is no such command.
function M.subcommand(name)
  if not name:find "^%l+$" or not command.source("lib/commands/" .. name .. ".lua") then return nil end
  return require("lamina.subcommand").help(require("lamina.commands." .. name).definition)
end

-- The paragraph on a command of the prompt, "%time".
local function prompt_doc(name)
  local wanted = name:match "^%%(%l+)$"
  if not wanted then return nil end
  local lines
  for line in (require("lamina.prompt.commands").overview() .. "\n"):gmatch "(.-)\n" do
    if line:find("^  %%" .. wanted .. "[ :]") then
      lines = { "At the prompt:", line }
    elseif lines and line:find "^      " then
      lines[#lines + 1] = line
    elseif lines then
      break
    end
  end
  return lines and table.concat(lines, "\n")
end

-- The name of one of Lua's own functions or libraries; nil for other values.
local function lua_name(value)
  for _, name in ipairs(LIBRARIES) do
    local library = rawget(_G, name)
    if rawequal(library, value) then return name end
    for field, item in require("lamina.core.repeatable").stock_pairs(type(library) == "table" and library or {}) do
      if rawequal(item, value) then return name .. "." .. field end
    end
  end
  for name, item in require("lamina.core.repeatable").stock_pairs(_G) do
    if rawequal(item, value) then return name end
  end
end

local function lua_doc(name)
  for keyword in highlight.keywords:gmatch "%S+" do
    if keyword == name then return string.format("%s: a keyword of Lua; see %s3.3", name, MANUAL) end
  end
  local first, field = name:match "^(%l%w*)%.?(%l*)$"
  local value = first and rawget(_G, first)
  if field and field ~= "" then value = type(value) == "table" and rawget(value, field) end
  if type(value) ~= "function" and type(value) ~= "table" or require("lamina.words").list[first] then return nil end
  if type(value) == "function" and debug.getinfo(value, "S").what ~= "C" and name ~= "print" then return nil end
  for _, library in ipairs(LIBRARIES) do
    if first == library and field == "" then
      return string.format("%s: a library of Lua; see %s6 (Tab after %s. lists what is in it)", name, MANUAL, name)
    end
  end
  return type(value) == "function" and string.format("%s: a function of Lua; see %spdf-%s", name, MANUAL, name) or nil
end

--- What help says of such a name, or of a function or library of Lua's; nil where nothing is known.
function M.doc(what)
  if type(what) ~= "string" then
    local name = (type(what) == "function" or type(what) == "table") and lua_name(what)
    return name and lua_doc(name) or nil
  end
  return M.subcommand(what) or prompt_doc(what) or lua_doc(what)
end

-- By the kind of a value: the name whose help tells of it, or a function of the value that gives the name.
local MADE_BY = {
  architecture = function(v) return "models." .. tostring(rawget(v, "word")) end, augmentation = "augment",
  batch = "set:batches", cells = "dale", constraint = "constraints", coordinates = "assembly", cost = "net:cost",
  criteria = "criteria", ["custom function"] = "custom", error = "try", evaluation = "evaluate",
  features = "activations", goals = "goals", ["gradcheck report"] = "gradcheck",
  ["local rule"] = "local_rule",
  layer = function(v) return type(rawget(v, "layer")) == "table" and rawget(v, "layer").full end,
  loss = function(v) return "losses." .. tostring(rawget(v, "name")) end, ["netcdf file"] = "data.netcdf",
  ["netcdf variable"] = "data.netcdf", parameter = "net:parameters", params = "experiment",
  ["per class"] = "confusion:per_class", penalty = "penalties", range = "range", rules = "rules",
  schedule = function(v) return rawget(v, "word") end, shared = "shared",
}

-- What these words make are plain tables.
local SPECS = { area = true, readout = true, input = true, feedback = true, lateral = true }

--- The name whose help tells of a value that has no help of its own: "cosine" of a schedule, "conv" of conv {...};
-- nil where there is none.
function M.maker(value)
  if type(value) ~= "table" then return nil end
  local kind = require("lamina.help.objects").kind_of(value)
  local name = kind and (MADE_BY[kind] or kind)
  if not kind and SPECS[rawget(value, "kind")] and rawget(value, "position") then name = rawget(value, "kind") end
  if type(name) == "function" then name = name(value) end
  return type(name) == "string" and name or nil
end

--- What is to be said of a value of which nothing else is known.
function M.of_value(value)
  local count, stock_pairs = 0, require("lamina.core.repeatable").stock_pairs
  for _ in stock_pairs(type(value) == "table" and value or {}) do count = count + 1 end
  return string.format("%s; help \"NAME\" explains a word, an op or a method by its name", type(value) == "table"
    and string.format("a table with %d entr%s", count, count == 1 and "y" or "ies")
    or require("lamina.schema").kind(value))
end

--- What is to be said of a function that is the user's own: how it is called, where it was written, and the comment
-- that stands there above it.
function M.of_function(f)
  local info, parameters, comment = debug.getinfo(f, "Su"), {}, {}
  for i = 1, info.nparams do parameters[i] = debug.getlocal(f, i) end
  if info.isvararg then parameters[#parameters + 1] = "..." end
  local where = info.source:sub(2)
  local lines, n = {}, info.linedefined
  for line in ((command.sources[where] or "") .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  while n > 1 and lines[n - 1] and lines[n - 1]:find "^%s*%-%-" do
    n = n - 1
    table.insert(comment, 1, (lines[n]:gsub("^%s*%-+ ?", "")))
  end
  table.insert(comment, 1, string.format("a function %s, f(%s), from %s",
    where:sub(1, 4) == "lib/" and "that Lamina has made" or "of your own", table.concat(parameters, ", "),
    where:find "^input %d+$" and where or where .. ":" .. info.linedefined))
  return table.concat(comment, "\n")
end

--- The names of the subcommands and of the prompt's commands, for what was nearly typed.
function M.names()
  local list = require("lamina.completions").names()
  for name in pairs(require("lamina.prompt.commands").names()) do list[#list + 1] = "%" .. name end
  return list
end

return M
