-- SYSTEMS S27 in small: parameters of residual networks, where they halve the map, and a block with a zero branch.
local architecture = require "lamina.architecture"
local collection = require "lamina.models"
local core = require "lamina.core.tensor"
local ops = require "lamina.core.ops"

describe("S27 residual networks", function()
  it("have the published parameters", function()
    for depth, wanted in pairs { [18] = 11689512, [34] = 21797672, [50] = 25557032, [101] = 44549160,
      [152] = 60192808 } do
      assert.equal(wanted, architecture.count((architecture.plan(collection["resnet" .. depth]))))
    end
  end)

  it("have as many layers with weights as their name says", function()
    for _, name in ipairs { "resnet18", "resnet50", "resnet152", "plain34", "resnet20", "plain110" } do
      local n = 0
      for _, node in ipairs(architecture.plan(collection[name]).nodes) do
        local word = node.layer.full
        n = n + ((word == "conv" or word == "dense") and not node.name:find "shortcut" and 1 or 0)
      end
      assert.equal(tonumber(name:match "%d+"), n, name)
    end
  end)

  it("halve the map in the 3x3 convolution, or in the first 1x1 as the paper", function()
    for at, where in pairs { ["3x3"] = "conv2", ["1x1"] = "conv1" } do
      local build = architecture.plan(collection.resnet50, { stride_at = at })
      assert.same({ 2, 2 }, build.nodes_by_name["V2.residual1." .. where].options.stride)
      assert.equal(25557032, architecture.count(build))
    end
  end)

  it("give the rectified shortcut where the branch is zero, to the bit", function()
    local net = collection.resnet18 { input = 32, width = 1 / 16, classes = 3 }
    core.no_grad(function()
      for _, p in ipairs(net:parameters "V2.residual1.norm2") do p.tensor:copy(core.zeros(p.tensor.shape)) end
    end)
    local x = core.draw { kind = "normal", shape = { 2, 3, 32, 32 }, seed = 27, purpose = "s27" }
    local seen = net:activations(x, { "V2.residual1.shortcut", "V2.residual1", "V2.residual1.norm2" })
    assert.equal(0, seen["V2.residual1.norm2"]:abs():max():item())
    assert.is_true(seen["V2.residual1.shortcut"]:min():item() < 0)
    assert.is_true(ops.all(ops.eq(seen["V2.residual1"], seen["V2.residual1.shortcut"]:relu())):item())
  end)
end)
