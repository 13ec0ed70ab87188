-- S10 in small: components are not localised, and the code is the sparser one.
local base = require "lamina.core.base"
local experiment = require "support.experiment"

it("S10 principal components are not localised", function()
  if not experiment.has "natural-images" then return pending "no data (LAMINA_DATA)" end
  local values = experiment.run("sparse/s10_pca", { "--size", "8", "--bases", "48", "--updates", "200", "--fitted",
    "10", "--patches", "100" }, function(dir)
    assert.is_true(base.exists(dir .. "figure.png"))
  end, true)
  assert.is_true(values.active_coefficients_percent_of_pca < 80)
  assert.is_true(values.active_coefficients_percent_by_matching_pursuit > 80)
end)
