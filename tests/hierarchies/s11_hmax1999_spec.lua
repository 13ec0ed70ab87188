-- S11 in small: one clip, a few steps; every metric comes out, and its figures.
local base = require "lamina.core.base"
local experiment = require "support.experiment"

it("S11 HMAX tolerates depth, size and position", function()
  local values = experiment.run("hierarchies/s11_hmax1999", { "--clips", "1", "--distractors", "3", "--turn", "30",
    "--octave", "1", "--shift", "0.3" }, function(dir)
    assert.is_true(base.exists(dir .. "figure.svg"))
  end, true)
  assert.equal(1, values.vtu_peaks_at_trained_view)
  assert.is_true(values.sum_pooling_size_range_cut_percent > 0)
end)
