-- S45 in small: one short training, few sites; the prediction follows most of them.
local experiment = require "support.experiment"

it("S45 predicts single sites from the top layer", function()
  local values = experiment.run("cortex/s45_sites", { "--train", "2000", "--epochs", "4", "--images", "320",
    "--sites", "24", "--seeds", "1" }, nil, true)
  assert.is_true(values.median_corrected_r > 0.3)
  assert.is_true(values.category_peak_matched_percent > 50)
end)
