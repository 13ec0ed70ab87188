--- Errors as values: a table { kind, message, file, line, notes } whose text is "file:line: message" and the notes.
--
-- Kinds are those of the runtime (argument, shape, dtype, memory, io, format, numeric, state, interrupt, missing) and
-- name (an undefined name), syntax, script (raised by a script's own `error`, or by Lua in it), usage (wrong command
-- line; exit code 2), internal (a mistake of the library itself). The position is the line of the user's own code
-- that made the mistake: lines of the library (chunks named "=lib/...") are passed over.
local command = require "lamina.core.command"

local M = {}

local registry = debug.getregistry()
local Error = registry["lamina.error"] or {}
registry["lamina.error"] = Error
Error.__name = "error"

--- err.position is "file:line", nil where neither is known.
Error.__index = function(self, key)
  local file, line = rawget(self, "file"), rawget(self, "line")
  return key == "position" and file and line and string.format("%s:%d", file, line) or nil
end

--- "file:line: message" and the notes, a line each.
Error.__tostring = function(self)
  local head = self.position and self.position .. ": " or ""
  local lines = { head .. tostring(self.message) }
  for _, note in ipairs(self.notes or {}) do lines[#lines + 1] = note end
  return table.concat(lines, "\n")
end

--- True for an error value.
function M.is_error(value) return getmetatable(value) == Error end

--- An error value from { kind =, message =, file =, line =, notes = }.
function M.new(parts) return setmetatable(parts, Error) end

-- ---- positions -------------------------------------------------------------------------------------------------

--- Where the user's own code is, at or above a level of the call stack (1: the function that calls position): a table
-- { file =, line = }, or nil where only the library and C are on the stack.
function M.position(level)
  level = (level or 1) + 1
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then return nil end
    if info.currentline > 0 and info.source:sub(1, 5) ~= "=lib/" then
      return { file = info.source:match "^[@=](.*)$" or info.short_src, line = info.currentline }
    end
    level = level + 1
  end
end

-- ---- raising ---------------------------------------------------------------------------------------------------

local function text_of(format, ...)
  if select("#", ...) == 0 then return format end
  return string.format(format, ...)
end

-- A level becomes a position; `depth` is how many functions of this file stand between.
local function place(where, depth)
  if type(where) == "table" then return where end
  return M.position((where or 1) + depth) or {}
end

--- Raises an error of a kind. where: a position, or a level as for Lua's `error` (1: the function that calls raise,
-- 2: its caller); from there outwards the first line of the user's code is named.
function M.raise(kind, where, format, ...)
  local at = place(where, 2)
  error(M.new { kind = kind, message = text_of(format, ...), file = at.file, line = at.line }, 0)
end

--- The same with notes: lines that are shown below the message.
function M.raise_with(notes, kind, where, format, ...)
  local at = place(where, 2)
  error(M.new { kind = kind, message = text_of(format, ...), file = at.file, line = at.line, notes = notes }, 0)
end

--- Raises at a position (nil: none).
function M.raise_at(position, kind, format, ...)
  local at = position or {}
  error(M.new { kind = kind, message = text_of(format, ...), file = at.file, line = at.line }, 0)
end

local warned = {} -- what has been said already

--- Prints "warning: file:line: message", once; a script goes on. position: as for raise_at.
function M.warn(position, format, ...)
  local at = position or {}
  local head = at.file and at.line and string.format("%s:%d: ", at.file, at.line) or ""
  local text = string.format("warning: %s%s", head, text_of(format, ...))
  if warned[text] then return end
  warned[text] = true
  print(text)
end

-- ---- what Lua itself raises ------------------------------------------------------------------------------------

local function known_kind(message, file, traceback)
  if command.source(file) then return "internal" end
  if not traceback then return "syntax" end
  return message:find "^bad argument" and "argument" or "script"
end

-- A value that is no message, in words: what it says of itself, or its fields.
local function shown(value)
  if type(value) ~= "table" or (getmetatable(value) or {}).__tostring then return tostring(value) end
  local parts = {}
  for key, field in require("lamina.core.repeatable").stock_pairs(value) do
    parts[#parts + 1] = (type(key) == "string" and key .. " = " or "")
      .. (type(field) == "table" and "{...}" or tostring(field))
  end
  table.sort(parts)
  if #parts > 6 then parts[6], parts[7] = "...", nil end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ", 1, math.min(#parts, 6)) .. " }"
end

-- Whether it was Lua's function `error` that raised what a message handler is looking at: a message without a
-- position is then meant to have none.
local function by_error()
  local info = debug.getinfo(4, "f") -- by_error, from, the handler, the one that raised
  return info and info.func == error
end

-- Adds to Lua's own messages what to do. A hint that cannot be found, for want of memory, say, is none.
local function kinder(e, traceback)
  local ok, hints = pcall(require, "lamina.errors.hints")
  if not ok then return end
  if traceback then pcall(hints.runtime, e) else pcall(hints.syntax, e, command.sources[e.file]) end
end

--- The error value for whatever was raised: an error value stays itself; "file:line: message" is taken apart;
-- anything else becomes a message. traceback: the chain of calls, or nil where nothing had run yet (a syntax error).
function M.from(value, traceback)
  local e = value
  if not M.is_error(value) then
    if type(value) == "string" then
      local file, line, message = value:match "^([^\n]-):(%d+): (.*)$"
      if file then
        -- output that cannot be written is no mistake of the library's, which only printed for the user
        local output = message:find "^print: cannot write" ~= nil
        local at = output and traceback and M.position(2) or {}
        e = M.new { kind = output and "io" or known_kind(message, file, traceback), message = message,
          file = at.file or file, line = at.line or math.tointeger(line) }
        kinder(e, traceback)
      else
        local at = traceback and not by_error() and M.position(2) or {} -- raised in C, under another call
        e = M.new { kind = value == "not enough memory" and "memory" or "script", message = value, file = at.file,
          line = at.line }
        kinder(e, traceback)
      end
    else
      local at = traceback and M.position(2) or {}
      e = M.new { kind = "script", message = "an error was raised whose value is " .. shown(value), file = at.file,
        line = at.line }
    end
  end
  if traceback and not rawget(e, "traceback") then e.traceback = traceback end
  return e
end

--- try(f, ...) calls f(...) and returns what it returns; where f raises, nil and the error value (err.kind,
-- err.message, err.position, which is err.file and err.line; tostring(err) is all of it). Ctrl-C is passed on.
-- > result, err = try(function() return zeros { 2 } + zeros { 3 } end)
-- > err.kind   --> shape
function M.try(f, ...)
  if type(f) ~= "function" then
    local meta = getmetatable(f)
    if type(meta) ~= "table" or not rawget(meta, "__call") then
      local name = type(meta) == "table" and rawget(meta, "__name") or type(f)
      M.raise("argument", 2, "try takes a function and its arguments, try(f, x), or try(function() ... end), "
        .. "not a %s", tostring(name))
    end
  end
  local function done(ok, ...)
    if ok then return ... end
    local e = ...
    if not M.is_error(e) then e = M.from(e, "") end -- out of memory, for which Lua calls no handler
    if e.kind == "interrupt" or e.kind == "exit" then error(e, 0) end
    return nil, e
  end
  return done(xpcall(f, function(value) return M.from(value, debug.traceback("", 2)) end, ...))
end

-- ---- showing ---------------------------------------------------------------------------------------------------

local function nth_line(text, n)
  local i = 1
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    if i == n then return line end
    i = i + 1
  end
end

--- The line of source that an error is about: from the text that was run, else from the file. nil: not to be had.
function M.source_line(e)
  if not e.file or not e.line then return nil end
  local text = command.sources[e.file] or command.source(e.file)
  if not text then
    local found, file = pcall(io.open, e.file, "rb") -- an untrusted script may not have it opened
    if not found or not file then return nil end
    text = file:read "a"
    file:close()
  end
  local line = text and nth_line(text, e.line)
  if not line or not utf8.len(line) then return nil end -- bytes that are no text do not belong on a terminal
  line = line:gsub("%c", " "):gsub("^%s+", ""):gsub("%s+$", "")
  if line ~= "" then return #line > 160 and line:sub(1, 157) .. "..." or line end
end

local CALLERS = 4 -- lines named at most

-- The user's own lines that called the one an error is about, the nearest first: "called from net.lua:20, a.lua:3".
-- The innermost of them is that line itself, or the constructor that found it wrong.
local function callers(e, quiet)
  local list, last = {}, nil
  for source, line in (e.traceback or ""):gmatch "\n\t([^\n]-):(%d+): in [^\n]*" do
    if source:sub(1, 4) ~= "lib/" then
      local at = source .. ":" .. line
      if last and at ~= last and source ~= quiet and at ~= e.file .. ":" .. e.line then list[#list + 1] = at end
      last = at
    end
  end
  if #list == 0 then return nil end
  local more = #list > CALLERS and string.format(" and %d more", #list - CALLERS) or ""
  return "  called from " .. table.concat(list, ", ", 1, math.min(#list, CALLERS)) .. more
end

local CODES = { usage = 2, interrupt = 130 }

--- The text of an error as the command writes it, and the exit code for it. with_traceback: with the chain of calls,
-- which a mistake of the library itself always has. quiet: a chunk whose lines need no naming (what was just typed).
function M.describe(e, with_traceback, prefix, quiet)
  e = M.from(e)
  if e.kind == "exit" then return "", e.code end
  local placed = e.file and e.line and e.file ~= quiet
  local lines = { prefix .. (placed and string.format("%s:%d: ", e.file, e.line) or "") .. tostring(e.message) }
  local source = placed and M.source_line(e)
  if source then lines[#lines + 1] = "    " .. source end
  for _, note in ipairs(e.notes or {}) do lines[#lines + 1] = note end
  if e.kind == "memory" then
    local budget = tostring(e.message):find("(memory budget)", 1, true)
    lines[#lines + 1] = e.message == "not enough memory"
      and "  that is Lua's own memory, of tables and strings; --lua-memory SIZE sets its limit, as in --lua-memory 8G"
      or "  smaller batches or tensors need less"
      .. (budget and "; --memory SIZE sets the budget, as in --memory 2G" or "")
  end
  if e.kind == "internal" then
    lines[#lines + 1] = "  This is a mistake in Lamina itself. Please report it with what follows."
  end
  if (with_traceback or e.kind == "internal") and e.traceback then
    lines[#lines + 1] = e.traceback
  else
    lines[#lines + 1] = placed and callers(e, quiet) or nil
  end
  return table.concat(lines, "\n"), CODES[e.kind] or 1
end

-- ---- did you mean ----------------------------------------------------------------------------------------------

-- The number of insertions, deletions, substitutions and swaps of neighbours between two words (Damerau 1964, in its
-- optimal string alignment form).
local function distance(a, b)
  local before, above = {}, {}
  for j = 0, #b do above[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, above = above, row
  end
  return above[#b]
end

--- The nearest of a list of names to a name; nil when none is near (more than a third of its letters differ, or its
-- only one).
function M.nearest(name, list)
  local best, least = nil, #name == 1 and 0.5 or math.max(1, #name // 3) + 0.5
  for _, candidate in ipairs(list) do
    local d = distance(name:lower(), candidate:lower())
    if d < least then best, least = candidate, d end
  end
  return best
end

--- " (did you mean 'X'?)" or "".
function M.hint(name, list)
  local near = M.nearest(tostring(name), list)
  return near and string.format(" (did you mean '%s'?)", near) or ""
end

return M
