-- The catalogue of mistakes: what a user is told, to the letter.
--
-- Each file of tests/interp/catalogue/ holds cases of three parts: a line `== what the mistake is`, the script (run
-- as m.lua; a first line `@net` stands for a small model `net` and a maker of data sets `set`), a line `--`, and all
-- that the command writes to standard error. Messages are meant to be read aloud: they name the word, the value, what
-- was expected and what to do. Where a message has been changed on purpose, CATALOGUE=accept ./run test catalogue
-- writes what is said now into the files; read the difference before it is committed.
local bad = require "support.bad"
local base = require "lamina.core.base"
local command = require "support.command"

local FOLDER = "tests/interp/catalogue"

-- The cases of a file: { title =, script =, said = }.
local function cases_of(path)
  local list, case, part = {}, nil, nil
  for line in command.read(path):gmatch "([^\n]*)\n" do
    local title = line:match "^== (.*)$"
    if title then
      case, part = { title = title, script = {}, said = {} }, "script"
      list[#list + 1] = case
    elseif line == "--" then
      part = "said"
    else
      table.insert(case[part], line)
    end
  end
  for _, one in ipairs(list) do
    one.script = table.concat(one.script, "\n") .. "\n"
    one.said = #one.said > 0 and table.concat(one.said, "\n") .. "\n" or ""
  end
  return list
end

-- Runs every case in a folder of its own, all from one shell; sets case.code, case.out and case.err.
local function run_all(list)
  local folder = command.folder()
  for i, case in ipairs(list) do
    base.mkdir(folder .. "/" .. i)
    command.write(folder .. "/" .. i .. "/m.lua", (case.script:gsub("^@net\n", bad.NET)))
  end
  os.execute(string.format("cd %s && unset XDG_CACHE_HOME LAMINA_DATA && export HOME=/home/you && "
    .. "for d in *; do cd $d; %s m.lua --threads 1 >out 2>err </dev/null; echo $? >code; cd ..; done",
    command.quote(folder), command.quote(command.path)))
  for i, case in ipairs(list) do
    local at = folder .. "/" .. i .. "/"
    case.code, case.out = tonumber(command.read(at .. "code")), command.read(at .. "out")
    case.err = command.read(at .. "err")
  end
  command.drop(folder)
end

local function accept(path, list)
  local lines = {}
  for _, case in ipairs(list) do
    lines[#lines + 1] = "== " .. case.title .. "\n" .. case.script .. "--\n" .. case.err
  end
  command.write(path, table.concat(lines))
end

describe("the catalogue of mistakes", function()
  local total = 0
  for _, name in ipairs(base.list(FOLDER)) do
    local path = FOLDER .. "/" .. name
    local list = cases_of(path)
    total = total + #list
    it("is answered as written: " .. name, function()
      run_all(list)
      if os.getenv "CATALOGUE" == "accept" then accept(path, list) list = cases_of(path) run_all(list) end
      local wrong = {}
      for _, case in ipairs(list) do
        if case.err ~= case.said or case.code ~= 1 then
          wrong[#wrong + 1] = string.format("%s (exit code %s)\n%s-- expected\n%s-- got\n%s", case.title, case.code,
            case.script, case.said, case.err)
        end
      end
      if #wrong > 0 then error(table.concat(wrong, "\n"), 0) end
    end)

    it("is answered at its line, in text that fits: " .. name, function()
      for _, case in ipairs(list) do
        bad.decent(case)
        assert.truthy(case.err:find "^lamina: m%.lua:%d+: ", case.title .. "\n" .. case.err)
        for line in case.err:gmatch "[^\n]+" do assert.is_true(#line <= 240, case.title .. ": " .. line) end
      end
    end)
  end

  it("holds many", function() assert.is_true(total >= 200, total) end)
end)
