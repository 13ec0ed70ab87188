-- The files for editors: they parse, name every word and op, and luacheck with the standard finds misspelt words.
local command = require "support.command"
local editor = require "lamina.editor"
local objects = require "lamina.help.objects"
local ops = require "lamina.core.ops"
local schema = require "lamina.schema"
local words = require "lamina.words"

local function lines_of(text)
  local list = {}
  for line in text:gmatch "([^\n]*)\n" do list[#list + 1] = line end
  return list
end

local TAGS = { meta = true, alias = true, class = true, field = true, operator = true, param = true,
  ["return"] = true, overload = true }

describe("the definition file", function()
  local text = editor.definitions()
  local lines = lines_of(text)

  it("is Lua", function() assert.is_function(assert(load(text, "=lamina.lua", "t"))) end)

  it("names every word, op, method and option", function()
    local defined, fields, class = {}, {}, nil
    for _, line in ipairs(lines) do
      local name = line:match "^function ([%w_.:]+)%(" or line:match "^([%w_]+) = "
      if name then defined[name] = true end
      class = line:match "^%-%-%-@class ([%w_.]+)" or class
      local field = line:match "^%-%-%-@field ([%w_]+)"
      if field then fields[class .. " " .. field] = true end
    end
    for word in pairs(words.list) do assert.is_true(defined[word], word) end
    for _, name in ipairs(ops.list()) do
      assert.is_true(defined["ops." .. name], name)
      assert.is_true(defined["Tensor:" .. name], name)
      for _, p in ipairs(ops.doc(name).params) do assert.is_true(fields["ops." .. name .. ".options " .. p.name]) end
    end
    for _, name in ipairs { "pool.max", "data.mnist", "plot.curve", "stimuli.folder", "neural.assembly",
      "Class_model:save", "Class_figure:save", "Class_optimizer:step", "Tensor:add_", "Tensor:backward" } do
      assert.is_true(defined[name], name)
    end
    for word, options in pairs(schema.words) do
      for option in pairs(words.list[word] and options or {}) do
        if option ~= "positional" then assert.is_true(fields[word .. ".options " .. option], option) end
      end
    end
    for option in pairs(require("lamina.layers.conv").options) do
      if option ~= "positional" then assert.is_true(fields["conv.options " .. option], option) end
    end
  end)

  it("has well-made annotations", function()
    local classes, pending = { tensor = true }, {}
    for _, line in ipairs(lines) do
      local class = line:match "^%-%-%-@class ([%w_.]+)"
      if class then classes[class] = true end
    end
    for i, line in ipairs(lines) do
      local tag, rest = line:match "^%-%-%-@(%a+)(.*)$"
      if tag then assert.is_true(TAGS[tag], line) end
      if tag == "param" then
        local name, kind = rest:match "^ ([%a_][%w_]*)%?? (%S+)"
        assert.truthy(name, line)
        pending[#pending + 1] = name
        if kind:find "%.options" then assert.is_true(classes[kind:match "^[^|]+"], line) end
      elseif tag == "field" then
        assert.truthy(rest:find "^ [%a_][%w_]*%?? %S" or rest:find "^ %[[%w]+%]%?? %S", line)
      end
      local parameters = line:match "^function [%w_.:]+%((.-)%) end$"
      if parameters then
        local given = {}
        for name in parameters:gmatch "[%w_]+" do given[name] = true end
        for _, name in ipairs(pending) do assert.is_true(given[name], lines[i - 1] .. " " .. line) end
        pending = {}
      end
    end
  end)

  it("says what help says", function()
    local help = require "lamina.help"
    for _, name in ipairs { "train", "conv", "zeros", "pool.max", "data.mnist", "predictivity" } do
      local first = help.text(name):match "[^\n]+"
      assert.truthy(text:find("--- " .. first, 1, true), name)
    end
    assert.truthy(text:find(ops.doc("conv2d").doc:match "[^\n]+", 1, true))
    assert.truthy(text:find("---@field kernel? integer|integer[]", 1, true))
    assert.truthy(text:find('---@alias dtype "float32"|"float64"', 1, true))
    assert.truthy(text:find(objects.kinds.model.doc:sub(1, 40), 1, true))
  end)
end)

describe("the standard for luacheck", function()
  local folder
  before_each(function()
    folder = command.folder()
    editor.write(folder)
  end)
  after_each(function() command.drop(folder) end)

  it("is Lua that names every word", function()
    local settings = {}
    assert(load(editor.standard(), "=.luacheckrc", "t", setmetatable(settings, { __index = { stds = {} } })))()
    settings.stds = nil
    assert.equal("lua54+lamina", settings.std)
    local stds = {}
    assert(load(editor.standard(), "=.luacheckrc", "t", { stds = stds }))()
    local globals = stds.lamina.read_globals
    for _, name in ipairs(globals) do globals[name] = true end
    for word in pairs(words.list) do assert.truthy(globals[word], word) end
  end)

  it("accepts every script of the repository and finds misspelt words", function()
    if not os.execute "command -v luacheck >/dev/null" then return pending "luacheck is not there" end
    local function check(what)
      local pipe = io.popen(string.format("luacheck --no-color --no-cache --codes --config %s/.luacheckrc %s 2>&1",
        command.quote(folder), what))
      local said = pipe:read "a"
      local ok = pipe:close()
      return ok, said
    end
    local ok, said = check "scripts"
    assert.is_true(ok, said)
    command.write(folder .. "/m.lua", "print(zeors { 2 }, data.mnits(), pool.maxx, ops.matmull)\n"
      .. "local function f() count = 1 end\nf()\nprint(lamina.cnov, lamina.conv, lamina.data.mnist)\n")
    ok, said = check(command.quote(folder .. "/m.lua"))
    assert.is_nil(ok)
    for _, name in ipairs { "zeors", "mnits", "maxx", "matmull", "count", "cnov" } do
      assert.truthy(said:find(name, 1, true), name .. " in\n" .. said)
    end
    assert.is_nil(said:find("field conv", 1, true), said)
  end)
end)
