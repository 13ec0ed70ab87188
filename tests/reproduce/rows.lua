--- The scripts that reproduce rows of the list of experiments: SCRIPTS/ROOM/sNN_name.lua, and any other script of a
-- room whose text names a row ("S16") as a string.
local base = require "lamina.core.base"
local io_core = require "lamina.core.io"

local M = {}

local function rows_of(name, text)
  local seen, ids = {}, {}
  local function add(number)
    local id = "S" .. number
    if not seen[id] then ids[#ids + 1], seen[id] = id, true end
  end
  for number in ("_" .. name):gmatch "_s(%d%d)%f[_%z]" do add(number) end
  for number in text:gmatch "[\"']S(%d%d)[\"']" do add(number) end
  table.sort(ids)
  return ids
end

-- The first sentence of the comment at the head, without the script's name and its row.
local function about(text)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do
    local words = line:match "^%-%-%-?%s?(.*)$"
    if not words or words == "" then break end
    lines[#lines + 1] = words
  end
  local all = table.concat(lines, " "):gsub("^[%w_]+%.lua:%s*", ""):gsub("^SYSTEMS S%d%d[^.:]*[.:]%s*", "")
  local from = 1
  while true do -- a point after a digit or an abbreviation ends no sentence
    local at = all:find("%.%s", from)
    local before = all:sub(1, (at or #all + 1) - 1)
    if not at or not (before:find "%d$" or before:find "%f[%w]al$" or before:find "%f[%w]vs$") then
      return (before:gsub("%.$", ""))
    end
    from = at + 1
  end
end

--- The scripts under `folder`: a list of { name =, room =, path =, ids = { "S16" }, about =, text = }, by their
-- first row.
function M.scripts(folder)
  local list = {}
  for _, room in ipairs(base.list(folder)) do
    local inner = folder .. "/" .. room
    if base.isdir(inner) then
      for _, file in ipairs(base.list(inner)) do
        local name = file:match "^(.+)%.lua$"
        local text = name and io_core.text_read(inner .. "/" .. file)
        local ids = text and rows_of(name, text) or {}
        if #ids > 0 then
          list[#list + 1] = { name = name, room = room, path = inner .. "/" .. file, ids = ids, text = text,
            about = about(text) }
        end
      end
    end
  end
  table.sort(list, function(a, b)
    if a.ids[1] ~= b.ids[1] then return a.ids[1] < b.ids[1] end
    return a.path < b.path
  end)
  return list
end

--- Those of `scripts` that reproduce one of the rows `ids`; nil and the row that none reproduces.
function M.pick(scripts, ids)
  local picked, chosen = {}, {}
  for _, id in ipairs(ids) do
    local found = false
    for i, script in ipairs(scripts) do
      for _, own in ipairs(script.ids) do
        if own == id then chosen[i], found = true, true end
      end
    end
    if not found then return nil, id end
  end
  for i, script in ipairs(scripts) do
    if chosen[i] then picked[#picked + 1] = script end
  end
  return picked
end

return M
