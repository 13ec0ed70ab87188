-- Dimension scales that hdf5.write attaches, as netCDF-4 names the axes of its variables.
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local lamina = require "lamina"
local said = require "support.said"

local hdf5, message_of, tensor, zeros = lamina.hdf5, said.message, lamina.tensor, lamina.zeros

local folder = os.tmpname() .. ".scales"
base.mkdir(folder)

local _, lacking = lamina.try(core_io.hdf5_open, "tests/fixtures/hdf5/types.h5")
if lacking and lacking.kind == "missing" then
  describe("HDF5", function()
    it("is written", function() pending(lacking.message) end)
  end)
  return
end

describe("hdf5.write", function()
  it("attaches dimension scales", function()
    local path = folder .. "/scales.h5"
    local contents = { x = zeros { 2, 3 }, row = tensor { 5, 6 }, column = zeros { 3 } }
    local function attributes(list)
      return { attributes = { x = { DIMENSION_LIST = list }, row = { CLASS = "DIMENSION_SCALE", NAME = "row" },
        column = { CLASS = "DIMENSION_SCALE" } } }
    end
    hdf5.write(path, contents, attributes { "row", "column" })
    local file = hdf5.open(path)
    assert.same({ { "/row" }, { "/column" } }, file:attributes("x").DIMENSION_LIST)
    assert.same({ CLASS = "DIMENSION_SCALE", NAME = "row" }, (function()
      local found = file:attributes "row"
      assert.same({ "/x" }, found.REFERENCE_LIST.dataset)
      assert.equal(0, found.REFERENCE_LIST.dimension:reshape({ 1 })[1])
      found.REFERENCE_LIST = nil
      return found
    end)())
    assert.equal(1, file:attributes("column").REFERENCE_LIST.dimension:reshape({ 1 })[1])
    file:close()
    local function refused(words, list)
      local message = message_of(hdf5.write, path, contents, attributes(list))
      assert.truthy(message:find(words, 1, true), message)
    end
    refused("DIMENSION_LIST of 'x' has 1 names, expected one for each axis of a dataset (2)", "row")
    refused("DIMENSION_LIST of 'x' is no list of names of datasets", tensor { 1, 2 })
    refused("axis 1 of 'x' has 2 entries, and 'column' is no dataset of one axis with as many", { "column", "row" })
    refused("axis 2 of 'x' has 3 entries, and 'none' is no dataset of one axis", { "row", "none" })
    refused("axis 2 of 'x' has 3 entries, and 'x' is no dataset of one axis", { "row", "x" })
  end)
end)
