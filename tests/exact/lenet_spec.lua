-- LeNet after 20 steps has one digest: with any number of threads, and equal to the stored value. The data are made
-- here, from the same draws everywhere. When the numerics version changes, the stored value changes with it.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local models = require "lamina.model"
local optim = require "lamina.optim"
local train = require("lamina.train").train

local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"

local STORED = "b9047bdf55274b81e6c611e4ceabfead859f6196cde04f2ee544f19d23c17813"

-- 320 pictures: noise, with a bright bar whose row is the class.
local function pictures()
  local n = 320
  local x = core.draw { kind = "normal", shape = { n, 1, 28, 28 }, seed = 1, purpose = "exact images", std = 0.5 }
  local y = core.draw { kind = "int", shape = { n }, low = 1, high = 10, seed = 1, purpose = "exact labels" }
  for i, label in ipairs(y:totable()) do
    x[{ i, 1, { 2 * label, 2 * label + 3 }, { 5, 24 } }] = 2
  end
  return dataset.tensors { x, y }
end

local function digest_after_20_steps()
  local net = models.model "LeNet" {
    models.input { 1, 28, 28 }, seed = 1,
    models.area "V1" { conv { 6, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    models.area "V2" { conv { 16, kernel = 5 }, relu, pool.max { 2 } },
    models.area "IT" { dense { 120 }, relu, dense { 84 }, relu },
    models.readout "digit" { dense { 10 } },
  }
  local history = train { model = net, data = pictures(), batch = 32, epochs = 2, seed = 1, log = false,
    optimizer = optim.adam { rate = 3e-3, schedule = optim.cosine {} } }
  assert.equal(20, history[2].step)
  assert.is_true(history[2].train_loss < history[1].train_loss)
  return net:digest()
end

describe("LeNet after 20 steps", function()
  local threads = base.threads()
  after_each(function() base.threads(threads) end)

  for n = 1, 4 do
    it("has the stored digest with " .. n .. (n == 1 and " thread" or " threads"), function()
      base.threads(n)
      assert.equal(STORED, digest_after_20_steps())
    end)
  end
end)
