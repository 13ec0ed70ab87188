-- SYSTEMS S51 in small: a readout with as many weights as it likes, fitted to responses to few images under a Poisson
-- loss, explains those images and not others; ridge on the features that the responses are made of explains both.
local lamina = require "lamina"
local measures = require "lamina.neural.measures"
local models = require "lamina.model"
local words = require "lamina.words"

local neural, stimuli = lamina.neural, lamina.stimuli

describe("S51 direct fitting", function()
  it("overfits where features of the right kind predict", function()
    local scenes = stimuli.objects({ 160, size = 16, seed = 2 }):with_ids(lamina.arange(1, 160))
    local energy = neural.gabor_energy { orientations = 4, scales = 1, grid = 2 }
    local x = energy(scenes.x):to "float64"
    x = (x - x:mean { dim = 1, keepdim = true }) / x:std { dim = 1, keepdim = true }
    local rates = (x:matmul(lamina.randn { x:size(2), 4, dtype = "float64" }) * 0.1):exp() * 5
    local a = neural.assembly { { responses = rates:unsqueeze(3), stimulus_id = scenes.id } }
    local few, others = lamina.arange(1, 60):totable(), lamina.arange(61, 160):totable()
    local net = models.model "direct" { models.input { 1, 16, 16 },
      models.area "IT" { words.find "dense" { 64 }, words.find "relu" },
      models.readout "sites" { words.find "dense" { 4 }, words.find "softplus" } }
    local function view(t) return (t - 0.5) * 4 end
    words.find "train" { model = net, data = a:at(few):paired(scenes:subset(few)):map(view), loss = "poisson",
      optimizer = words.find "adam" { rate = 3e-3 }, epochs = 80, batch = 30, log = false }
    local function ev(guess, part)
      return measures.plain.ev(guess:to "float64", (part:mean())):quantile(0.5):item()
    end
    local function out(list)
      return lamina.no_grad(function() return net(view(scenes:subset(list).x)) end)
    end
    local fit = lamina.ridge(1):fit(x[{ { 1, 60 } }], (a:at(few):mean()))
    local train_ev, test_ev = ev(out(few), a:at(few)), ev(out(others), a:at(others))
    local task_ev = ev(fit:predict(x[{ { 61, 160 } }]), a:at(others))
    assert.is_true(train_ev > 0.9, "fitted images: " .. train_ev)
    assert.is_true(train_ev - test_ev > 0.3, "other images: " .. test_ev)
    assert.is_true(task_ev > test_ev + 0.15, "features: " .. task_ev)
  end)
end)
