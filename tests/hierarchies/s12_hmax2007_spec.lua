-- S12 in small: the published table; digits read from few templates, better than from pixels once they move.
local base = require "lamina.core.base"
local experiment = require "support.experiment"

it("S12 HMAX has the published table and reads digits", function()
  if not experiment.has "mnist" then return pending "no data (LAMINA_DATA)" end
  local values = experiment.run("hierarchies/s12_hmax2007", { "--train", "100", "--test", "50", "--templates", "20",
    "--side", "56" }, function(dir)
    assert.is_true(base.exists(dir .. "figure.svg"))
  end, true)
  assert.equal(1, values.parameter_table_equal)
  assert.is_true(values.shifted_accuracy_gain_over_pixel_ridge_points > 0)
end)
