-- A residual network with batch normalisation and a recurrent one after a few steps have one digest each: with any
-- number of threads, and equal to the stored values. When the numerics version changes, these change with it.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local dataset = require "lamina.data"
local models = require "lamina.model"
local optim = require "lamina.optim"
local train = require("lamina.train").train

local conv = require "lamina.layers.conv"
local dense = require "lamina.layers.dense"
local norm = require "lamina.layers.norm"
local pool = require "lamina.layers.pool"
local relu = require "lamina.layers.relu"
local residual = require "lamina.layers.residual"
local model, input, area, readout = models.model, models.input, models.area, models.readout

local STORED = {
  residual = "089f30ba0d962274fa892f83c4370f9086192055ab7fad30a9843c323ee44fe7",
  recurrent = "d7b343f84c538db284f73f591c3ca83e0416fd84b74d0f07badd70dbc3c77eb0",
}

local function pictures()
  local x = core.draw { kind = "normal", shape = { 96, 1, 12, 12 }, seed = 1, purpose = "exact images" }
  local y = core.draw { kind = "int", shape = { 96 }, low = 1, high = 5, seed = 1, purpose = "exact labels" }
  for i, label in ipairs(y:totable()) do x[{ i, 1, { 2 * label, 2 * label + 1 }, {} }] = 2 end
  return dataset.tensors { x, y }
end

local make = {
  residual = function()
    local function block(width, stride)
      return residual { conv { width, kernel = 3, stride = stride, pad = 1, bias = false }, norm.batch, relu,
        conv { width, kernel = 3, pad = 1, bias = false }, norm.batch, shortcut = "project", after = relu }
    end
    return model "residual" { input { 1, 12, 12 }, seed = 1, area "V1" { block(8, 1) }, area "V2" { block(16, 2) },
      readout "class" { pool.global "avg", dense { 5 } } }
  end,
  recurrent = function()
    return model "recurrent" { input { 1, 12, 12 }, seed = 1, steps = 3,
      area "V1" { conv { 8, kernel = 3, pad = 1 }, norm.group { 2 }, relu },
      area "V2" { pool.max { 2 }, conv { 8, kernel = 3, pad = 1 }, relu },
      models.feedback { from = "V2", to = "V1", resize = "bilinear", conv { 8, kernel = 3, pad = 1 } },
      models.lateral { "V1", combine = "multiply", conv { 8, kernel = 1 } },
      readout "class" { pool.global "avg", dense { 5 } } }
  end,
}

local function digest_of(name)
  local net = make[name]()
  train { model = net, data = pictures(), batch = 24, epochs = 2, seed = 1, log = false,
    optimizer = optim.adam { rate = 3e-3 } }
  return net:digest()
end

for name, stored in pairs(STORED) do
  describe("the " .. name .. " model after 8 steps", function()
    local threads = base.threads()
    after_each(function() base.threads(threads) end)

    for n = 1, 4 do
      it("has the stored digest with " .. n .. (n == 1 and " thread" or " threads"), function()
        base.threads(n)
        assert.equal(stored, digest_of(name))
      end)
    end
  end)
end
