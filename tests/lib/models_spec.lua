-- The collection `models`: what it holds, options, areas, errors.
local architecture = require "lamina.architecture"
local collection = require "lamina.models"
local command = require "support.command"
local help = require "lamina.help"
local lamina = require "lamina"

local rows = collection()

describe("models", function()
  it("have as many parameters as their sources say", function()
    for _, row in ipairs(rows) do
      local build = architecture.plan(collection[row.name:match "%.(.*)"])
      assert.equal(row.parameters, architecture.count(build), row.name)
    end
  end)

  it("have areas, a readout called category and help", function()
    for _, row in ipairs(rows) do
      local build, names = architecture.plan(collection[row.name:match "%.(.*)"])
      local language = #row.input == 1 -- of tokens: they have no areas of the brain's
      assert.equal(language and "token" or "category", build.readouts[1].name)
      assert.is_true(#build.blocks >= (language and 2 or 3), row.name)
      for _, block in ipairs(build.blocks) do
        local known = language or block.kind ~= "area" or block.name:find "^[VI]%w+$" ~= nil
        assert.is_true(known, row.name .. " " .. block.name)
      end
      for _, node in ipairs(names and build.nodes or {}) do
        for _, p in ipairs(node.shared and {} or node.parameters) do
          assert.is_true(names[node.name] ~= nil or names[p.full] ~= nil, row.name .. " " .. p.full)
        end
      end
      assert.matches("^" .. row.name:gsub("%p", "%%%0") .. ": ", help.text(row.name))
      assert.matches("%d%d%d%d[%l]?%.", help.text(row.name), nil, row.name .. " names no source")
    end
  end)

  it("stand in help as in their list, one a line", function()
    assert.is_true(help.text("models"):find(tostring(rows), 1, true) ~= nil)
  end)

  it("take classes, input, width, seed and name", function()
    local net = collection.resnet20 { classes = 7, input = { 1, 16, 20 }, width = 0.5, seed = 3, name = "small" }
    assert.equal("small", net.name)
    assert.same({ 1, 16, 20 }, net.input)
    assert.same({ 7 }, net:area("category").shape)
    assert.same({ 8, 16, 20 }, net.V1.shape)
    assert.equal(net:digest(), collection.resnet20({ classes = 7, input = { 1, 16, 20 }, width = 0.5, seed = 3 })
      :digest())
    assert.same({ 3, 24, 24 }, collection.plain20({ input = 24 }).input)
    assert.same({ 3, 24, 28 }, collection.plain20({ input = { 24, 28 } }).input)
    assert.equal(12, collection.alexnet2012({ width = 1 / 8, classes = 2, input = 67 }).V1.shape[1])
  end)

  it("keep the groups of a column whole where they are narrower", function()
    local net = collection.alexnet2012 { width = 1 / 96, classes = 2, input = 67 }
    assert.same({ 2, 1, 5, 5 }, net:parameters("V2.conv2")[1].tensor.shape)
  end)

  it("begin as the paper says", function()
    local net = collection.alexnet2012 { width = 1 / 8, classes = 10, input = 67 }
    for _, p in ipairs(net:parameters()) do
      if p.name:find "weight$" then
        assert.near(0.01, p.tensor:std():item(), 1e-3, p.name)
      else
        local one = p.name:find "conv[245]" or p.name:find "fc"
        assert.equal(one and 1 or 0, p.tensor:min():item(), p.name)
        assert.equal(one and 1 or 0, p.tensor:max():item(), p.name)
      end
    end
  end)

  it("are listed", function()
    assert.matches("models.resnet50 +3x224x224 +25,557,032  Residual network of 50 layers", tostring(rows))
    assert.equal(3, #collection "alex")
    assert.matches("models.alexnet ", help.text "models")
    assert.equal("models.alexnet", tostring(collection.alexnet))
    assert.equal(lamina.models, collection)
  end)

  it("say what is wrong", function()
    for code, message in pairs {
      ["models.resnet19 {}"] = "models has no architecture 'resnet19' (did you mean 'resnet18'?)",
      ["models 'vit9'"] = "models: none has 'vit9' in its name",
      ["models { 3 }"] = "models: expected a part of a name, as in models \"resnet\", or nothing",
      ["models.resnet18 { clases = 3 }"] = "models.resnet18: unknown option 'clases' (did you mean 'classes'?)",
      ["models.resnet18 { input = { 3, 0, 8 } }"] = "models.resnet18: option 'input' is { 3, 0, 8 }, expected a "
        .. "side in pixels, { height, width } or { channels, height, width }",
      ["models.resnet18({}, { classes = 3 })"] = "models.resnet18 takes one table",
      ["models.alexnet2012 { input = 20 }"] = "does not fit into an input of",
    } do
      if message then
        local err = command.code(code).err
        assert.truthy(err:find(message, 1, true), code .. ": " .. err)
        assert.matches("^lamina: %(command line%):1: ", err)
      end
    end
  end)
end)
