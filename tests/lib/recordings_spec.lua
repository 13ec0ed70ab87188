-- Real recordings, where they are at hand.
local base = require "lamina.core.base"
local lamina = require "lamina"
local stats = require "lamina.core.stats"

local neural, split_half = lamina.neural, lamina.split_half

describe("recordings of macaque V1", function()
  it("have the reliability that their description states", function()
    local root = os.getenv "LAMINA_DATA" or "../shared/data"
    local dir = root .. "/v1-henaff2021/"
    if not base.exists(dir .. "ay4_u001_counts.npy") then return pending("the recordings are not there") end
    local a = neural.assembly { counts = dir .. "ay4_u001_counts.npy", stimuli = dir .. "stimuli.csv", id = "index",
      neuroids = dir .. "units.csv", where = { recording = "ay4_u001" }, missing = -1 }
    a = a:select { category = { "natural", "synthetic" } }
    assert.equal(400, #a.stimulus)
    assert.equal(13, #a.neuroid)
    local reliability = split_half({ 10, seed = 1 }):estimate(a)
    local r = reliability / (2 - reliability) -- Spearman-Brown undone: about the correlation of the halves
    assert.near(0.90, stats.quantile(r, { 0.5 }):item(), 0.03)
  end)
end)

describe("recordings of macaque IT", function()
  it("have the rates that their description states, window by window", function()
    local path = (os.getenv "LAMINA_DATA" or "../shared/data") .. "/it-zhang-desimone2011/spikes_10ms.npy"
    if not base.exists(path) then return pending("the recordings are not there") end
    local spikes = lamina.data.npy(path):permute({ 2, 3, 1, 4, 5 }):reshape { 21, 132, 20, 100 }
    local shown, start = { stimulus_id = {}, object = {}, position = {} }, {}
    for i = 1, 21 do
      shown.object[i], shown.position[i] = (i - 1) // 3 + 1, (i - 1) % 3 + 1
      shown.stimulus_id[i] = shown.object[i] .. " at " .. shown.position[i]
    end
    for t = 1, 100 do start[t] = -510 + 10 * t end
    local a = neural.assembly { counts = spikes, stimuli = shown, missing = 255, times = { time_bin_start = start,
      time_bin_end = lamina.arange(-490, 500, 10) } }
    assert.matches("21 stimuli, 132 neuroids, up to 20 repeats, 100 time bins from %-500 to 500 ms; 700 of 5544000",
      tostring(a)) -- 7 trials are missing
    local function rate(from, to) -- spikes a second, the mean over all valid trials
      local w = a:select({ time_bin_start = function(t) return t >= from and t < to end }):average "time_bin"
      assert.same({ from, to }, { w.time_bin.time_bin_start[1], w.time_bin.time_bin_end[1] })
      return 100 * w.responses:sum():item() / w.valid:to("float64"):sum():item()
    end
    assert.near(10.9, rate(-300, 0), 0.05)
    assert.near(11.7, rate(100, 400), 0.05)
    local objects = a:select({ time_bin_start = function(t) return t >= 100 and t < 400 end }):average("time_bin")
      :group { { "object", "repetition" } }
    assert.same({ 7, 132, 20 }, objects.responses.shape)
  end)
end)
