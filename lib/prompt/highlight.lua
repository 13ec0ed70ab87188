--- Lua source in colour: keywords, strings, numbers, comments, and the words of Lamina.
local ink = require "lamina.prompt.ink"
local words = require "lamina.words"

local M = {}

local KEYWORDS = {}
M.keywords = "and break do else elseif end false for function goto if in local nil not or repeat return then true "
  .. "until while"
for word in M.keywords:gmatch "%S+" do KEYWORDS[word] = "keyword" end

-- The end of the string or comment that begins at `at` with a long bracket, [[ or [==[; nil where there is none.
local function long_end(text, at)
  local level = text:match("^%[(=*)%[", at)
  if not level then return nil end
  local _, stop = text:find("]" .. level .. "]", at + #level + 2, true)
  return stop or #text
end

-- The end of a quoted string that begins at `at`: its closing quote, or the end of the text.
local function quote_end(text, at)
  local quote, i = text:sub(at, at), at + 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == "\\" then
      i = i + 1
    elseif c == quote or c == "\n" then
      return i
    end
    i = i + 1
  end
  return #text
end

local function number_end(text, at)
  local _, stop = text:find("^0[xX][%x%.]*[pP]?[+-]?%x*", at)
  if not stop then
    _, stop = text:find("^%d*%.?%d*[eE][+-]?%d+", at)
    if not stop then _, stop = text:find("^%d*%.?%d*", at) end
  end
  return stop
end

--- The token at `at`: its last position and its kind, nil for what has no colour.
function M.token(text, at)
  local c = text:sub(at, at)
  if text:find("^%-%-", at) then
    local stop = long_end(text, at + 2)
    return stop or (text:find("\n", at, true) or #text + 1) - 1, "comment"
  elseif c == '"' or c == "'" then
    return quote_end(text, at), "string"
  elseif c == "[" and long_end(text, at) then
    return long_end(text, at), "string"
  elseif c:find "%d" or c == "." and text:find("^%.%d", at) then
    return number_end(text, at), "number"
  elseif c:find "[%a_]" then
    local word = text:match("^[%w_]+", at)
    local called = text:sub(1, at - 1):find "[%w_%)%]][%.:]%s*$" -- a field, which is no word of its own
    return at + #word - 1, KEYWORDS[word] or not called and words.list[word] and "word" or nil
  end
  return (text:find("[%w_\"'%[%-%.]", at + 1) or #text + 1) - 1, nil
end

--- The text in colour; the text itself where colours are off.
function M.paint(text)
  if not ink.on() then return text end
  if text:find "^%s*[%%?]" then return ink.paint("strong", text) end -- a command of the prompt
  local parts, at = {}, 1
  while at <= #text do
    local stop, kind = M.token(text, at)
    stop = math.max(stop, at)
    local piece = text:sub(at, stop)
    parts[#parts + 1] = kind and ink.paint(kind, piece) or piece
    at = stop + 1
  end
  return table.concat(parts)
end

return M
