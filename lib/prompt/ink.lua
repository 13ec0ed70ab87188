--- Colours at the prompt, where the output is a terminal that shows them and NO_COLOR (no-color.org) is not set.
local base = require "lamina.core.base"

local M = {}

local CODES = { error = "31;1", keyword = "34;1", string = "32", number = "36", comment = "90", word = "33",
  key = "35", dim = "90", strong = "1" }

local on

--- Whether colours are shown.
function M.on()
  if on == nil then
    local plain = base.getenv "NO_COLOR"
    local terminal = base.getenv "TERM"
    on = base.isatty(1) and not (plain and plain ~= "") and terminal ~= nil and terminal ~= "dumb"
  end
  return on
end

--- The text in the colour of a kind (error, keyword, string, number, comment, word, key, dim, strong), or as it is
-- where colours are off.
function M.paint(kind, text)
  if not M.on() or text == "" then return text end
  return "\27[" .. CODES[kind] .. "m" .. text .. "\27[0m"
end

return M
