--- The completions of shells, bash and zsh, from what `lamina --help` and the subcommands say. Written by
-- lib/manual.lua.
--
-- The names behind --set (--grid, --random) are those of the parameters that the script on the line declares. The
-- script is asked for them as lamina SCRIPT --help asks, at each press of the key: behind the walls of --untrusted,
-- for 2 seconds at most, with a folder of its own that is removed again. It ends where its experiment begins; one
-- that does much before it, or may not do it there, offers nothing.
--
-- A subcommand's definition says what may stand where no option does, as complete = { first = "list get",
-- words = function() ... end, files = "lua zip" }: the words that its first place takes, the words of the others, the
-- endings of files ("": folders alone).
local manual = require "lamina.manual"

local M = {}

local HELP = { names = { "--help" }, doc = "its help" }

-- An option's names, short ones too; those of the engine have a list, those of subcommands a first field.
local function names_of(option)
  local names = {}
  for _, name in ipairs(option.names or { option.short or option[1], option.short and option[1] }) do
    if name:find "^%-%-?%w" then names[#names + 1] = name end
  end
  return names
end

local function all_names(options)
  local names = {}
  for _, o in ipairs(options) do
    for _, name in ipairs(names_of(o)) do names[#names + 1] = name end
  end
  return names
end

-- What an option's value is: "folder", "any" file or the ending of its name, "params" for one of a parameter; nil
-- where it is something else.
local function kind_of(option)
  local value = option.value or ""
  if option.params or option.names and option.names[1] == "--set" then return "params" end
  if value == "DIR" then return "folder" end
  if value == "FILE" or value == "PATH" then return "any" end
  return value:match "^NAME%.(%w+)$"
end

local function options_of(definition, engine)
  if definition.engine then return engine end
  local options = { HELP }
  return table.move(definition.options or {}, 1, #(definition.options or {}), 2, options)
end

local function words_of(complete)
  return complete and complete.words and table.concat(complete.words(), " ") or nil
end

-- ---- bash --------------------------------------------------------------------------------------------------------

local CALLS = { folder = "_lamina_files /", any = "_lamina_files", params = "_lamina_params" }

-- The lines of `case $previous in` for options that take a value.
local function bash_values(options)
  local by_call, order = {}, {}
  for _, o in ipairs(options) do
    if o.value then
      local kind = kind_of(o)
      local call = kind and (CALLS[kind] or "_lamina_files " .. kind) or ":"
      if not by_call[call] then
        by_call[call] = {}
        order[#order + 1] = call
      end
      table.move(names_of(o), 1, #names_of(o), #by_call[call] + 1, by_call[call])
    end
  end
  local lines = {}
  for _, call in ipairs(order) do
    lines[#lines + 1] = string.format("        %s) %s; return ;;", table.concat(by_call[call], " | "), call)
  end
  return table.concat(lines, "\n")
end

local function bash_case(name, options, complete)
  local lines = { string.format("    %s)", name) }
  local values = bash_values(options)
  if values ~= "" then lines[#lines + 1] = "      case $previous in\n" .. values .. "\n      esac" end
  lines[#lines + 1] = string.format('      options="%s"', table.concat(all_names(options), " "))
  if complete.first then lines[#lines + 1] = string.format('      (( place == 1 )) && words="%s"', complete.first) end
  local words = words_of(complete)
  if words then
    lines[#lines + 1] = string.format('      %swords="%s"', complete.first and "(( place > 1 )) && " or "", words)
  end
  if complete.files then lines[#lines + 1] = string.format('      endings="/ %s"', complete.files) end
  lines[#lines + 1] = "      ;;"
  return table.concat(lines, "\n")
end

local BASH = [==[
# completion of lamina(1) for bash

# Adds the files whose names begin with what is typed and end in one of the given endings, and folders: "/" stands for
# folders alone; without an ending, all.
_lamina_files() {
  local name ending
  while IFS= read -r name; do
    if [[ -d ${name/#\~\//$HOME/} ]] || (( $# == 0 )); then
      COMPREPLY+=("$name")
      continue
    fi
    for ending in "$@"; do
      [[ $name == *".$ending" ]] && COMPREPLY+=("$name")
    done
  done < <(compgen -f -- "$current")
}

# Adds the names of the parameters that the experiment of the script on the line declares: what it prints is never
# expanded, and a name is one or none.
_lamina_params() {
  local script= word line folder pattern='^  --([[:alpha:]_][[:alnum:]_.-]*) '
  for word in "${COMP_WORDS[@]:1}"; do
    word=${word#[\"\']} word=${word%[\"\']} word=${word//\\/}
    word=${word/#\~\//$HOME/}
    [[ $word == *.lua && -f $word ]] && script=$word && break
  done
  [[ $script ]] && folder=$(mktemp -d 2>/dev/null) || return
  while IFS= read -r line; do
    [[ $line =~ $pattern && ${BASH_REMATCH[1]} != seed && ${BASH_REMATCH[1]} == "$current"* ]] &&
      COMPREPLY+=("${BASH_REMATCH[1]}=")
  done < <("${COMP_WORDS[0]/#\~\//$HOME/}" --untrusted --wall-time 2 --cpu-time 2 --output-files 1 --out "$folder" \
    -- "$script" --help 2>/dev/null </dev/null)
  rm -rf -- "$folder"
  compopt +o filenames -o nospace 2>/dev/null
}

_lamina() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= place=0 i
  local options= words= endings= stem=
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      @VALUED@)
        [[ -z $command ]] && { [[ ${COMP_WORDS[i+1]} == = ]] && ((i++)); ((i++)); } ;;
      -* | = | :) ;;
      @COMMANDS@)
        [[ -z $command ]] && command=${COMP_WORDS[i]} || ((place++)) ;;
      *) [[ -z $command ]] && command=script || ((place++)) ;;
    esac
  done
  ((place++))
  # --data=DIR, guide:tour: readline cuts words at = and :
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD-2]}
  fi
  if [[ $current == : ]]; then
    stem=$previous: current=
  elif [[ $previous == : ]]; then
    stem=${COMP_WORDS[COMP_CWORD-2]}:
  fi
  current=${current#[\"\']}
  current=${current//\\/}
  case $command in
@CASES@
    script | '')
      case $previous in
@ENGINE_VALUES@
      esac
      options="@ENGINE@"
      ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -z $command ]]; then
    _lamina_files lua
    COMPREPLY+=($(compgen -W "@COMMAND_WORDS@" -- "$current"))
  elif [[ $command == script ]]; then
    _lamina_files
  elif [[ -n $words ]]; then
    for i in $(compgen -W "$words" -- "$stem$current"); do COMPREPLY+=("${i#"$stem"}"); done
  elif [[ -n $endings ]]; then
    _lamina_files $endings
  fi
}
complete -o filenames -F _lamina lamina
]==]

local function engine_values(options)
  local names = {}
  for _, o in ipairs(options) do
    if o.value then table.move(names_of(o), 1, #names_of(o), #names + 1, names) end
  end
  return table.concat(names, " | ")
end

--- The completion of bash.
function M.bash()
  local engine, commands, cases = manual.options(), {}, {}
  for _, sub in ipairs(manual.subcommands()) do
    commands[#commands + 1] = sub.name
    cases[#cases + 1] = bash_case(sub.name, options_of(sub.definition, engine), sub.definition.complete or {})
  end
  local parts = { VALUED = engine_values(engine), COMMANDS = table.concat(commands, " | "),
    CASES = table.concat(cases, "\n"), ENGINE_VALUES = bash_values(engine),
    ENGINE = table.concat(all_names(engine), " "), COMMAND_WORDS = table.concat(commands, " ") }
  return (BASH:gsub("@([%u_]+)@", parts))
end

-- ---- zsh ---------------------------------------------------------------------------------------------------------

local function zsh_quoted(text) return (text:gsub("'", "'\\''"):gsub("[%[%]:]", "\\%0")) end

local function zsh_value(option)
  if not option.value then return "" end
  local kind = kind_of(option)
  local action = kind == "folder" and "_files -/" or kind == "any" and "_files"
    or kind == "params" and "_lamina_params" or kind and '_files -g "*.' .. kind .. '"' or " "
  return ":" .. zsh_quoted(option.value) .. ":" .. action
end

local function zsh_options(options)
  local lines = {}
  for _, o in ipairs(options) do
    for _, name in ipairs(names_of(o)) do
      lines[#lines + 1] = string.format("'*%s[%s]%s'", name, zsh_quoted((o.doc:gsub("%s+", " "))), zsh_value(o))
    end
  end
  return table.concat(lines, " \\\n        ")
end

-- What stands where no option does, as the last arguments of _arguments.
local function zsh_places(complete)
  local parts = {}
  if complete.first then parts[1] = string.format("'1:what:(%s)'", complete.first) end
  local words = words_of(complete)
  if words then parts[#parts + 1] = string.format("'*:name:(%s)'", zsh_quoted(words)) end
  if complete.files == "" then
    parts[#parts + 1] = "'*:folder:_files -/'"
  elseif complete.files then
    parts[#parts + 1] = string.format("'*:file:_files -g \"%s\"'", (complete.files:gsub("%S+", "*.%0")))
  end
  return #parts > 0 and " \\\n        " .. table.concat(parts, " \\\n        ") or ""
end

local function zsh_case(name, options, complete)
  return string.format("    %s)\n      _arguments %s%s\n      ;;", name, zsh_options(options), zsh_places(complete))
end

--- The completion of zsh.
function M.zsh()
  local engine = manual.options()
  local commands, cases = {}, {}
  for _, sub in ipairs(manual.subcommands()) do
    commands[#commands + 1] = string.format("'%s:%s'", sub.name, zsh_quoted(sub.about))
    cases[#cases + 1] = zsh_case(sub.name, options_of(sub.definition, engine), sub.definition.complete or {})
  end
  return string.format([==[
#compdef lamina
# completion of lamina(1) for zsh

# Adds the names of the parameters that the experiment of the script on the line declares.
_lamina_params() {
  local script word line folder
  local -a names
  for word in ${(Q)words[2,-1]}; do
    word=${word/#\~\//$HOME/}
    [[ $word == *.lua && -f $word ]] && script=$word && break
  done
  [[ -n $script ]] && folder=$(mktemp -d 2>/dev/null) || return 1
  for line in "${(@f)$(${command_line/#\~\//$HOME/} --untrusted --wall-time 2 --cpu-time 2 --output-files 1 \
    --out $folder -- $script --help 2>/dev/null </dev/null)}"; do
    [[ $line =~ '^  --([[:alpha:]_][[:alnum:]_.-]*) ' && $match[1] != seed ]] && names+=($match[1])
  done
  rm -rf -- $folder
  compadd -S = -a names
}

_lamina() {
  local command_line=${(Q)words[1]}
  local -a commands
  commands=(%s)
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    _files -g '*.lua'
    return
  fi
  case $words[2] in
    %s)
      shift words
      (( CURRENT-- ))
      ;;
  esac
  case $words[1] in
%s
    *)
      _arguments %s \
        '1:script:_files -g "*.lua"' '*:argument:_files'
      ;;
  esac
}
_lamina "$@"
]==], table.concat(commands, "\n    "), table.concat(M.names(), " | "), table.concat(cases, "\n"),
    zsh_options(engine))
end

--- The names of the commands.
function M.names()
  local names = {}
  for _, sub in ipairs(manual.subcommands()) do names[#names + 1] = sub.name end
  return names
end

return M
