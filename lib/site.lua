--- The reference as a static site: guides, a page for each word, the ops, the subcommands, and a search in the
-- browser.
--
--   require("lamina.site").write "DIR"      -- `./run docs` does it into build/site
--
-- Pages come from what `help` prints, so they say the same; the guides are lib/guides. Nothing is loaded from
-- elsewhere.
local core_io = require "lamina.core.io"
local guides = require "lamina.guides"
local help = require "lamina.help"
local manual = require "lamina.manual"
local words = require "lamina.words"

local M = {}

local function escaped(text)
  return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

-- ---- Markdown ----------------------------------------------------------------------------------------------------
-- What the guides need of it: headings, paragraphs, lists, tables, blocks of code, `code`, *emphasis*, [links](to).

local function inline(text)
  local codes = {}
  text = text:gsub("`([^`]+)`", function(code)
    codes[#codes + 1] = "<code>" .. escaped(code) .. "</code>"
    return "\1" .. #codes .. "\2"
  end)
  text = escaped(text)
  text = text:gsub("%[([^%]]+)%]%(([^%)]+)%)", '<a href="%2">%1</a>')
  text = text:gsub("%*%*([^%*]+)%*%*", "<strong>%1</strong>"):gsub("%*([^%*]+)%*", "<em>%1</em>")
  return (text:gsub("\1(%d+)\2", function(n) return codes[math.tointeger(tonumber(n))] end))
end

local function table_row(line, cell)
  local parts = {}
  for text in line:gsub("^|", ""):gmatch "%s*(.-)%s*|" do
    parts[#parts + 1] = string.format("<%s>%s</%s>", cell, inline(text), cell)
  end
  return "<tr>" .. table.concat(parts) .. "</tr>"
end

local CLASSES = { lua = "lua", output = "output" }

-- Takes the lines of one block from lines[i] on; returns its HTML and the index of the next line.
local function block(lines, i)
  local line = lines[i]
  local marks, title = line:match "^(#+) (.*)$"
  if marks then
    local id = title:lower():gsub("[^%w]+", "-"):gsub("^%-", ""):gsub("%-$", "")
    return string.format('<h%d id="%s">%s</h%d>', #marks, id, inline(title), #marks), i + 1
  end
  local kind = line:match "^```(%w*)$"
  if kind then
    local code = {}
    i = i + 1
    while lines[i] and lines[i] ~= "```" do
      code[#code + 1] = lines[i]
      i = i + 1
    end
    local text = escaped(table.concat(code, "\n"))
    return string.format('<pre class="%s">%s</pre>', CLASSES[kind] or "text", text), i + 1
  end
  if line:find "^|" then
    local rows = { "<table>", table_row(line, "th") }
    i = i + 2 -- the line of dashes
    while lines[i] and lines[i]:find "^|" do
      rows[#rows + 1] = table_row(lines[i], "td")
      i = i + 1
    end
    rows[#rows + 1] = "</table>"
    return table.concat(rows, "\n"), i
  end
  local parts, item = {}, line:find "^%- "
  while lines[i] and lines[i] ~= "" and not lines[i]:find "^```" and not lines[i]:find "^#" do
    parts[#parts + 1] = lines[i]
    i = i + 1
  end
  if not item then return "<p>" .. inline(table.concat(parts, "\n")) .. "</p>", i end
  local items = {}
  for entry in ("\n" .. table.concat(parts, "\n")):gsub("\n%- ", "\0"):gmatch "%z([^%z]+)" do
    items[#items + 1] = "<li>" .. inline(entry) .. "</li>"
  end
  return "<ul>" .. table.concat(items, "\n") .. "</ul>", i
end

--- A text in Markdown as HTML.
function M.html(text)
  local lines, parts, i = {}, {}, 1
  for line in (text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  while i <= #lines do
    if lines[i] == "" then
      i = i + 1
    else
      parts[#parts + 1], i = block(lines, i)
    end
  end
  return table.concat(parts, "\n")
end

-- ---- pages -------------------------------------------------------------------------------------------------------

local function page(title, body)
  return string.format([[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s - Lamina</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<nav><a href="index.html">Lamina</a><a href="words.html">words</a><a href="ops.html">ops</a>
<a href="command.html">command</a><input id="query" type="search" placeholder="search" aria-label="search"></nav>
<main>
<ul id="found"></ul>
%s
</main>
<script src="index.js"></script>
<script src="search.js"></script>
</body>
</html>
]], escaped(title), body)
end

local function first_line(text) return (text:match "^[^\n]*" or "") end

-- What help says as HTML: its text, and its examples as code.
local function help_html(text)
  local parts, kind = {}, nil
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local code = line:match "^> (.*)$"
    local now = code and "lua" or "text"
    if now ~= kind then parts[#parts + 1] = string.format('%s<pre class="%s">', kind and "</pre>\n" or "", now) end
    if now == kind then parts[#parts + 1] = "\n" end
    parts[#parts + 1], kind = escaped(code or line), now
  end
  return table.concat(parts) .. "</pre>"
end

-- A page for a name, from its help.
local function reference(name, text)
  return page(name, string.format("<h1>%s</h1>\n%s", escaped(name), help_html(text)))
end

local function address(kind, name) return kind .. "-" .. name:gsub("[^%w_]+", "-") .. ".html" end

-- The words and their fields, the ops, the topics, each { name =, text =, url =, op = whether an op is called so }.
local function entries()
  local find = require "lamina.help.find"
  local ops, list = require "lamina.core.ops", {}
  local is_op = {}
  for _, name in ipairs(ops.list()) do is_op[name] = true end
  for _, name in ipairs(find.names(help.text)) do
    local kind = words.list[name:match "^[%w_]+"] and "word" or is_op[name] and "op" or "name"
    list[#list + 1] = { name = name, kind = kind, text = help.text(name), url = address(kind, name),
      op = is_op[name] }
  end
  return list
end

local function list_of(items, kind)
  local parts = {}
  for _, e in ipairs(items) do
    if e.kind == kind or kind == "op" and e.op then
      parts[#parts + 1] = string.format('<li><a href="%s">%s</a></li>', e.url, escaped(e.name))
    end
  end
  return '<ul class="words">' .. table.concat(parts, "\n") .. "</ul>"
end

local function index_page()
  local parts = { "<h1>Lamina</h1>", "<p>Models of sensory cortex, in Lua, with the same bits everywhere.</p>",
    "<h2>Guides</h2>", "<ol>" }
  for _, guide in ipairs(guides.list()) do
    parts[#parts + 1] = string.format('<li><a href="guide-%s.html">%s</a></li>', guide.name, escaped(guide.title))
  end
  parts[#parts + 1] = "</ol>\n<h2>Reference</h2>"
  parts[#parts + 1] = string.format("<pre>%s</pre>", escaped(help.overview()))
  return page("Lamina", table.concat(parts, "\n"))
end

local function command_page()
  local subcommand = require "lamina.subcommand"
  local parts = { "<h1>lamina</h1>", "<table>" }
  for _, o in ipairs(manual.options()) do
    parts[#parts + 1] = string.format("<tr><td><code>%s%s</code></td><td>%s</td></tr>", escaped(o.names[1]),
      o.value and " " .. escaped(o.value) or "", escaped(o.doc))
  end
  parts[#parts + 1] = "</table>"
  for _, sub in ipairs(manual.subcommands()) do
    parts[#parts + 1] = string.format('<h2 id="%s">lamina %s</h2>\n<pre>%s</pre>', sub.name, sub.name,
      escaped(subcommand.help(sub.definition)))
  end
  return page("the command", table.concat(parts, "\n"))
end

-- The index that the search reads: names, first lines, and the words of the texts.
local function search_index(items)
  local rows = {}
  local function words_of(text) return (text:lower():gsub("%s+", " ")) end
  for _, guide in ipairs(guides.list()) do
    rows[#rows + 1] = { n = guide.title, u = "guide-" .. guide.name .. ".html", d = "a guide",
      t = words_of(guide.text) }
  end
  for _, e in ipairs(items) do
    rows[#rows + 1] = { n = e.name, u = e.url, d = first_line(e.text), t = words_of(e.text) }
  end
  return "const INDEX = " .. core_io.json_encode(rows) .. ";\n"
end

local function source(name) return require("lamina.core.command").source("lib/site/" .. name) end

--- Writes the site into a folder; returns the number of its pages.
function M.write(dir)
  local base = require "lamina.core.base"
  base.mkdir(dir)
  local items, n = entries(), 0
  local function put(name, text)
    core_io.text_write(dir .. "/" .. name, text)
    if name:find "%.html$" then n = n + 1 end
  end
  put("style.css", source "style.css")
  put("search.js", source "search.js")
  put("index.js", search_index(items))
  put("index.html", index_page())
  put("words.html", page("words", "<h1>Words</h1>" .. list_of(items, "word") .. "<h2>Methods, topics</h2>"
    .. list_of(items, "name")))
  put("ops.html", page("ops", "<h1>Ops of the runtime</h1>" .. list_of(items, "op")))
  put("command.html", command_page())
  for _, guide in ipairs(guides.list()) do
    put("guide-" .. guide.name .. ".html", page(guide.title, M.html(guide.text)))
  end
  for _, e in ipairs(items) do put(e.url, reference(e.name, e.text)) end
  return n
end

return M
