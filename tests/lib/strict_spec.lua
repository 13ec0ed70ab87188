-- Strict globals and words.
local command = require "support.command"

local function fails(code, message)
  local result = command.code(code)
  assert.equal(1, result.code, code)
  assert.equal("lamina: (command line):1: " .. message, result.err:match "^[^\n]*")
end

describe("globals", function()
  it("must have been set to be read", function()
    fails("print(nothing)", "undefined name 'nothing'")
    fails("prnit(1)", "undefined name 'prnit' (did you mean 'print'?)")
    fails("local function f() return redaout end f()", "undefined name 'redaout' (did you mean 'readout'?)")
    assert.equal("nil\n", command.code("x = nil print(x)").out)
    assert.equal("nil\n", command.code("print(rawget(_G, 'nothing'))").out)
  end)

  it("are made by the main part of a script and by no function", function()
    assert.equal("2\n", command.code("x = 1 local function f() x = 2 end f() print(x)").out)
    fails("local function f() totl = 2 end f()",
      "a function sets the global 'totl', which the script's main part does not; write `local totl = ...`")
    assert.equal("3\n", command.code("function f() return 3 end print(f())").out)
  end)

  it("do not replace a word", function()
    fails("train = 3",
      "'train' is one of Lamina's words; write `local train = ...` to use the name for something else")
    fails("function relu() end",
      "'relu' is one of Lamina's words; write `local relu = ...` to use the name for something else")
    assert.equal("3\n", command.code("local train = 3 print(train)").out)
  end)
end)

describe("words", function()
  it("are all there", function()
    for word in pairs(require("lamina.words").list) do
      assert.is_not_nil(require("lamina.words").find(word), word)
    end
  end)

  it("are fields of lamina, too", function()
    assert.equal("true\ttrue\n", command.code("print(lamina.conv == conv, require('lamina').train == train)").out)
    fails("local x = lamina.cnov", "lamina has no word 'cnov' (did you mean 'conv'?)")
    fails("lamina.conv = 3", "lamina.conv cannot be set")
  end)

  it("are loaded when they are first named", function()
    assert.equal("nil\ttrue\n", command.code [[
      local before = package.loaded["lamina.train"]
      local f = train
      print(before, package.loaded["lamina.train"] ~= nil)]].out)
  end)

  it("have help", function()
    local out = command.code [[
      for word in pairs(require("lamina.words").list) do
        print("[" .. word .. "]")
        help(word)
      end]].out
    for word in pairs(require("lamina.words").list) do
      local text = out:match("%[" .. word .. "%]\n([^\n]*)")
      assert.truthy(text and text ~= "" and not text:find "^nothing is known", word)
    end
    local text = command.code("help 'conv'").out
    assert.matches("stride +step between positions", text)
    assert.equal(text, command.code("help(conv)").out)
    assert.matches("^reshape%(", command.code("help 'reshape'").out)
    assert.matches("did you mean 'conv'", command.code("help 'cnov'").out)
    assert.matches("Ctrl%-D leaves", command.code("help()").out)
  end)

  it("have help for what values can do, and for options", function()
    local function help_of(argument) return command.code("help " .. argument).out end
    local text = help_of "'tensor'"
    for _, part in ipairs { "t.shape", "t[{ { 1, 3 }, 2, {} }]", "x:backward(", "reduction ", " argmax " } do
      assert.truthy(text:find(part, 1, true), part)
    end
    assert.equal(text, help_of "(zeros { 2 })")
    assert.falsy(text:find("_grad_", 1, true))
    assert.matches("included; %-1 is the last", help_of "'index'")
    assert.equal(help_of "'sum'", help_of "'tensor:sum'")
    for _, name in ipairs { "save", "load", "activations" } do
      assert.matches("net:" .. name .. "%(", help_of("'" .. name .. "'"))
    end
    assert.matches("^net:save", help_of "'net:save'")
    assert.matches("history:columns%(%)", help_of "'history'")
    assert.matches("score:csv%(path", help_of "'score'")
    assert.matches("net:parameters%(", help_of "'weights'")
    local net = "(model 'N' { input { 2 }, readout 'r' { dense { 2 } } })"
    assert.matches("methods\n.*net:save%(path%)", help_of(net))
    assert.matches("methods\n.*net:save%(path%)", help_of "'model'")
    assert.falsy(help_of(net):find("snapshot", 1, true))
    assert.matches("train { resume = ", help_of "'resume'")
    assert.matches("\n  epochs +passes over the data %(a whole number", help_of "'train'")
    assert.matches("\n  beta1 ", help_of "'adamw'")
    assert.matches("\n  stride ", help_of "'pool'")
    assert.falsy(help_of("'data'"):find("A batch from its parts", 1, true))
    assert.falsy(help_of("'stimuli'"):find("True for a", 1, true))
    assert.falsy(help_of("'loop'"):find("head of this file", 1, true))
  end)

  it("take one table", function()
    for _, word in ipairs { "train", "evaluate", "loop", "predictivity", "separability" } do
      local value, e = try(_G[word], {}, 3)
      assert.is_nil(value)
      assert.matches("^" .. word .. " takes one table, and 3 came after it: " .. word .. " {", e.message)
    end
  end)
end)
