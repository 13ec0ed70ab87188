--- The commands of the prompt: %time, %profile, %who, %edit, %save, %load, %reset, %history; ?name and ??word.
--
-- Each is a function of what stands after its name; its comment is its help, the first line how it is written.
local base = require "lamina.core.base"
local errors = require "lamina.errors"
local highlight = require "lamina.prompt.highlight"
local ink = require "lamina.prompt.ink"
local pager = require "lamina.prompt.pager"
local session = require "lamina.prompt.session"

local M = {}

local function fail(format, ...) errors.raise("usage", {}, format, ...) end

local function need(text, form)
  if text == "" then fail("%s", "it is written " .. form) end
end

-- The file that is meant: quotes around it are none of its name, ~/ is the home.
local function path_of(text)
  local path = text:match "^\"(.*)\"$" or text:match "^'(.*)'$" or text
  local home = base.getenv "HOME"
  if home and home ~= "" and path:sub(1, 2) == "~/" then path = home .. path:sub(2) end
  return path
end

-- A path as it is written in a shell.
local function in_shell(path)
  return path:find "[^%w_%./%-]" and require("lamina.shell").quoted(path) or path
end

local COMMANDS = {}

--- %time CODE: runs the code and says how long it took, what tensors it left and needed at most, and what it gave.
function COMMANDS.time(code)
  need(code, "%time CODE")
  local f = session.compile(code)
  base.reset_peak()
  local live, start, busy = base.memory().live, base.clock(), os.clock()
  local results = table.pack(f())
  local seconds, processor = base.clock() - start, os.clock() - busy
  local memory = base.memory()
  print(ink.paint("dim", string.format("%.4g s (processor %.4g s); tensors: %+.3f MB left, %.3f MB at most", seconds,
    processor, (memory.live - live) / 1e6, memory.peak / 1e6)))
  session.results(table.unpack(results, 1, results.n)) -- last: what is long goes through the pager
end

--- %profile CODE: runs the code and shows where its time and memory went, by op and by layer (help "profile").
function COMMANDS.profile(code)
  need(code, "%profile CODE")
  local p = require("lamina.profile").profile(session.compile(code))
  session.keep(p)
  pager.print(tostring(p))
end

--- %who [PATTERN]: your own names, what each holds, and how large it is; those that match a Lua pattern.
function COMMANDS.who(pattern)
  if not require("lamina.pattern").is_whole(pattern) then
    fail("'%s' is no Lua pattern: a %% before a mark, as in %%[, stands for the mark itself", pattern)
  end
  local lines = session.who(pattern ~= "" and pattern or nil)
  if #lines == 0 then
    print(pattern == "" and "no names of yours yet" or "no name of yours matches " .. pattern)
  else
    pager.print(table.concat(lines, "\n"))
  end
end

--- %edit [FILE]: opens an editor (VISUAL, EDITOR, else nano or vi) on the file, or on the last entry, and runs what
-- was saved when the editor ends.
function COMMANDS.edit(text)
  local path = path_of(text)
  local temporary = path == ""
  if temporary then
    path = os.tmpname()
    os.remove(path)
    path = path .. ".lua"
    local file = assert(io.open(path, "w"))
    file:write(session.last() or "", "\n")
    file:close()
  end
  local editor = base.getenv "VISUAL" or base.getenv "EDITOR"
  if not editor or editor == "" then
    editor = os.execute "command -v nano >/dev/null 2>&1" and "nano" or "vi"
  end
  local ok = os.execute(editor .. " " .. require("lamina.shell").quoted(path))
  local file = io.open(path, "r")
  local code = file and file:read "a" or ""
  if file then file:close() end
  if temporary then os.remove(path) end
  if not ok then fail("the editor '%s' failed; VISUAL or EDITOR names another", editor) end
  code = code:gsub("%s+$", "")
  if code == "" then return end
  print(highlight.paint(code))
  session.enter(code)
end

--- %save FILE: writes what was entered and went well as a script that runs; %save -f FILE writes over one that is
-- there already.
function COMMANDS.save(text)
  local force, path = text:match "^(%-f%s+)(.+)$"
  path = path_of(path or text)
  need(path, "%save FILE, or %save -f FILE to write over one")
  if not path:find "%.lua$" then fail("'%s' should end in .lua, as scripts do", path) end
  if not force and base.exists(path) then fail("'%s' is there already; %%save -f %s writes over it", path, path) end
  local n = session.save(path)
  print(string.format("%d entr%s in %s; `lamina %s` runs it", n, n == 1 and "y" or "ies", path, in_shell(path)))
end

--- %load FILE: runs a script as if it were typed here; its globals stay. An experiment that has begun ends first.
function COMMANDS.load(path)
  need(path, "%load FILE")
  session.load(path_of(path))
end

--- %reset: your own names are gone, the last results, too; an experiment that has begun ends; random numbers begin
-- anew.
function COMMANDS.reset(text)
  if text ~= "" then fail("%%reset takes nothing after it, not '%s'", text) end
  print(string.format("%d names are gone", session.reset()))
end

--- %history [N]: the last N entries of this session (20).
function COMMANDS.history(text)
  local n = text == "" and 20 or math.tointeger(tonumber(text))
  if not n or n < 1 then fail("%%history takes how many entries, a whole number, not '%s'", text) end
  local lines = {}
  for number, entry in session.entries(n) do
    lines[#lines + 1] = ink.paint("dim", string.format("%4d  ", number))
      .. highlight.paint((entry:gsub("\n", "\n      ")))
  end
  pager.print(table.concat(lines, "\n"))
end

--- %help: these commands.
function COMMANDS.help()
  pager.prose(M.overview())
end

-- ---- help ------------------------------------------------------------------------------------------------------

--- The commands' names.
function M.names()
  local names = {}
  for name in pairs(COMMANDS) do names[name] = true end
  return names
end

--- The list of the commands, from the comments above.
function M.overview()
  local lines = { "?name, name? or help \"name\" explains a name, ??word searches all help; and there are" }
  local source = require("lamina.core.command").source "lib/prompt/commands.lua"
  local comment = {}
  for line in source:gmatch "([^\n]*)\n" do
    if line:find "^function COMMANDS%." then
      for i, text in ipairs(comment) do lines[#lines + 1] = (i == 1 and "  " or "      ") .. text end
    end
    local text = line:match "^%-%-%-? ?(.*)$"
    if not text then
      comment = {}
    else
      comment[#comment + 1] = text
    end
  end
  return table.concat(lines, "\n")
end

-- "conv", "net.V1", "x": what help says of it, as a word, or as what a name of the user's holds.
local function explain(name)
  local help = require "lamina.help"
  if name == "" then return help.overview() end
  local text = help.text(name)
  local value = rawget(_G, name:match "^[%a_][%w_]*$" or "")
  if value ~= nil then text = help.text(value) or text end
  return text or help.unknown(name)
end

local function search(term)
  need(term, "??word")
  local lines = require("lamina.help").search(term)
  if #lines == 0 then
    print(require("lamina.help").not_found(term))
  else
    pager.prose(table.concat(lines, "\n"))
  end
end

--- Whether a text is a command rather than Lua.
function M.is_command(text) return text:find "^%s*[%%?]" ~= nil or text:find "^%s*[%a_][%w_%.:]*%s*%?%s*$" ~= nil end

--- Runs a command.
function M.run(text)
  text = text:gsub("^%s+", ""):gsub("%s+$", "")
  local after = text:match "^([%a_][%w_%.:]*)%s*%?$"
  if after then text = "?" .. after end
  if text:find "^%?%?" then return search((text:sub(3):gsub("^%s+", ""):gsub('^"(.*)"$', "%1"))) end
  if text:find "^%?" then
    return pager.prose(explain((text:sub(2):gsub("^%s+", ""):gsub('^"(.*)"$', "%1"))))
  end
  local name, rest = text:match "^%%([%a_]*)%s*(.*)$"
  if not name then fail "a command is % and its name: %help lists them" end
  if name == "" then name = "help" end
  local command = COMMANDS[name]
  if not command then
    local names = {}
    for known in pairs(COMMANDS) do names[#names + 1] = known end
    table.sort(names)
    fail("there is no command %%%s%s; %%help lists them", name, errors.hint(name, names))
  end
  command(rest)
end

return M
