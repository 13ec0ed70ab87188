-- Whole networks against PyTorch: 60 architectures drawn from a seed (convolutions with all options, poolings,
-- normalisations, activations, branches, recurrent layers, feedback), whose outputs and gradients to the input and
-- every parameter agree with PyTorch's in float64 to 1e-4 of the largest element. tests/peers/architectures.py stored
-- what is compared of each tensor in architectures.json, and compares whole tensors, of other seeds too.
package.path = "tests/?.lua;" .. package.path
local draw = require "support.draw_architectures"
local io_ = require "lamina.core.io"
local net = require "support.architectures"

local stored = io_.json_read "tests/peers/architectures.json"

local function words_of(items, seen)
  for _, d in ipairs(items) do
    seen[d.word] = true
    for _, list in ipairs { d.items or {}, type(d.shortcut) == "table" and d.shortcut or {}, table.unpack(d.branches
      or {}) } do
      words_of(list, seen)
    end
  end
end

describe("random architectures", function()
  it("are 60 that hold every kind of layer", function()
    assert.equal(60, #stored.architectures)
    local seen, kinds = {}, {}
    for _, entry in ipairs(stored.architectures) do
      local a = entry.architecture
      kinds[a.family] = true
      for _, block in ipairs(a.areas) do words_of(block.items, seen) end
      for _, c in ipairs(a.connections or {}) do kinds[c.kind .. " " .. c.combine], kinds[a.update] = true, true end
    end
    for word in ([[conv conv_transpose untied dense pool.max pool.avg pool.lp pool.adaptive norm.batch norm.layer
      norm.group norm.instance norm.lrn norm.divisive residual add multiply concat rnn lstm gru relu resize]])
      :gmatch "%S+" do
      assert.is_true(seen[word], word)
    end
    for _, kind in ipairs { "image", "sequence", "volume", "feedback", "feedback add", "feedback multiply",
      "feedback concat", "serial", "parallel" } do
      assert.is_true(kinds[kind], kind)
    end
  end)

  it("are drawn alike every time", function()
    local first = stored.architectures[1].architecture
    assert.equal(io_.json_encode(first), io_.json_encode(draw.one(1, math.tointeger(first.name:match "%d+"))))
  end)

  for _, entry in ipairs(stored.architectures) do
    it("agree with PyTorch: " .. entry.architecture.name, function()
      local wrong, left = {}, {}
      for name in pairs(entry.tensors) do left[name] = true end
      for _, got in ipairs(net.run(entry.architecture)) do
        local want = assert(entry.tensors[got.name], got.name)
        wrong[#wrong + 1] = net.difference(want, net.digest(got.name, got.tensor))
        left[got.name] = nil
      end
      assert.same({}, wrong)
      assert.same({}, left)
    end)
  end

  it("would not agree if an element of a tensor or its sign were another", function()
    local t = net.values("something", { 4, 30 })
    local want = net.digest("t", t)
    want.largest = t:abs():max():item()
    assert.is_nil(net.difference(want, net.digest("t", t + 5e-5 * want.largest * net.values("noise", { 4, 30 }))))
    for at = 1, 120, 7 do
      local other = t:reshape { -1 }:totable()
      other[at] = other[at] + 2e-3 * want.largest
      assert.is_string(net.difference(want, net.digest("t", tensor(other):reshape { 4, 30 })))
    end
    assert.is_string(net.difference(want, net.digest("t", -t)))
    assert.is_string(net.difference(want, net.digest("t", t * (0 / 0))))
    assert.is_string(net.difference(want, net.digest("t", t[{ { 1, 3 } }])))
  end)
end)
