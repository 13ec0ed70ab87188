-- s27_resnet.lua: SYSTEMS S27. Residual networks for large pictures: parameters, and that a block whose residual
-- branch is zero is the rectified shortcut, to the bit.
experiment "s27-resnet" { seed = 1 }

local architecture = require "lamina.architecture"

local function result(metric, value, comparison, threshold)
  report { id = "S27", metric = metric, value = value, comparison = comparison, threshold = threshold }
end

print(models.resnet18 {})
local function count(depth) return architecture.count((architecture.plan(models["resnet" .. depth]))) end

result("resnet18_parameters", count(18), "==", 11689512)
result("resnet34_parameters", count(34), "==", 21797672)
result("resnet50_parameters", count(50), "==", 25557032)
result("resnet101_parameters", count(101), "==", 44549160)
result("resnet152_parameters", count(152), "==", 60192808)

plot.bars { labels = { "18", "34", "50", "101", "152" },
  values = { count(18) / 1e6, count(34) / 1e6, count(50) / 1e6, count(101) / 1e6, count(152) / 1e6 },
  xlabel = "layers", ylabel = "parameters / million", title = "Residual networks" }:save "figure.svg"

-- Blocks as they stand in the networks: of 3x3 convolutions, and of 1x1, 3x3 and 1x1; with the input as the shortcut,
-- and with a projection. The branch is zero where its last normalisation multiplies by 0 (and adds 0).
local equal = 1
for _, name in ipairs { "resnet18", "resnet50" } do
  local net = models[name] { input = 64, width = 0.25, classes = 10 }
  local last = name == "resnet18" and "norm2" or "norm3"
  for _, of in ipairs { "V1.residual2", "V2.residual1", "V2.residual2", "IT.residual1" } do
    no_grad(function()
      for _, p in ipairs(net:parameters(of .. "." .. last)) do p.tensor:copy(zeros(p.tensor.shape)) end
    end)
    for _, training in ipairs { false, true } do
      local x, shortcut, y, before
      net:forward(randn { 4, 3, 64, 64 }, { training = training, watch = function(node, input, output)
        if node.name:find(of .. ".add", 1, true) then x, shortcut = input[1]:clone(), input[2]:clone() end
        if before and before:find(of .. ".add", 1, true) then y = output:clone() end
        before = node.name
      end })
      local same = ops.all(ops.eq(y, shortcut:relu())):item()
      if not same or x:abs():max():item() ~= 0 or shortcut:abs():max():item() == 0 then equal = 0 end
    end
  end
end
result("zeroed_branch_equals_relu_shortcut", equal, "==", 1)
