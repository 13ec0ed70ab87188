-- mapping.lua: seconds for the maps from 2560 x 1000 features to 168 responses and for 1000 principal components of
-- 2560 x 9216, on two threads; medians of three. tests/bench/peer_mapping.py times scikit-learn at the same; run both
-- in turns.
local base = require "lamina.core.base"

base.threads(2)

local function report_seconds(name, f)
  local times = {}
  for i = 1, 3 do
    local start = base.clock()
    f()
    times[i] = base.clock() - start
  end
  table.sort(times)
  print(string.format("%-44s %.3f s", name, times[2]))
end

local alphas = logspace(-1, 5, 10, { dtype = "float64" })
for _, dtype in ipairs { "float32", "float64" } do
  local x = randn { 2560, 1000, dtype = dtype }
  local y = x:matmul(randn { 1000, 168, dtype = dtype }) + randn { 2560, 168, dtype = dtype } * 30
  report_seconds("PLS, 25 components, " .. dtype, function() pls(25):fit(x, y) end)
  report_seconds("ridge, 10 penalties in 5 folds, " .. dtype, function() ridge({ alphas = alphas }):fit(x, y) end)
  report_seconds("ridge, 10 penalties, leaving one out, " .. dtype, function()
    ridge({ alphas = alphas, choose = "loo" }):fit(x, y)
  end)
  report_seconds("ridge, 10 penalties, GCV, " .. dtype, function()
    ridge({ alphas = alphas, choose = "gcv" }):fit(x, y)
  end)
  local wide = randn { 2560, 9216, dtype = dtype }
  report_seconds("PCA, 1000 components, " .. dtype, function() pca(1000):fit(wide) end)
end
