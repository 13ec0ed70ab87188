-- S49 in small: planted weights are found, readouts of categories help, shuffled labels do not.
local experiment = require "support.experiment"

it("S49 finds planted weights, and gains by readouts of true labels alone", function()
  if not experiment.has "kriegeskorte92" then return pending "no data (LAMINA_DATA)" end
  local values = experiment.run("cortex/s49_reweighting", { "--seeds", "2", "--stimuli", "60", "--images", "64",
    "--epochs", "1" }, nil, true)
  assert.is_true(values.planted_weight_recovery_r > 0.95)
  assert.is_true(values.remix_tau_a_gain > 0.05)
  assert.is_true(math.abs(values.remix_tau_a_gain_shuffled_labels) < 0.05)
  assert.is_true(values.human_it_tau_a_gain_ci_low <= values.human_it_tau_a_gain)
end)
