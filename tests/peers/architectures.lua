-- lamina tests/peers/architectures.lua DIR [SEED FIRST LAST]: draws random architectures and writes them to
-- DIR/architectures.json, what they give to DIR/NAME.safetensors, for tests/peers/architectures.py.
package.path = "tests/?.lua;" .. package.path
local draw = require "support.draw_architectures"
local io_ = require "lamina.core.io"
local net = require "support.architectures"

local folder, seed, first, last = arg[1], math.tointeger(arg[2] or 1), arg[3] or 1, arg[4] or 60
local list = {}
for i = math.tointeger(first), math.tointeger(last) do
  local a, tensors = draw.one(seed, i), {}
  list[#list + 1] = a
  for _, entry in ipairs(net.run(a)) do tensors[entry.name] = entry.tensor end
  io_.safetensors_write(folder .. "/" .. a.name .. ".safetensors", tensors)
end
io_.text_write(folder .. "/architectures.json", io_.json_encode(list) .. "\n")
