--- lamina help: explain a word, an op or an option, or search all help
local subcommand = require "lamina.subcommand"

return subcommand.define {
  name = "help",
  usage = "help [NAME ...] [--search WORD]",
  about = [[
Prints what help "NAME" prints at the prompt: a word (conv), a field (plot.bars), an op (conv2d), a method (net:save),
an option (stride), a topic (rules), a guide (guide:tour), a command (sweep, %time). Without a name: the overview.]],
  positional = { "names..." },
  complete = { words = function()
    local names = require("lamina.help").names()
    for _, guide in ipairs(require("lamina.guides").list()) do names[#names + 1] = "guide:" .. guide.name end
    return names
  end },
  options = {
    { "--search", value = "WORD", doc = "every name whose help has this word in it, with its first line" },
  },
  examples = { "lamina help conv plot.bars", "lamina help --search contrast" },
  codes = "0 fine, 1 nothing is known of it",
  run = function(o)
    local help = require "lamina.help"
    local pager = require "lamina.prompt.pager"
    if o.search then
      local lines = help.search(o.search)
      if #lines == 0 then
        print(help.not_found(o.search))
        return 1
      end
      pager.prose(table.concat(lines, "\n"))
      return 0
    end
    if #o.names == 0 then
      pager.prose(help.overview())
      return 0
    end
    local texts, code = {}, 0
    for i, name in ipairs(o.names) do
      local text = help.text(name)
      if not text then code = 1 end
      texts[i] = text or help.unknown(name)
    end
    pager.prose(table.concat(texts, "\n\n"))
    return code
  end,
}
