-- s42_ceiling.lua: SYSTEMS S42. Noise ceilings: reliabilities that are known are recovered from repeats, and the
-- ceiling of the human IT matrices of Kriegeskorte et al. 2008 (Khaligh-Razavi & Kriegeskorte 2014) comes out as
-- published.
--
-- Data: kriegeskorte92 (without it only the first part is reported). The neurons of the first part see no images: an
-- estimator of reliability is given responses alone, and all it depends on is how far signal and noise vary, which is
-- set here; 40,000 stimuli make the estimates' own error small beside the tolerance.
local p = experiment "s42-ceiling" { seed = 1, params = { stimuli = 40000, neurons = 12, halves = 20 },
  about = "Noise ceilings: split-half with Spearman-Brown and others, RDM ceilings" }

-- Neurons of signal variance 1: noise of a trial from 0.5 to 4 standard deviations, 8 repeats.
local repeats = 8
local noise = linspace(0.5, 4, p.neurons, { dtype = "float64" })
local rates = randn { p.stimuli, p.neurons, 1, dtype = "float64" }
rates = rates / rates:std { dim = 1, keepdim = true, correction = 0 }
local trials = rates + randn { p.stimuli, p.neurons, repeats, dtype = "float64" } * noise:reshape { 1, -1, 1 }
local a = neural.assembly { { responses = trials, stimulus_id = arange(1, p.stimuli) } }
local known = 1 / (1 + noise:square() / repeats)
local worst, estimates = 0, {}
for _, ceiling in ipairs { split_half { p.halves }, neural.leave_one_out {}, neural.oracle {},
  neural.explainable_variance {} } do
  local estimate = ceiling:estimate(a)
  local off = estimate - known
  estimates[#estimates + 1] = { x = known, y = estimate, label = tostring(ceiling):match "^[^:,]+" }
  local furthest = off:index_select(off:abs():argmax():reshape { 1 }, { dim = 1 }):item()
  print(string.format("%-85s furthest from the truth by %+.4f", tostring(ceiling), furthest))
  if math.abs(furthest) > math.abs(worst) then worst = furthest end
end
report { id = "S42", metric = "reliability_recovery_error", value = worst, comparison = "+-", threshold = { 0, 0.02 },
  what = "the furthest of four estimators and all neurons, known reliabilities 0.33 to 0.97" }

plot.scatter { estimates[1], estimates[2], estimates[3], estimates[4], diagonal = true, xlabel = "known reliability",
  ylabel = "estimated reliability", title = "Eight repeats of each stimulus" }:save "figure.svg"

local folder = try(data.folder, "kriegeskorte92", "hIT_rdms_subject_session.npy")
if not folder then
  print "kriegeskorte92 is not there: the ceiling of the human RDMs is left out (--data DIR)"
  return
end
local sessions = rdm.load(folder .. "/hIT_rdms_subject_session.npy")
local subjects = sessions:averaged { 1, 1, 2, 2, 3, 3, 4, 4 }
local ceiling = rdm_ceiling { subjects, method = "tau_a" }
print(string.format("human IT, %d subjects, 92 images: tau_a ceiling %.4f to %.4f", ceiling.n, ceiling.lower,
  ceiling.upper))
report { id = "S42", metric = "tau_a_ceiling_lower", value = ceiling.lower, comparison = "+-",
  threshold = { 0.2539, 5e-05 }, published = 0.26, what = "each subject against the mean ranks of the others" }
report { id = "S42", metric = "tau_a_ceiling_upper", value = ceiling.upper, comparison = "+-",
  threshold = { 0.4767, 5e-05 }, published = 0.48, what = "each subject against the mean ranks of all" }
