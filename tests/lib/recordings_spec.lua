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
