-- CORnets: PyTorch's outputs with weights under the published names (tests/peers/cornet.py), and their timing.
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local io_core = require "lamina.core.io"

local FOLDER = "tests/fixtures/models/"
local torch = io_core.safetensors_read(FOLDER .. "cornet_outputs.safetensors")

local CASES = { cornet_z = { width = 1 / 16 }, cornet_rt = { width = 1 / 32, groups = 2 },
  cornet_s = { width = 1 / 32 } }

local function made(name, weights)
  local given = { classes = 5, input = 64, weights = weights }
  for key, value in pairs(CASES[name]) do given[key] = value end
  return collection[name](given)
end

describe("CORnet", function()
  for name in pairs(CASES) do
    it("has PyTorch's outputs: " .. name, function()
      local want = torch[name]
      local path = os.tmpname()
      local renamed = {}
      for key, t in pairs(io_core.safetensors_read(FOLDER .. name .. ".safetensors")) do
        renamed["module." .. key] = t
      end
      io_core.safetensors_write(path, renamed, {})
      for _, file in ipairs { FOLDER .. name .. ".safetensors", path } do
        local y = made(name, file)(torch.input):detach()
        local off = (y - want):abs():max():item()
        assert.is_true(off <= 1e-4 * want:abs():max():item(), off)
      end
      os.remove(path)
    end)
  end

  it("S runs its bottlenecks 2, 4 and 2 times with one set of convolutions", function()
    local net = made "cornet_s"
    for _, of in ipairs { "V2.step2", "V4.step4", "IT.step2" } do
      assert.truthy(net:activations(torch.input, of)[of])
    end
    assert.equal(net.nodes_by_name["V4.step1.conv2"], net.nodes_by_name["V4.step3.conv2"].shared)
    assert.is_nil(net.nodes_by_name["V4.step5.conv2"])
  end)

  it("RT's areas are driven by the picture a step after one another, IT first at the fourth", function()
    local net = made("cornet_rt", FOLDER .. "cornet_rt.safetensors")
    local other = core.draw { kind = "normal", shape = { 2, 3, 64, 64 }, seed = 9, purpose = "other" }
    for i, of in ipairs { "V1", "V2", "V4", "IT" } do
      for t = 1, 5 do
        local name = t < 5 and of .. "@" .. t or of
        local a = net:activations(torch.input, name)[name]
        local b = net:activations(other, name)[name]
        local off = (a - b):abs():max():item()
        assert.equal(t >= i, off > 0, of .. " at step " .. t)
      end
    end
  end)

  it("trains", function()
    local sgd, ops = require("lamina.words").find "sgd", require "lamina.core.ops"
    for name in pairs(CASES) do
      local net = made(name)
      local optimizer = sgd { rate = 0.02, momentum = 0.9 }
      optimizer:attach(net)
      local first, last
      for step = 1, 12 do
        local loss = ops.cross_entropy(net:forward(torch.input, { training = true, step = step }),
          core.tensor({ 1, 4 }, { dtype = "int64" }))
        optimizer:step(loss)
        first, last = first or loss:item(), loss:item()
      end
      assert.is_true(last < first, name)
    end
  end)
end)
