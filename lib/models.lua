--- models.<name>: the networks of the field, made by name, with their areas declared.
--
--   local net = models.resnet18 { classes = 10, input = 64, width = 0.5 }
--   local seen = models.alexnet { weights = "alexnet.safetensors" }      -- weights that PyTorch users publish
--   print(net)                                                           -- areas, layers, shapes, parameters
--
-- models() lists them with their usual input and number of parameters, models "resnet" those with that in their name;
-- help "models.resnet18" tells the source and the options of one. Every one takes
--
--   classes, input, width   how many classes; the input's side, { height, width } or { channels, height, width }; a
--                           factor on the number of channels and units of hidden layers
--   weights                 a safetensors file: net:save's, or one with the names that others use, with or without
--                           "module.". Where a tensor is missing, extra or of another shape, nothing is taken and the
--                           error says which. Of a PyTorch file (.pth), three lines of Python make one:
--                             import torch, safetensors.torch
--                             w = {k: v.contiguous() for k, v in torch.load("net.pth", map_location="cpu").items()}
--                             safetensors.torch.save_file(w, "net.safetensors")
--   seed, name, recompute   as for `model`
--
-- What comes out is a model as any other: net:activations, predictivity, separability, train, net:upto "V4" as the
-- core of one with other readouts. Areas are V1, V2, V4 and IT, a first guess that the data may correct; the readout
-- is called "category".
--
-- > net = models.resnet18 { classes = 10, input = 64, width = 0.125 }
-- > net.V1.shape, net.V4.shape, #models "resnet"   --> { 8, 16, 16 } { 32, 4, 4 } 12
local command = require "lamina.core.command"
local errors = require "lamina.errors"
local layer = require "lamina.layer"
local grouped = require("lamina.model.text").grouped

local M = {}

local order = {} -- the architectures, family by family

for _, module in ipairs(command.modules()) do
  if module:match "^models%.[%w_]+$" then
    for _, entry in ipairs(require("lamina." .. module)) do
      order[#order + 1] = entry
      M[entry.word] = entry
    end
  end
end

-- ---- the list --------------------------------------------------------------------------------------------------

local Listing = { __name = "listing" }

Listing.__tostring = function(self)
  local lines, widest, longest = {}, 0, 0
  for _, row in ipairs(self) do
    widest = math.max(widest, #row.name)
    longest = math.max(longest, #grouped(row.parameters))
  end
  for i, row in ipairs(self) do
    lines[i] = string.format("  %s  %-9s  %s  %s", row.name .. string.rep(" ", widest - #row.name),
      layer.shape_text(row.input), string.rep(" ", longest - #grouped(row.parameters)) .. grouped(row.parameters),
      row.what)
  end
  return table.concat(lines, "\n")
end

-- A list of { name = "models.alexnet", input =, parameters =, what = } of those with `part` in their name.
local function list(part)
  local rows = setmetatable({}, Listing)
  for _, entry in ipairs(order) do
    if not part or entry.word:find(part:lower(), 1, true) then
      rows[#rows + 1] = { name = entry.full, input = entry.input, parameters = entry.parameters,
        what = entry.doc:match "^(.-)[%.:] " or entry.doc }
    end
  end
  return rows
end

local function names()
  local words = {}
  for i, entry in ipairs(order) do words[i] = entry.word end
  return words
end

return setmetatable(M, {
  __name = "collection",
  __tostring = function() return "models: " .. #order .. " architectures; models() lists them" end,
  __help = function() return tostring(list()) end,
  __call = function(_, part)
    if part ~= nil and type(part) ~= "string" then
      errors.raise("argument", 2, "models: expected a part of a name, as in models \"resnet\", or nothing; one is "
        .. "made by models.resnet18 { ... }")
    end
    local rows = list(part)
    if #rows == 0 then
      errors.raise("argument", 2, "models: none has '%s' in its name%s", part, errors.hint(part, names()))
    end
    return rows
  end,
  __index = function(_, name)
    errors.raise("name", 2, "models has no architecture '%s'%s", tostring(name),
      errors.hint(tostring(name), names()) ~= "" and errors.hint(tostring(name), names()) or " (models() lists them)")
  end,
})
