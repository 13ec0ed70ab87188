--- lamina.help.page: the parts of what help says of a name: the text, its options, its example, where its source is.
--
-- The lines of a doc that begin with "> " are its example, as typed at the prompt. `--> TEXT` at the end of one is
-- what it shows there, on one line, without shape and type of a tensor. The tests run every example
-- (tests/lib/examples_spec.lua).
local M = {}

--- The line that says where a name has its source; line may be absent.
function M.source(path, line) return "source: " .. path .. (line and ":" .. line or "") end

local function is_source(line) return line:find "^source: [%w_%-/]+%.%a+:?%d*$" ~= nil end

local function code_of(line) return line:match "^%s*> (.*)$" end

--- A doc in order: what it says, `options` (a list of lines), its example, its source. The doc may hold the last two
-- itself; `example` is one that a field of its own holds, lines without marks, and `path` its source file.
function M.arranged(doc, options, example, path)
  local said, codes, source = {}, {}, path and M.source(path)
  for line in (doc .. "\n"):gmatch "(.-)\n" do
    if code_of(line) then
      codes[#codes + 1] = "> " .. code_of(line)
    elseif is_source(line) then
      source = line
    else
      said[#said + 1] = line
    end
  end
  table.move(options or {}, 1, #(options or {}), #said + 1, said)
  table.move(codes, 1, #codes, #said + 1, said)
  for line in ((example or "") .. "\n"):gmatch "(.-)\n" do
    if line ~= "" then said[#said + 1] = "> " .. line end
  end
  said[#said + 1] = source or nil
  return table.concat(said, "\n")
end

--- The text without its examples and sources.
function M.prose(text) return (("\n" .. text):gsub("\n%s*> [^\n]*", ""):gsub("\nsource: [^\n]*", ""):sub(2)) end

--- The examples in a text, each a list of lines without marks: runs of lines that follow one another.
function M.examples(text)
  local list, current = {}, nil
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local code = code_of(line)
    if code and not current then
      current = {}
      list[#list + 1] = current
    end
    if code then current[#current + 1] = code else current = nil end
  end
  return list
end

return M
