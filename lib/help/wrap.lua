--- lamina.help.wrap: texts of help in lines that a narrow terminal need not break.
--
-- Paragraphs flow anew; rows of a list ("  kernel     size of the filters") go on under what they say. Examples,
-- blocks of code, tables, headings and the lines that name a source stay as they are.
local M = {}

local FULL = 96 -- a line that its next word would have made longer than this goes on in the next line

local function width(text) return utf8.len(text) or #text end

-- Where what is said begins in a line that starts with a term or a mark: after two or more spaces, after "- ".
local function column_of(line)
  local bullet = line:match "^%s*[%-%*] +()" or line:match "^%s*%d+%. +()"
  if bullet then return bullet - 1 end
  local term = line:match "^(%s*%S.-%s%s+)%S"
  return term and width(term)
end

local function is_fixed(line)
  return line == "" or line:find "^%s*> " or line:find "^%s*|" or line:find "^#" or line:find "^source: "
end

-- Whether a line goes on with what the lines before it say.
local function goes_on(block, line)
  if is_fixed(line) or line:find "^%s*```" or column_of(line) then return false end
  local indent = #line:match "^%s*"
  local row = block.column or block.indent > 0
  if block.count > 1 and indent ~= block.hang then return false end
  if row and indent <= block.indent or indent < block.indent then return false end
  return width(block.last) + 1 + width(line:match "%S+") > FULL
end

-- A block's words in lines of at most `columns`, where they can be.
local function lay_out(lines, block, columns)
  local hang = block.hang or block.column or block.under or block.indent
  if hang > columns // 2 then hang = math.min(block.indent + 4, columns // 2) end
  local line, started = string.rep(" ", block.indent), false
  for space, word in table.concat(block.words, " "):gmatch "(%s*)(%S+)" do
    if started and width(line) + #space + width(word) > columns then
      lines[#lines + 1] = line
      line, started = string.rep(" ", hang) .. word, true
    else
      line, started = started and line .. space .. word or line .. word, true
    end
  end
  lines[#lines + 1] = line
end

local function begin(line, rows)
  local indent = #line:match "^%s*"
  local block = { words = { (line:gsub("^%s+", "")) }, count = 1, last = line, indent = indent,
    column = column_of(line) }
  if block.column then rows[indent] = block.column end
  if indent > 0 then block.under = rows[indent] or indent + 2 end -- where a term is too long for its column
  return block
end

--- The text in lines of at most `columns` characters, broken at spaces; a text that fits stays as it is.
function M.wrapped(text, columns)
  local lines, block, code, rows, long = {}, nil, false, {}, false
  for line in (text .. "\n"):gmatch "(.-)\n" do long = long or width(line) > columns end
  if not long then return text end
  local function finish()
    if block then lay_out(lines, block, columns) end
    block = nil
  end
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local fence = line:find "^%s*```" ~= nil
    if fence then code = not code end
    if fence or code or is_fixed(line) then
      finish()
      lines[#lines + 1] = line
    elseif block and goes_on(block, line) then
      block.hang = block.hang or #line:match "^%s*"
      block.words[#block.words + 1] = line:gsub("^%s+", "")
      block.count, block.last = block.count + 1, line
    else
      finish()
      block = begin(line, rows)
    end
  end
  finish()
  return table.concat(lines, "\n")
end

return M
