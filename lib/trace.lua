--- A trace of training: for every step of `loop` and `train` its losses, and digests of every weight and buffer,
-- so that two runs that part can be asked where: trace.tsv in the experiment's folder, written with the command's
-- --trace (lamina pack and lamina verify ask for it).
--
-- A line is a step: its number, then tab and NAME=VALUE for the losses (hexadecimal, exact), then tab and
-- *NAME=DIGEST for the weights in the order of the layers (the first 16 digits of the SHA-256). The weights stand
-- with the first 200 steps, then with every 10th to step 2000, then with every 100th.
local command = require "lamina.core.command"
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"

local M = {}

--- Whether this run is traced.
M.on = command.trace == true

local file
local runs = 0 -- loops that have begun, of which a script may have several

local function due(step) return step <= 200 or step <= 2000 and step % 10 == 0 or step % 100 == 0 end

local function sorted_names(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  return names
end

local function add(parts, name, t) parts[#parts + 1] = "*" .. name .. "=" .. t:digest():sub(1, 16) end

local function add_weights(parts, state)
  local model = require "lamina.model"
  local names = sorted_names(state)
  for _, key in ipairs(names) do
    local object = state[key]
    local prefix = key == "model" and "" or tostring(key) .. "/"
    if core.is_tensor(object) then
      add(parts, tostring(key), object)
    elseif model.is_model(object) then
      for _, list in ipairs { object:parameters(), object:buffers() } do
        for _, p in ipairs(list) do add(parts, prefix .. p.name, p.tensor) end
      end
    end
  end
end

local function open()
  local path = require("lamina.experiment").path "trace.tsv"
  local message
  file, message = io.open(path, "wb")
  if not file then errors.raise_at(nil, "io", "--trace: %s", message) end
end

--- A loop begins.
function M.begin()
  if M.on then runs = runs + 1 end
end

--- Notes a step: its number, its losses by name, and the state of the loop (models and tensors by name).
function M.step(step, numbers, state)
  if not file then open() end
  local parts = { string.format("%d.%d", runs, step) }
  for _, name in ipairs(sorted_names(numbers)) do
    parts[#parts + 1] = string.format("%s=%a", name, numbers[name])
  end
  if due(step) then add_weights(parts, state or {}) end
  local ok, message = file:write(table.concat(parts, "\t"), "\n")
  if not ok then errors.raise_at(nil, "io", "--trace: cannot write trace.tsv: %s", message) end
end

--- The experiment ends.
function M.finish()
  if file then file:close() end
  file = nil
end

local function parse(line)
  local step, numbers, weights, order = nil, {}, {}, {}
  for part in (line .. "\t"):gmatch "(.-)\t" do
    local star, name, value = part:match "^(%*?)(.+)=([^=]*)$"
    if not name then
      step = part
    elseif star == "*" then
      weights[name] = value
      order[#order + 1] = name
    else
      numbers[name] = value
      order[#order + 1] = name
    end
  end
  return { step = step, numbers = numbers, weights = weights, order = order }
end

-- Where two lines of one step part: the first layer and tensor, and the first number; nil where they do not.
local function parting(a, b)
  local number, weight
  for _, name in ipairs(a.order) do
    local x, y = a.numbers[name], b.numbers[name]
    if x and x ~= y and not number then
      number = string.format("the number '%s': %s there, %s here", name, tostring(tonumber(x) or x),
        tostring(y and tonumber(y) or "none"))
    end
    if a.weights[name] and a.weights[name] ~= b.weights[name] and not weight then
      local layer, tensor = name:match "^(.*)%.([^%.]+)$"
      weight = string.format("layer %s, tensor %s", layer or name, tensor or name)
    end
  end
  return weight and number and weight .. "; " .. number or weight or number
end

--- Where two traces (texts) part: nil where they do not, else { step = "12", loop = "1", what =, text = }.
function M.compare(text_a, text_b)
  local next_b = text_b:gmatch "([^\n]*)\n"
  for line in text_a:gmatch "([^\n]*)\n" do
    local other = next_b()
    local run, step = line:match "^(%d+)%.(%d+)"
    if not other then
      return { loop = run, step = step, text = string.format("step %s: the run here ended before it", step) }
    end
    if line ~= other then
      local a, b = parse(line), parse(other)
      local what = a.step ~= b.step and "the step itself: another loop here" or parting(a, b) or "what was noted"
      return { loop = run, step = step, what = what,
        text = string.format("step %s%s: %s", step, run ~= "1" and " of training " .. run or "", what) }
    end
  end
  local more = next_b()
  if more then
    local run, step = more:match "^(%d+)%.(%d+)"
    return { loop = run, step = step, text = string.format("step %s: the run there ended before it", step) }
  end
end

return M
