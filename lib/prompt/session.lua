--- What was entered at the prompt, what it gave, and the names that it made.
local base = require "lamina.core.base"
local command = require "lamina.core.command"
local errors = require "lamina.errors"
local repeatable = require "lamina.core.repeatable"

local M = {}

local entries = {} -- { text =, ok =, from =, to = } in order; from and to: the counts of random draws around it
local before = {}  -- the names of globals that were there when the prompt opened
local drawn        -- the counts of random draws after the last entry, as text

local function draws() return table.concat(require("lamina.core.tensor").draws(), ", ") end

--- Called once, before the first entry.
function M.begin()
  _G._, _G.__ = nil, nil -- from here on reading them is no error
  for name in repeatable.stock_pairs(_G) do before[name] = true end
  drawn = draws()
end

--- Notes an entry and whether it went well.
function M.note(text, ok)
  local from = drawn
  drawn = draws()
  entries[#entries + 1] = { text = text, ok = ok, from = from, to = drawn }
end

--- The last entry that is no command, or nil.
function M.last()
  for i = #entries, 1, -1 do
    if not entries[i].text:find "^%s*[%%?]" then return entries[i].text end
  end
end

--- for number, text in entries(n): the last n.
function M.entries(n)
  local i = math.max(#entries - n, 0)
  return function()
    i = i + 1
    if entries[i] then return i, entries[i].text end
  end
end

-- ---- results -----------------------------------------------------------------------------------------------------

local function set(name, value) rawset(_G, name, value) end

--- Keeps a value as the last result `_`; the one before becomes `__`.
function M.keep(value)
  if value == nil then return end
  set("__", rawget(_G, "_"))
  set("_", value)
end

--- Keeps the first of an entry's values and shows all of them.
function M.results(...)
  M.keep((...))
  require("lamina.prompt").show(...)
end

-- ---- running -----------------------------------------------------------------------------------------------------

local function compiles(text) return load(text, "=entry", "t") ~= nil end

-- What cannot go on the line before it: a last line that begins so is by itself, whatever stands above.
local function begins_anew(text) return text:find "^%s*[%w_#]" ~= nil end

--- The two parts of an entry of several lines, or of statements with ; between them, whose last is an expression (or
-- `= EXPRESSION`): what comes before it, and the expression. Nil where it has no such end. All of it stays one chunk:
-- the second part sees the locals of the first.
function M.parts(text)
  text = text:gsub("[%s;]+$", "")
  local at = #text + 1
  while at > 1 do
    at = at - 1
    if at == 1 or text:find("^[\n;]", at - 1) then
      local head, tail = text:sub(1, at - 1), text:sub(at)
      local expression = tail:match "^%s*=(.*)$" or tail
      if compiles("local _ = " .. expression) and compiles(head .. "return " .. expression) then
        if head:find "[^%s;]%s*$" and not begins_anew(tail) and compiles(text) then return nil end
        return head, expression
      end
    end
  end
end

--- An entry as a chunk that returns the value of the expression at its end; nil where it has none.
function M.returning(text)
  local head, expression = M.parts(text)
  return head and head .. "return " .. expression
end

--- The function that a text is, as an expression where it is one, or ends in one. Raises where it is no Lua.
function M.compile(text, name)
  name = name or string.format("input %d", #entries + 1)
  command.sources[name] = text
  local returning = M.returning(text)
  local f = returning and load(returning, "=" .. name, "t")
  if f then return f end
  local g, message = load(text, "=" .. name, "t")
  if not g then error(errors.from(message), 0) end
  return g
end

--- Runs a text as an entry: notes it, shows what it gives.
function M.enter(text)
  local f = M.compile(text)
  M.results(f())
  M.note(text, true)
end

-- Ends the experiment that an earlier script or entry has begun, with its results.json, so that another may begin.
local function end_experiment()
  local experiment = package.loaded["lamina.experiment"]
  if experiment then experiment.finish() end
end

--- Runs a file of Lua in this session; the experiment that one before it has begun ends first.
function M.load(path)
  local file, message = io.open(path, "rb")
  if not file then errors.raise("io", {}, "cannot read the script: %s", message) end
  local text, why = file:read "a"
  file:close()
  if not text then errors.raise("io", {}, "cannot read the script: %s: %s", path, why) end
  command.sources[path] = text
  local f, problem = load((text:gsub("^#[^\n]*", "")), "@" .. path, "t")
  if not f then error(errors.from(problem), 0) end
  end_experiment()
  M.results(f())
  M.note(text, true)
end

-- ---- names -------------------------------------------------------------------------------------------------------

--- The names of the user's globals, sorted.
function M.mine()
  local names = {}
  for name in repeatable.stock_pairs(_G) do
    if type(name) == "string" and not before[name] and name ~= "_" and name ~= "__" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- What a value is, in a few words: "tensor 64x784 float32", "function (input 3:1)", "table of 3".
local function summary(value)
  local kind = require("lamina.help.objects").kind_of(value)
  if kind == "tensor" then
    local shape = value.ndim == 0 and "scalar" or table.concat(value.shape, "x")
    return "tensor", string.format("%s %s", shape, value.dtype)
  elseif type(value) == "function" then
    local info = debug.getinfo(value, "S")
    return "function", info.what == "C" and "" or string.format("%s:%d", info.short_src, info.linedefined)
  elseif kind and type(value) == "table" then
    local line = tostring(value):match "^[^\n]*"
    return kind, #line > 60 and line:sub(1, 57) .. "..." or line
  elseif type(value) == "table" then
    local n = 0
    for _ in repeatable.stock_pairs(value) do n = n + 1 end
    return "table", string.format("%d item%s", n, n == 1 and "" or "s")
  end
  local text = type(value) == "string" and string.format("%q", value) or tostring(value)
  return type(value), #text > 60 and text:sub(1, 57) .. "..." or text
end

--- Lines that list the user's names, those that match a pattern.
function M.who(pattern)
  local lines, widest, rows = {}, 4, {}
  for _, name in ipairs(M.mine()) do
    if not pattern or name:find(pattern) then
      local kind, text = summary(rawget(_G, name))
      rows[#rows + 1] = { name, kind, text }
      widest = math.max(widest, #name)
    end
  end
  for _, row in ipairs(rows) do
    lines[#lines + 1] = string.format("%-" .. widest .. "s  %-10s %s", row[1], row[2], row[3]):gsub("%s+$", "")
  end
  return lines
end

--- Removes the user's names and the last results; an experiment that has begun ends; random numbers begin anew.
-- Returns how many names there were.
function M.reset()
  local names = M.mine()
  end_experiment()
  for _, name in ipairs(names) do require("lamina.strict").forget(name) end
  set("_", nil)
  set("__", nil)
  local seed = command.seed or 0
  require("lamina.core.tensor").seed(seed)
  math.randomseed(seed)
  collectgarbage()
  return #names
end

-- ---- the session as a script -------------------------------------------------------------------------------------

-- What a session that uses _ and __ begins with: the first of an entry's results is kept, all are shown, as at the
-- prompt.
local RESULTS <const> = [[
_, __ = nil, nil
local function _keep(...)
  if (...) ~= nil then __, _ = _, (...) end
end
local function _show(...)
  _keep(...)
  local n, any = select("#", ...), false
  for i = 1, n do any = any or (select(i, ...)) ~= nil end
  for i = 1, any and n or 0 do print((select(i, ...))) end
end]]

-- An entry as lines of a script: its locals end with it; an expression shows its value.
local function as_script(text, uses_results)
  local body = text:gsub("%s+$", "")
  local quiet = body:find ";$"
  if quiet then body = body:gsub(";+$", "") end
  local head, expression = M.parts(body)
  if expression and uses_results then
    body = string.format("%s%s(%s)", head, quiet and "_keep" or "_show", expression)
  elseif expression and not (compiles(expression) or quiet) then
    body = head .. "print(" .. expression .. ")"
  elseif expression and not compiles(expression) then
    body = head .. "local _ = " .. expression
  end
  return body:find "^local _ = " == nil and body:find "%f[%w_]local%f[^%w_]" and "do\n" .. body .. "\nend" or body
end

--- Writes the entries that went well as a script; returns how many.
function M.save(path)
  local list, uses, counts = {}, false, draws():gsub("%d+", "0")
  for _, entry in ipairs(entries) do
    local code = entry.text:match "^%s*%%time%s+(.*)$" or entry.text:match "^%s*%%profile%s+(.*)$"
      or not entry.text:find "^%s*[%%?]" and entry.text
    if entry.ok and code then
      -- what failed and what the startup file did have drawn random numbers, too
      local skipped = entry.from ~= counts and entry.from
      list[#list + 1] = { code = code, skipped = skipped or nil }
      counts = entry.to
      uses = uses or code:find "%f[%w_]__?%f[^%w_]" ~= nil
    end
  end
  local lines = { string.format("-- a session at the prompt of Lamina %s, %s", base.version, base.utc()) }
  if command.seed then lines[#lines + 1] = string.format("-- with --seed %d", command.seed) end
  if uses then lines[#lines + 1] = RESULTS end
  for _, entry in ipairs(list) do
    if entry.skipped then
      lines[#lines + 1] = string.format("require(\"lamina.core.tensor\").draws { %s } -- those of entries left out",
        entry.skipped)
    end
    lines[#lines + 1] = as_script(entry.code, uses)
  end
  require("lamina.core.io").text_write(path, table.concat(lines, "\n") .. "\n")
  return #list
end

return M
