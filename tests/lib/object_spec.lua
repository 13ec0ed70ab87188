-- Objects: a misspelt method or field is told, an absent one is nil.
local lamina = require "lamina"
local object = require "lamina.object"

local function message_of(f) return tostring(select(2, lamina.try(f))) end

describe("an object", function()
  local Thing = {}
  function Thing.save() return "saved" end
  Thing.__index = object.index("a thing", Thing, "colour")
  local thing = setmetatable({ weight = 3 }, Thing)

  it("has its methods and fields; optional and unlike names are nil", function()
    assert.equal("saved", thing:save())
    assert.equal(3, thing.weight)
    assert.is_nil(thing.colour)
    assert.is_nil(thing.batch)
    assert.is_nil(thing[1])
  end)

  it("names the method, field or optional field that was meant", function()
    assert.matches("a thing has no field or method 'sav' %(did you mean 'save'%?%)",
      message_of(function() thing:sav() end))
    assert.matches("did you mean 'weight'", message_of(function() return thing.wieght end))
    assert.matches("did you mean 'colour'", message_of(function() return thing.color end))
  end)

  it("is every model, data set, optimizer and score", function()
    local net = lamina.model "m" { lamina.input { 2 }, lamina.readout "y" { lamina.dense { 1 } } }
    assert.matches("a model .* 'save'", message_of(function() net:sav "x" end))
    local set = lamina.data.tensors { lamina.zeros { 2, 2 }, lamina.zeros { 2, 1 } }
    assert.is_nil(set.classes)
    assert.matches("a data set .* 'subset'", message_of(function() set:subst {} end))
    assert.matches("expected the share of each part", message_of(function() set:split(0.5) end))
    assert.matches("share of part 1 is 0,", message_of(function() set:split { 0, 1 } end))
    assert.matches("an optimizer .* 'attach'", message_of(function() lamina.adam({}):atach(net) end))
    assert.matches("did you mean 'rate'", message_of(function() lamina.adam { lr = 1 } end))
  end)
end)
