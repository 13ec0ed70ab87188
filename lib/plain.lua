--- lamina.plain: text that somebody else wrote, made fit to be shown.

--- plain(text): the text with all that could move a cursor, change a terminal or hide what is shown written out as
-- \xNN: control characters (but for the line's end where `lines` is true), those of ISO 6429's second set (U+0080 to
-- U+009F), marks of direction (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and bytes that are no UTF-8.
local function coded(text) return (text:gsub(".", function(c) return string.format("\\x%02x", c:byte()) end)) end

local function hidden(code)
  return code < 0x20 or code >= 0x7f and code < 0xa0 or code == 0x200e or code == 0x200f
    or code >= 0x202a and code <= 0x202e or code >= 0x2066 and code <= 0x2069
end

return function(text, lines)
  text = tostring(text)
  if not text:find "[^\x20-\x7e]" then return text end
  local parts, i = {}, 1
  while i <= #text do
    local last = utf8.len(text, i, i) and utf8.offset(text, 2, i) - 1
    local one = text:sub(i, last or i)
    local fine = last and (lines and one == "\n" or not hidden(utf8.codepoint(text, i)))
    parts[#parts + 1] = fine and one or coded(one)
    i = (last or i) + 1
  end
  return table.concat(parts)
end
