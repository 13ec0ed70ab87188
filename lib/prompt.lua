--- The prompt's Lua side: showing values; what an entry is; the startup file. See lib/prompt/ for the rest.
local base = require "lamina.core.base"
local command = require "lamina.core.command"
local errors = require "lamina.errors"
local ink = require "lamina.prompt.ink"
local pager = require "lamina.prompt.pager"
local session = require "lamina.prompt.session"

local M = {}

local WIDTH, DEPTH, ITEMS = 100, 3, 20 -- of a table that is shown: characters, levels, entries

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

-- The same in colour: numbers, names and strings of tables, and the last line of a tensor, which says what it is.
local function coloured(value)
  local text = M.text(value)
  if not ink.on() or type(value) == "string" then return text end
  if is_plain(value) then return require("lamina.prompt.highlight").paint(text) end
  if type(value) == "number" then return ink.paint("number", text) end
  if type(value) == "boolean" then return ink.paint("keyword", text) end
  if require("lamina.help.objects").kind_of(value) == "tensor" then
    local numbers, shape, dtype = text:match "^(.*%s)(%S+ )(%w+)$"
    if numbers then return numbers .. ink.paint("dim", shape .. dtype) end
  end
  return text
end

--- Shows values, one to a line, figures as pictures; nothing where all are nil. Long texts go through the pager.
function M.show(...)
  local any, n = false, select("#", ...)
  for i = 1, n do any = any or select(i, ...) ~= nil end
  if not any then return end
  local lines = {}
  for i = 1, n do
    local value = select(i, ...)
    if type(value) == "table" and require("lamina.help.objects").kind_of(value) == "figure" then
      require("lamina.prompt.picture").show(value)
    else
      lines[#lines + 1] = coloured(value)
    end
  end
  if #lines > 0 then pager.print(table.concat(lines, "\n")) end
end

-- ---- what the command calls ------------------------------------------------------------------------------------

--- The names that a typed word may become; before: what stands before it in the entry. See lib/prompt/complete.lua.
function M.complete(word, before) return require("lamina.prompt.complete").complete(word, before) end

--- An entry in colour, as it is typed.
function M.paint(text) return require("lamina.prompt.highlight").paint(text) end

--- The word "error: " in colour.
function M.error_mark() return ink.paint("error", "error:") .. " " end

--- Whether an entry is a command of the prompt (%time, ?name) and no Lua.
function M.is_command(text) return require("lamina.prompt.commands").is_command(text) end

--- Runs such a command.
function M.command(text) require("lamina.prompt.commands").run(text) end

--- Keeps and shows what an entry gave; quietly: only keeps it.
function M.results(quietly, ...)
  session.keep((...))
  if not quietly then M.show(...) end
end

--- An entry that ends in an expression as a chunk that returns its value; nil where it does not.
function M.returning(text) return session.returning(text) end

--- Notes an entry, and whether it went well.
function M.note(text, ok) session.note(text, ok) end

-- Lines of a text, each without its "> " or ">> ": where the text was copied from a prompt, the lines that have none
-- are what was printed there.
local function without_prompts(text)
  if not text:find "^%s*>>? " then return nil end
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local code = line:match "^%s*>>? (.*)$"
    if code then lines[#lines + 1] = code end
  end
  return lines
end

-- Whether a line of a pasted text is a command of the prompt (%time, %who, ?name) and not the rest of a remainder, or
-- of a string. is_lua: whether the text is Lua as it stands.
local function is_command_line(line, is_lua)
  local commands = require "lamina.prompt.commands"
  local name = line:match "^%%(%a+)"
  return name and commands.names()[name] ~= nil or not is_lua and line:find "^%?" ~= nil
end

-- Adds what lines[first] to lines[last] make: one entry where they are one chunk, else an entry of each.
local function add_entries(list, lines, first, last)
  local text = table.concat(lines, "\n", first, last)
  if not text:find "%S" then return end
  if load(text, "=pasted", "t") or session.returning(text) then
    list[#list + 1] = text
  else
    table.move(lines, first, last, #list + 1, list)
  end
end

--- The lines of which a pasted text consists, in their turn entries: a list. A text that is one chunk stays whole,
-- and so does what stands between commands; the prompts of a session it was copied from are taken away.
function M.pasted(text)
  local copied = without_prompts(text)
  if copied then return copied end
  text = text:gsub("%s+$", "")
  local lines, list, first, is_lua = {}, {}, 1, load(text, "=pasted", "t") ~= nil or session.returning(text) ~= nil
  for line in (text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  for i, line in ipairs(lines) do
    if is_command_line(line, is_lua) then
      add_entries(list, lines, first, i - 1)
      list[#list + 1], first = line, i + 1
    end
  end
  add_entries(list, lines, first, #lines)
  return list
end

-- The file that is run before the first line: LAMINA_STARTUP (empty: none), else lamina/startup.lua in the folder of
-- settings.
local function startup_path()
  local named = base.getenv "LAMINA_STARTUP"
  if named then return named ~= "" and named or nil end
  local folder, home = base.getenv "XDG_CONFIG_HOME", base.getenv "HOME"
  if not folder or folder == "" then folder = home and home ~= "" and home .. "/.config" end
  local path = folder and folder .. "/lamina/startup.lua"
  return path and base.exists(path) and path or nil
end

-- The function that a startup file is; nil and the error where it cannot be read or is no Lua.
local function load_startup(path)
  local file, message = io.open(path, "rb")
  local text = file and not base.isdir(path) and file:read "a"
  if file then file:close() end
  if not text then
    local why = base.isdir(path) and path .. ": this is a folder, not a file of Lua" or message or path
    return nil, errors.new { kind = "io", message = "cannot read the startup file: " .. why }
  end
  command.sources[path] = text
  local startup, problem = load((text:gsub("^#[^\n]*", "")), "@" .. path, "t")
  if startup then return startup end
  local e = errors.from(problem)
  e.file = path -- Lua shortens a long one
  return nil, e
end

--- Called once before the first line: runs the startup file. Scripts never see it, so that they give the same results
-- everywhere.
function M.open()
  require("lamina.strict").prompt = true
  local path = startup_path()
  local startup, problem = nil, nil
  if path then startup, problem = load_startup(path) end
  local ok, raised = true, nil
  if startup then
    ok, raised = xpcall(startup, function(value) return errors.from(value, debug.traceback("", 2)) end)
  end
  session.begin() -- in any case: what is there now is not the user's to forget
  if problem or not ok then error(problem or raised, 0) end
end

return M
