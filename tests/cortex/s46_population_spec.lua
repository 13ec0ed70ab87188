-- S46 in small: a short training, few images; what a linear map predicts has the population's dissimilarities.
local experiment = require "support.experiment"

it("S46 predicts a population's dissimilarities better than a raw layer has them", function()
  if not (experiment.has "mnist" and experiment.has "natural-images") then return pending "no data (LAMINA_DATA)" end
  local values = experiment.run("cortex/s46_population", { "--images", "3000", "--epochs", "4", "--stimuli", "400",
    "--seeds", "1" }, nil, true)
  assert.is_true(values.predicted_g_it_rdm_spearman_rho > 0.8)
  assert.is_true(values.predicted_minus_best_raw_layer_rho > 0)
  assert.is_true(values.task_accuracy_vector_r > 0.9 and values.confusion_matrix_r > 0.7)
end)
