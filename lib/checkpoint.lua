--- Checkpoints: the state of a run in one safetensors file, written whole or not at all.
--
-- Objects are anything with :state() -> { tensors =, values = } and :restore(state) (models, optimisers), or tensors.
-- Random draws are functions of (seed, purpose, step), so epoch, step and the counts of the script's own draws are
-- all that a run needs to go on exactly as if it had not stopped.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"

local M = {}

-- Where math.random stands, as digits, and back.
local function random_digits()
  return (core.random_mark():gsub(".", function(c) return string.format("%02x", c:byte()) end))
end

local function set_random(digits)
  if digits then
    core.random_mark((digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)))
  end
end

local FORMAT = "lamina checkpoint 1"

local function state_of(name, object)
  if core.is_tensor(object) then return { tensors = { value = object:detach() }, values = {} } end
  if (type(object) ~= "table" and type(object) ~= "userdata") or not object.state then
    errors.raise("argument", 3, "checkpoint: '%s' is a %s; the state of models, optimizers and tensors can be kept",
      name, type(object))
  end
  return object:state()
end

--- checkpoint.save(path, objects, values): writes the state of objects (models, optimizers, tensors) by name, and
-- values, a table of numbers, strings and lists of them, such as the epoch. A relative path is one in the
-- experiment's folder. Returns the path.
-- > net, opt = model "m" { input { 4 }, readout "r" { dense { 2 } } }, adam {}
-- > opt:attach(net)
-- > checkpoint.save("run.ckpt", { net = net, opt = opt }, { epoch = 3 })   --> run.ckpt
function M.save(path, objects, values)
  local io = require "lamina.core.io"
  if type(path) ~= "string" or type(objects) ~= "table" or core.is_tensor(objects) then
    errors.raise("argument", 2,
      "checkpoint.save: expected a file's name and objects by name, { net = net, opt = opt }")
  end
  path = require("lamina.experiment").path(path)
  local tensors, kept = {}, {}
  for key, object in pairs(objects) do
    local name = tostring(key)
    local state = state_of(name, object)
    for tensor_name, t in pairs(state.tensors) do tensors[name .. "/" .. tensor_name] = t end
    kept[name] = state.values
  end
  io.safetensors_write(path, tensors, { format = FORMAT,
    state = io.json_encode { values = values or {}, objects = kept, draws = core.draws(),
      random = random_digits() } })
  return path
end

--- checkpoint.load(path): what checkpoint.save wrote: { values =, objects = name -> { tensors =, values = }, draws =
-- }; for checkpoint.restore.
-- > path = checkpoint.save("run.ckpt", { w = tensor { 1, 2 } }, { epoch = 3 })
-- > checkpoint.load(path).values.epoch   --> 3
function M.load(path)
  local io = require "lamina.core.io"
  path = require("lamina.experiment").find(path)
  local tensors, metadata = io.safetensors_read(path)
  if type(metadata) ~= "table" or metadata.format ~= FORMAT then
    errors.raise("format", 2, "%s is not a checkpoint of a training run", path)
  end
  local kept = io.json_decode(metadata.state)
  local objects = {}
  for name, values in pairs(kept.objects) do objects[name] = { tensors = {}, values = values } end
  for full, t in pairs(tensors) do
    local name -- the longest that fits: a name may hold "/" itself
    for other in pairs(objects) do
      if full:sub(1, #other + 1) == other .. "/" and (not name or #other > #name) then name = other end
    end
    if name then objects[name].tensors[full:sub(#name + 2)] = t end
  end
  return { values = kept.values, objects = objects, draws = kept.draws, random = kept.random, path = path }
end

--- checkpoint.restore(loaded, objects): gives each object the state that the loaded checkpoint holds for it,
-- and continues the script's draws.
-- > w = tensor { 1, 2 }
-- > path = checkpoint.save("run.ckpt", { w = w }, {})
-- > w:zero()
-- > checkpoint.restore(checkpoint.load(path), { w = w })
-- > w   --> [1. 2.]
function M.restore(loaded, objects)
  local path = loaded.path
  for key, object in pairs(objects) do
    local state = loaded.objects[tostring(key)]
    if not state then
      errors.raise("format", 2, "%s holds nothing for '%s'; it was made by another script", path, tostring(key))
    end
    if core.is_tensor(object) then
      core.no_grad(function() object:copy(state.tensors.value) end)
    else
      object:restore(state)
    end
  end
  core.draws(loaded.draws)
  set_random(loaded.random)
end

return M
