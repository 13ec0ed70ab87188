--- Completion of the names of files after the commands of the prompt that take one: %load, %edit, %save.
local base = require "lamina.core.base"

local M = {}

-- What stands after the command in an entry, as typed so far; nil where it takes no file.
local function typed_path(entry)
  local name, rest = entry:match "^%s*%%(%a+)%s+(.*)$"
  if name == "save" then rest = rest:gsub("^%-f%s+", "") end
  return (name == "load" or name == "edit" or name == "save") and rest or nil
end

local function entries(folder)
  local ok, names = pcall(base.list, folder == "" and "." or folder)
  return ok and names or {}
end

--- The names of files and folders (these with a / at their end) that the word at the end of an entry may become;
-- nil where no file is meant there.
function M.complete(word, before)
  local path = typed_path(before .. word)
  if not path then return nil end
  local folder, beginning = path:match "^(.*/)([^/]*)$"
  folder, beginning = folder or "", beginning or path
  local home = base.getenv "HOME"
  local where = home and folder:gsub("^~/", (home:gsub("%%", "%%%%")) .. "/") or folder
  local list = {}
  for _, name in ipairs(entries(where)) do
    if name:sub(1, #beginning) == beginning and (beginning ~= "" or name:sub(1, 1) ~= ".") then
      local whole = folder .. name .. (base.isdir(where .. name) and "/" or "")
      list[#list + 1] = whole:sub(#path - #word + 1) -- only the word is replaced, not what stands before it
    end
  end
  table.sort(list)
  return list
end

return M
