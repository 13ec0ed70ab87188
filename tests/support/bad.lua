-- Scripts that must fail, run by the command: what every answer owes to its reader.
local base = require "lamina.core.base"
local assert = require "luassert"
local command = require "support.command"

local M = {}

--- The folder of the case that runs; M.begin makes it, M.finish removes it.
M.dir = nil

function M.begin() M.dir = command.folder() end

function M.finish() command.drop(M.dir) end

--- No message may show the chain of calls, an address, or bytes that are no text.
function M.decent(result)
  assert.is_nil(result.err:find("stack traceback", 1, true), result.err)
  assert.is_nil(result.err:find "%f[%w]0x%x%x%x%x", result.err)
  assert.is_nil(result.err:find("mistake in Lamina itself", 1, true), result.err)
  assert.truthy(utf8.len(result.err), "the message is not text")
end

function M.contains(text, part)
  if not text:find(part, 1, true) then error(string.format("expected %q in:\n%s", part, text), 0) end
end

--- Runs a script as bad.lua in the folder; o: args, and command.run's options.
function M.run(text, o)
  o = o or {}
  command.write(M.dir .. "/bad.lua", text)
  local arguments = { "bad.lua" }
  for i, word in ipairs(o.args or {}) do arguments[i + 1] = word end
  o.dir = M.dir
  local result = command.run(arguments, o)
  M.decent(result)
  return result
end

--- A script that must fail at a line of its own, with these parts in what it says, and leave the folder as it was.
function M.fails(text, line, parts, o)
  command.write(M.dir .. "/bad.lua", text)
  local before = table.concat(base.list(M.dir), " ")
  local result = M.run(text, o)
  assert.equal(1, result.code, result.err .. "\nfrom: " .. text)
  M.contains(result.err, "lamina: bad.lua:" .. line .. ": ")
  for _, part in ipairs(parts) do M.contains(result.err, part) end
  assert.equal(before, table.concat(base.list(M.dir), " "), "files have appeared")
  return result
end

--- Each case: a script of one line, then what the message must hold; `head` comes before every one.
function M.all_fail(head, cases)
  local line = select(2, head:gsub("\n", "\n")) + 1
  for _, case in ipairs(cases) do M.fails(head .. case[1], line, { table.unpack(case, 2) }) end
end

--- A small model and its data, three lines.
M.NET = [[
local net = model "tiny" { input { 1, 8, 8 }, area "V1" { conv { 4, kernel = 3 }, relu, pool.max { 2 } },
  readout "digit" { dense { 10 } } }
local function set(y, x) return data.tensors { x or randn { #y, 1, 8, 8 }, tensor(y, { dtype = "int64" }) } end
]]

--- A training run with checkpoints: its first argument is the step at which the loss turns infinite, its second
-- whether it resumes. `train` stands in line 6.
M.RESUMED = M.NET .. [[
local fails, resume = ...
local step = 0
local history = train { model = net, data = set { 1, 2, 3, 4 }, epochs = 4, batch = 2, checkpoint = "run.safetensors",
  resume = resume == "true", log = false, loss = function(o, y)
    step = step + 1
    local loss = o:cross_entropy(y)
    return step == tonumber(fails) and loss * (1 / 0) or loss
  end }
print(#history, net:digest())
]]

--- The first line of a script with an experiment.
M.EXPERIMENT = 'local p = experiment "e" { params = { rate = 0.1, epochs = 3, flag = false, sizes = { 1, 2 } } }\n'

return M
