--- lamina.plain: text that somebody else wrote, made fit to be shown.
local base = require "lamina.core.base"

--- plain(value, lines): its text with all that could move a cursor, change a terminal or hide what is shown written
-- out as \xNN, as base.plain does; the line's end stays where `lines` is true.
return function(value, lines) return base.plain(tostring(value), lines) end
