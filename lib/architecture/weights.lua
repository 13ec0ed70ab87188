--- Weights that others publish: tensors under PyTorch's names, taken into a model of the collection.
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local ops = require "lamina.core.ops"

local M = {}

-- What PyTorch calls our parameters and buffers; what it keeps and nothing needs.
local THEIRS = { mean = "running_mean", variance = "running_var" }
local NEEDLESS = "%.?num_batches_tracked$"

-- A list of { ours =, theirs = { names }, shape = } of all parameters and buffers.
local function wanted_of(net, names)
  local list = {}
  for _, kind in ipairs { net.list, net.buffer_list } do
    for _, p in ipairs(kind) do
      local of, part = names[p.node.name], (p.parameter or p.buffer).name
      local theirs = {}
      for i, name in ipairs(type(of) == "table" and of or { of }) do
        theirs[i] = name .. "." .. (THEIRS[part] or part)
      end
      if names[p.name] then theirs = { names[p.name] } end
      list[#list + 1] = { ours = p.name, theirs = theirs, shape = p.tensor.shape, stacked = type(of) == "table",
        readout = p.node.block.kind == "readout" }
    end
  end
  return list
end

-- The tensors without "module." before their names and without what nothing needs.
local function plain(tensors)
  local list = {}
  for name, t in pairs(tensors) do
    if not name:find(NEEDLESS) then list[name:gsub("^module%.", "")] = t end
  end
  return list
end

-- How many of the names the file has.
local function known(tensors, list)
  local n = 0
  for _, name in ipairs(list) do n = n + (tensors[name] and 1 or 0) end
  return n
end

local function own_names(net)
  local list = {}
  for _, kind in ipairs { net.list, net.buffer_list } do
    for _, p in ipairs(kind) do list[#list + 1] = p.name end
  end
  return list
end

-- The shape that a tensor of the file has to have.
local function shape_wanted(want)
  if not want.stacked then return want.shape end
  return table.move(want.shape, 2, #want.shape, 1, {})
end

-- What does not fit, a line each: kinds in the order missing, wrong shape, extra; and whether only the readout's
-- shapes are wrong.
local function problems(tensors, wanted)
  local missing, wrong, extra, used, only_readout = {}, {}, {}, {}, true
  for _, want in ipairs(wanted) do
    for _, name in ipairs(want.theirs) do
      local t, shape = tensors[name], shape_wanted(want)
      used[name] = true
      if not t then
        missing[#missing + 1] = string.format("%s (%s) is missing", name, want.ours)
      elseif not layer.same_shape(t.shape, shape) then
        wrong[#wrong + 1] = string.format("%s (%s) is %s, expected %s", name, want.ours, layer.shape_text(t.shape),
          layer.shape_text(shape))
        only_readout = only_readout and want.readout
      end
    end
  end
  for name in pairs(tensors) do
    if not used[name] then extra[#extra + 1] = name .. " is extra: no layer has that name" end
  end
  table.sort(extra)
  only_readout = only_readout and #wrong > 0 and #missing + #extra == 0
  table.move(wrong, 1, #wrong, #missing + 1, missing)
  return table.move(extra, 1, #extra, #missing + 1, missing), only_readout
end

local SHOWN = 4

local function refuse(path, self, net, lines, only_readout, position)
  local notes, more = nil, ""
  if #lines > SHOWN then
    notes, more = {}, string.format(" and %d more", #lines - SHOWN)
    for i, line in ipairs(lines) do notes[i] = "  " .. line end
  end
  if only_readout then
    notes = notes or {}
    notes[#notes + 1] = string.format("  only the readout differs: make %s with the file's number of classes, and "
      .. "model \"NAME\" { core = net:upto \"%s\", readout \"category\" {...} } with another readout", self.full,
      net.blocks[#net.blocks - 1].name)
  end
  errors.raise_with(notes, "shape", position, "%s does not fit %s: %s%s", path, self.full,
    table.concat(lines, "; ", 1, math.min(#lines, SHOWN)), more)
end

local function translated(tensors, wanted)
  local list = {}
  for _, want in ipairs(wanted) do
    local parts = {}
    for i, name in ipairs(want.theirs) do parts[i] = tensors[name] end
    list[want.ours] = want.stacked and ops.stack(parts, { dim = 1 }) or parts[1]
  end
  return list
end

--- Takes the weights of a file into a model that was just made: net:save's names, or those of `names`, layer by layer
-- (see lib/architecture.lua). All or nothing; raises at `position` with what is missing, extra or of another shape.
function M.load(net, path, names, self, position)
  local found = require("lamina.experiment").find(path)
  local tensors, metadata = require("lamina.core.io").safetensors_read(found)
  tensors = plain(tensors)
  local wanted = names and wanted_of(net, names) or {}
  local theirs = {}
  for _, want in ipairs(wanted) do table.move(want.theirs, 1, #want.theirs, #theirs + 1, theirs) end
  if not names or metadata and metadata.model or known(tensors, own_names(net)) > known(tensors, theirs) then
    return net:load(path)
  end
  local lines, only_readout = problems(tensors, wanted)
  if #lines > 0 then refuse(path, self, net, lines, only_readout, position) end
  net:take(translated(tensors, wanted), path, 2)
end

return M
