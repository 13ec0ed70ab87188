--- The guides: pages of text with examples that run, in lib/guides; `help "guide:tour"` shows one.
local command = require "lamina.core.command"

local M = {}

local ORDER = { "tour", "model", "training", "fit", "movies", "rsa", "rules", "sharing", "pytorch" }

--- The guides in the order in which they are meant to be read, each { name =, title =, text = }.
function M.list()
  local list = {}
  for i, name in ipairs(ORDER) do
    local text = command.source("lib/guides/" .. name .. ".md")
    list[i] = { name = name, title = text:match "^# ([^\n]+)", text = text }
  end
  return list
end

--- The text of a guide, by its name; nil where there is none.
function M.find(name)
  for _, guide in ipairs(M.list()) do
    if guide.name == name then return guide.text end
  end
end

--- What help "guides" shows: the guides by name, in the order in which they are meant to be read.
function M.contents()
  local lines = { "The guides: pages with examples that run, in the order in which they are meant to be read." }
  for _, guide in ipairs(M.list()) do
    lines[#lines + 1] = string.format("  help %-18s %s", string.format("%q", "guide:" .. guide.name), guide.title)
  end
  return table.concat(lines, "\n")
end

return M
