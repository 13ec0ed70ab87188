--- The manual page lamina(1) and the completions of shells, from what `lamina --help` and the subcommands say.
--
--   require("lamina.manual").write "DIR"     -- lamina.1, lamina.bash, _lamina (zsh)
local base = require "lamina.core.base"
local command = require "lamina.core.command"
local io_core = require "lamina.core.io"
local subcommand = require "lamina.subcommand"

local M = {}

--- The subcommands, each { name =, about =, definition = }, by name.
function M.subcommands()
  local list = {}
  for _, module in ipairs(command.modules()) do
    local name = module:match "^commands%.([%w_]+)$"
    if name then
      local about = command.source("lib/commands/" .. name .. ".lua"):match "^%-%-%- lamina %S+: ([^\n]*)"
      list[#list + 1] = { name = name, about = about, definition = require("lamina." .. module).definition }
    end
  end
  return list
end

--- The engine's options, each { names = { "-e" }, value = "CODE" or nil, doc = }, from the text of --help.
function M.options()
  local list, since = {}, 1
  for line in (command.usage_of_code .. command.usage_of_options):gmatch "[^\n]*" do
    if line:find "^  %-" then
      since = #list + 1
      local rest = line:sub(3)
      repeat -- --wall-time S, --cpu-time S
        local name, value, stop = rest:match "^(%-[^%s,]*) ?([%u=]*)()"
        list[#list + 1] = { names = { name }, value = value ~= "" and value or nil, doc = "" }
        rest = rest:sub(stop)
        local more = rest:match "^, (%-.*)$"
        rest = more or rest
      until not more
      for i = since, #list do list[i].doc = rest:gsub("^%s+", "") end
    elseif #list > 0 and line:find "^%s%s%s%s%s%s%s%s%s%s%s+%S" then
      for i = since, #list do
        list[i].doc = (list[i].doc .. " " .. line:gsub("^%s+", "")):gsub("^ ", "")
      end
    end
  end
  return list
end

-- ---- the manual page ---------------------------------------------------------------------------------------------

-- A text as roff: dashes that are to be typed, backslashes, and no line that begins with a control character.
local function roff(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("\n([%.'])", "\n\\&%1"):gsub("^([%.'])", "\\&%1"))
end

local function bold(text) return "\\fB" .. roff(text) .. "\\fR" end

local function option_entry(lines, names, value, doc)
  lines[#lines + 1] = ".TP"
  local parts = {}
  for i, name in ipairs(names) do parts[i] = bold(name) end
  lines[#lines + 1] = table.concat(parts, ", ") .. (value and " \\fI" .. roff(value) .. "\\fR" or "")
  lines[#lines + 1] = roff(doc)
end

local DESCRIPTION = [[
Runs scripts that declare models of sensory cortex, train them, fit them to recorded neurons and look inside them.
Without a script: the prompt, where help() tells more. A script with the same data, seed and version of the numbers
gives the same weights and scores, bit for bit, on any x86-64 or ARM64 processor and any number of threads.]]

--- lamina(1) in the macros of man(7).
function M.man()
  local lines = { string.format('.TH LAMINA 1 "" "lamina %s" "User Commands"', base.version), ".SH NAME",
    "lamina \\- models of sensory cortex, in Lua, with the same bits everywhere", ".SH SYNOPSIS" }
  for _, form in ipairs { "[options] [SCRIPT [options and arguments of the script]]",
    "COMMAND [its own options]" } do
    lines[#lines + 1] = "\\fBlamina\\fR " .. roff(form) .. "\n.br"
  end
  lines[#lines + 1] = ".SH DESCRIPTION"
  lines[#lines + 1] = roff(DESCRIPTION)
  lines[#lines + 1] = ".SH OPTIONS"
  for _, o in ipairs(M.options()) do option_entry(lines, o.names, o.value, o.doc) end
  lines[#lines + 1] = ".SH COMMANDS"
  for _, sub in ipairs(M.subcommands()) do
    local def = sub.definition
    lines[#lines + 1] = ".SS " .. roff("lamina " .. def.usage)
    lines[#lines + 1] = roff((def.about:gsub("%s+", " "):gsub(" $", "")))
    for _, o in ipairs(def.options or {}) do
      option_entry(lines, o.short and { o.short, o[1] } or { o[1] }, o.value, subcommand.doc(o))
    end
    if def.engine then lines[#lines + 1] = ".PP\nIts options are those of \\fBlamina\\fR itself." end
    for i, example in ipairs(def.examples or {}) do
      lines[#lines + 1] = (i == 1 and ".PP\nExamples:\n.PP\n.nf\n    " or "    ") .. roff(example)
    end
    if def.examples then lines[#lines + 1] = ".fi" end
    if def.codes then lines[#lines + 1] = ".PP\n" .. roff("Exit codes: " .. def.codes .. ".") end
  end
  for _, part in ipairs { { "ENVIRONMENT", { { "LAMINA_DATA", "where data sets lie" },
    { "LAMINA_CACHE", "where activations are kept and data sets are looked for, instead of ~/.cache/lamina" },
    { "LAMINA_CATALOGUE", "a JSON file with data sets of your own for lamina data" },
    { "LAMINA_FETCH_STALL", "after how many seconds without a byte a download goes on from another address (30)" },
    { "LAMINA_ISA", "the kernels to use, by their instruction set (lamina --help names them; no result depends on "
      .. "it)" },
    { "LAMINA_MODULES", "the folder of the parts that are loaded at their first use" },
    { "LAMINA_STARTUP", "the file that the prompt runs first (empty: none)" },
    { "NO_COLOR", "no colours at the prompt" },
    { "PAGER", "what shows long texts: less -FRX if not set, nothing if empty or cat" },
    { "VISUAL, EDITOR", "the editor of %edit; nano or vi if not set" },
    { "SLURM_ARRAY_TASK_ID", "the element that lamina sweep --array runs" },
    { "XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME",
      "the folders of settings, of what can be made again and of the history, instead of those below" } } },
    { "FILES", { { "~/.config/lamina/startup.lua", "run before the first line of the prompt" },
      { "~/.lamina_history", "what was entered at the prompt ($XDG_STATE_HOME/lamina/history where that is set)" },
      { "~/.cache/lamina/data", "data sets" },
      { "~/.cache/lamina/activations", "what the word `activations` has recorded; files that may be removed" } } },
    { "EXIT STATUS", { { "0", "fine" }, { "1", "the script failed" }, { "2", "wrong usage" },
      { "130", "interrupted (Ctrl-C)" } } } } do
    lines[#lines + 1] = ".SH " .. part[1]
    for _, entry in ipairs(part[2]) do option_entry(lines, { entry[1] }, nil, entry[2]) end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Writes lamina.1, lamina.bash and _lamina into a folder; returns their paths.
function M.write(dir)
  local completions = require "lamina.completions"
  base.mkdir(dir)
  local paths = {}
  for _, file in ipairs { { "lamina.1", M.man() }, { "lamina.bash", completions.bash() },
    { "_lamina", completions.zsh() } } do
    paths[#paths + 1] = dir .. "/" .. file[1]
    io_core.text_write(paths[#paths], file[2])
  end
  return paths
end

return M
