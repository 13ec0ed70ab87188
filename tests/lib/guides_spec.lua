-- Every block of every guide runs, and prints what the guide says.
local base = require "lamina.core.base"
local command = require "support.command"
local guides = require "lamina.guides"

-- The blocks of a page: { code =, output = } in order.
local function blocks_of(text)
  local list = {}
  for kind, body in text:gmatch "```(%w+)\n(.-)```" do
    if kind == "lua" then
      list[#list + 1] = { code = body, output = "" }
    elseif kind == "output" then
      list[#list].output = body
    end
  end
  return list
end

local MARK = "-- 8< --"

describe("the guide", function()
  for _, guide in ipairs(guides.list()) do
    it(guide.name .. " runs as it stands", function()
      local dir = command.folder()
      local blocks, parts = blocks_of(guide.text), {}
      for i, block in ipairs(blocks) do
        parts[i] = block.code .. (i < #blocks and string.format("print %q", MARK) or "")
      end
      command.write(dir .. "/guide.lua", table.concat(parts, "\n"))
      local result = command.run({ "guide.lua" }, { dir = dir, env = "LAMINA_CACHE=" .. dir .. "/cache" })
      assert.equal("", result.err)
      local i = 0
      for got in (result.out .. MARK .. "\n"):gmatch("(.-)" .. MARK:gsub("%p", "%%%0") .. "\n") do
        i = i + 1
        got = got:gsub("results: %S+\n$", "")
        assert.equal(blocks[i].output, got, string.format("block %d of %s", i, guide.name))
      end
      assert.equal(#blocks, i)
      command.drop(dir)
    end)
  end
end)

describe("the guides", function()
  it("are those that help names, each with a title", function()
    local names = {}
    for _, guide in ipairs(guides.list()) do
      names[#names + 1] = guide.name
      assert.matches("^# %S", guide.text)
      assert.equal(guide.title, guide.text:match "^# ([^\n]+)")
    end
    table.sort(names)
    assert.same({ "fit", "model", "movies", "pytorch", "rsa", "rules", "sharing", "tour", "training" }, names)
    assert.matches("^# A tour\n", command.run({ "help", "guide:tour" }).out)
    local list = command.run({ "help", "guides" }).out
    for _, guide in ipairs(guides.list()) do
      assert.matches(string.format("help %q +%s\n", "guide:" .. guide.name, guide.title), list)
    end
    assert.is_true(base.exists "lib/guides/tour.md")
  end)
end)

describe("the site", function()
  local site = require "lamina.site"

  it("renders what the guides use of Markdown", function()
    assert.equal('<h1 id="a-b-c">A &amp; <code>b&lt;c</code></h1>\n'
      .. '<p>one <em>two</em> <a href="x.html">three</a>\nfour</p>\n'
      .. "<ul><li>p</li>\n<li>q</li></ul>\n<pre class=\"lua\">print(1 &lt; 2)</pre>\n<table>\n"
      .. "<tr><th>a</th><th>b</th></tr>\n<tr><td>1</td><td><code>x*y*z</code></td></tr>\n</table>",
      site.html("# A & `b<c`\n\none *two* [three](x.html)\nfour\n\n- p\n- q\n\n```lua\nprint(1 < 2)\n```\n\n"
      .. "| a | b |\n|---|---|\n| 1 | `x*y*z` |\n"))
  end)

  it("has a page for every guide, word, op and subcommand, and no link that leads nowhere", function()
    local dir = command.folder()
    local n = site.write(dir)
    assert.is_true(n > 500, n)
    for _, name in ipairs { "index.html", "word-conv.html", "op-conv2d.html", "guide-tour.html", "command.html",
      "word-plot-bars.html" } do
      assert.is_true(base.exists(dir .. "/" .. name), name)
    end
    for _, name in ipairs(base.list(dir)) do
      local text = name:find "%.html$" and command.read(dir .. "/" .. name) or ""
      for link in text:gmatch 'href="([^"#:]+)[#"]' do
        assert.is_true(base.exists(dir .. "/" .. link), name .. " -> " .. link)
      end
      assert.falsy(text:find "https?://")
    end
    assert.matches("lamina sweep", command.read(dir .. "/command.html"))
    command.drop(dir)
  end)

  -- The page's search with a stand-in for the page, its first hits printed.
  local SEARCH = [[
    const field = { value: "", addEventListener() {} }, found = { replaceChildren() { this.items = []; },
      append(item) { this.items.push(item); }, querySelector() { return null; } };
    const document = { getElementById: id => id === "query" ? field : found,
      createElement: () => ({ append(link) { this.link = link; } }) };
    for (const query of process.argv.slice(2)) {
      field.value = query;
      show();
      console.log(found.items.slice(0, 3).map(item => item.link.textContent).join("|") || found.textContent);
    }
  ]]
  local with_node = os.execute "command -v node >/dev/null" and it or pending

  with_node("finds names before texts, several words wherever they stand, and a phrase across lines", function()
    local dir = command.folder()
    site.write(dir)
    local stand_in, rest = SEARCH:match "^(.-)(    for .*)$"
    command.write(dir .. "/run.js", stand_in .. command.read(dir .. "/index.js") .. command.read(dir .. "/search.js")
      .. rest)
    local pipe = io.popen("node " .. dir .. "/run.js conv 'THIS page is one script' 'half ceiling split' "
      .. "xyzzyx")
    local said = pipe:lines()
    assert.matches("^conv|", said())
    assert.matches("A tour", said())
    assert.matches("split_half", said())
    assert.equal("nothing found", said())
    pipe:close()
    command.drop(dir)
  end)
end)
