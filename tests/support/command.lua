-- Runs the lamina command in tests of their own: what it prints and how it ends.
local base = require "lamina.core.base"

local M = {}

-- The program that runs these tests; the shell that popen starts is its child.
local function this_program()
  local pipe = io.popen "readlink /proc/$PPID/exe"
  local path = pipe:read "l"
  pipe:close()
  return path
end

--- The command under test.
M.path = os.getenv "LAMINA" or assert(this_program(), "set LAMINA to the command under test")

--- A new folder; remove it with M.drop.
function M.folder()
  local name = os.tmpname()
  os.remove(name)
  base.mkdir(name)
  return name
end

function M.drop(folder) os.execute("rm -rf '" .. folder .. "'") end

function M.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

function M.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

--- One word of the shell.
function M.quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Runs `lamina ARGUMENTS` (a list, or a line for the shell) in a folder; o: input (text), dir, env ("A=1 B=2"),
-- before (a shell command that comes first). Returns { code =, out =, err = }.
function M.run(arguments, o)
  o = o or {}
  if type(arguments) == "table" then
    local words = {}
    for i, word in ipairs(arguments) do words[i] = M.quote(word) end
    arguments = table.concat(words, " ")
  end
  local scratch = M.folder()
  M.write(scratch .. "/in", o.input or "")
  local line = string.format("cd %s && %s env %s %s %s <%s/in >%s/out 2>%s/err", M.quote(o.dir or scratch),
    o.before and o.before .. ";" or "", o.env or "", M.quote(M.path), arguments, scratch, scratch, scratch)
  local _, how, code = os.execute(line)
  local result = { code = how == "exit" and code or -code, out = M.read(scratch .. "/out"),
    err = M.read(scratch .. "/err") }
  M.drop(scratch)
  return result
end

--- The same for -e CODE.
function M.code(text, o) return M.run({ "-e", text }, o) end

return M
