--- Words for the shell, where a program is started through it.
local M = {}

--- A text as one word of a command line of sh: in quotes, with nothing in it that the shell would take for its own.
function M.quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

return M
