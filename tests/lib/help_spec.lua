-- Help for every kind of thing, and what is said where nothing is known.
local habits = require "lamina.errors.habits"
local find = require "lamina.help.find"
local help = require "lamina.help"
local hints = require "lamina.errors.hints"
local lamina = require "lamina"
local objects = require "lamina.help.objects"
local words = require "lamina.words"

local command = require "support.command"

local zeros, try = lamina.zeros, lamina.try

local function lines(text)
  local list = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do list[#list + 1] = line end
  return list
end

describe("help", function()
  it("explains methods given as values", function()
    local x = zeros { 2 }
    assert.equal(help.text "sort", help.text(x.sort))
    assert.equal(help.text "tensor:to", help.text(x.to))
    assert.matches("^x:add_%(%.%.%.%): the result of add, written into x", help.text(x.add_))
    for name, method in pairs(objects.tensor_methods()) do assert.is_string(help.text(method), name) end
    local net = lamina.model "n" { lamina.input { 2 }, lamina.readout "r" { lamina.dense { 2 } } }
    assert.equal(help.text "net:freeze", help.text(net.freeze))
  end)

  it("takes a point for a colon", function()
    for _, name in ipairs { "net:freeze", "history:columns", "set:split", "opt:step" } do
      assert.is_string(help.text(name), name)
      assert.equal(help.text(name), help.text((name:gsub(":", "."))))
    end
  end)

  it("knows what scripts write as texts", function()
    assert.matches('^rule = "oja".*first principal component.*\n  rate ', help.text "oja")
    assert.matches("^losses.poisson%(.*\n  full ", help.text "poisson")
    assert.matches("non_negative", help.text "non_negative")
    for _, name in ipairs(require("lamina.loss").names) do assert.is_string(help.text(name), name) end
    for name in pairs(require "lamina.rules.known") do assert.is_string(help.text(name), name) end
  end)

  it("knows topics by other names", function()
    assert.equal(help.text "index", help.text "indexing")
    assert.equal(help.text "gradients", help.text "autodiff")
    assert.equal(help.text "random", help.text "seed")
  end)

  it("writes an op as it is called, in lines that fit", function()
    assert.matches("^matmul%(a, b%): ", help.text "matmul")
    assert.matches("^topk%(x, k %[, ", help.text "topk")
    assert.matches("^linear%(x, weight %[, bias, activation%]%): ", help.text "tensor:linear")
    for _, name in ipairs(find.names(help.text)) do
      for _, line in ipairs(lines(help.text(name))) do
        assert.is_true(utf8.len(line) <= 118, name .. ": " .. line)
      end
    end
  end)

  it("ends a summary outside parentheses", function()
    assert.matches("a:at%(stimuli, neuroids, times%): [^\n]-%(lists[^\n]*\n", help.text "assembly" .. "\n")
    for kind in pairs(objects.kinds) do
      for _, line in ipairs(lines(objects.method_lines(kind) or "")) do
        assert.falsy(line:find "%([^%)]*%.$" and not line:find "%.%.%.", kind .. line)
      end
    end
  end)

  it("says where a name of which it knows nothing occurs", function()
    local text = command.code("help 'npy'").out
    assert.matches("^nothing is known of 'npy'\nit occurs in help \"data.npy\", \"data.save_npy\"", text)
    assert.matches("did you mean 'quantile'", command.code("help 'quantil'").out)
    assert.matches("nothing is known of 'zzzz'\nhelp%(%) lists the words", command.code("help 'zzzz'").out)
    assert.matches("^a table with 0 entries; help \"NAME\" explains", command.code("help {}").out)
    assert.matches("^a number; help \"NAME\" explains", command.code("help(3)").out)
  end)

  it("tells of every value by what made it", function()
    for code, first in pairs { ["cosine {}"] = "^cosine", ["step { every = 3 }"] = "^step",
      ["conv { 3, kernel = 3 }"] = "^conv: ", ["pool.max { 2 }"] = "^pool%.max: ",
      ['area "V1" { relu }'] = '^area "V1"',
      ["input { 2 }"] = "^input", ["dale { excitatory = 0.8 }"] = "^dale", ["range { 1, 2 }"] = "^range",
      ["augment { noise = 0.1 }"] = "^augment", ["split_half { 10 }"] = "^split_half",
      ['experiment "z" {}'] = '^experiment "NAME"', ["models.lenet5({ classes = 2 }):cost()"] = "^net:cost",
      ["select(2, try(error, 'x'))"] = "^try%(", ["shared { conv { 3, kernel = 3 } }"] = "^shared",
      ["data.tensors({ ones { 2, 2 }, ones { 2, 1 } }):batches { batch = 1 }"] = "^a function that Lamina has made",
    } do
      local dir = command.folder()
      assert.matches(first, command.run({ "-e", "help(" .. code .. ")" }, { dir = dir }).out)
      command.drop(dir)
    end
  end)

  it("lists the options of every word and method that checks them", function()
    local known, n = require("lamina.schema").words, 0
    for path in io.popen("find lib -name '*.lua'"):lines() do
      local file = assert(io.open(path))
      for name in file:read("a"):gmatch "schema%.check%(\"([%w_%.:]+)\", [%w_ {}]+, %u" do
        local text = help.text(name)
        if text and not text:find "an op of the runtime" and name ~= "input" and name ~= "penalty" then
          n = n + 1
          assert.is_truthy(text:find("\noptions\n", 1, true), path .. ": " .. name)
        end
      end
      file:close()
    end
    assert.is_true(n > 80)
    assert.is_table(known["sparse code:learn"])
    for name, option in pairs { ["stimuli.gratings"] = "orientation", ["net:cost"] = "batch", ["a:paired"] = "trials",
      ["set:split"] = "stratify", ["set:batches"] = "shuffle", ["code:learn"] = "updates", experiment = "params",
      ["ridge:fit"] = "folds", ["space:draw"] = "seed", separability = "bootstrap", ["tuning.fit"] = "errors" } do
      assert.matches("\n  " .. option .. "%s%s", help.text(name), name)
    end
    assert.matches("\n  phase +degrees: 0 even, 90 odd %(.-default { 0, 90 }%)", help.text "stimuli.gabors")
  end)

  it("knows what the words return, with every method that its file documents", function()
    for path in io.popen("find lib -name '*.lua'"):lines() do
      local file = assert(io.open(path))
      for name in ("\n" .. file:read "a"):gmatch "\n%-%-%- (%a+:[%w_]+) ?[%({\"]" do
        assert.is_string(help.text(name), path .. ": " .. name)
      end
      file:close()
    end
    for _, code in ipairs { "sparse.code { bases = 4, size = 4 }", "pca { 3 }", "pls { 2 }", "profile(ones, 1)",
      "metrics.confusion(zeros { 2, 2 }, ones({ 2 }, { dtype = 'int64' }))" } do
      assert.matches("\nmethods\n  %a+:", command.code("help(" .. code .. ")").out, code)
    end
  end)

  it("knows the commands of `lamina` and of the prompt, Lua's own names and the user's functions", function()
    assert.matches("^usage: lamina sweep SCRIPT", help.text "sweep")
    assert.matches("^search:run.*\nusage: lamina run SCRIPT", help.text "run") -- a method's name, too
    assert.matches("^At the prompt:\n  %%time CODE: ", help.text "%time")
    assert.equal(help.text "conv", help.text "?conv")
    for name, part in pairs { ["if"] = "a keyword of Lua", ["string.format"] = "#pdf%-string%.format",
      string = "a library of Lua" } do
      assert.matches(part, help.text(name))
    end
    local script = "-- Adds.\nfunction add2(a, ...) return a end\nhelp(add2) help(math.sin) help(print)"
    local out = command.code(script).out
    assert.matches("^a function of your own, f%(a, %.%.%.%), from %(command line%):2\nAdds%.\nmath%.sin: ", out)
    assert.matches("print: a function of Lua; see [^\n]*#pdf%-print\n$", out)
    assert.matches("did you mean 'stride'", command.code("help 'strid'").out)
    assert.matches("did you mean '%%time'", command.code("help '%tme'").out)
    assert.matches("did you mean 'guide:sharing'", command.code("help 'guide:sharng'").out)
    assert.matches("guide:sharing +Sharing", table.concat(help.search "sharing", "\n"))
    for _, term in ipairs { "half split", "split HALF", "halves reliability ceiling" } do -- words wherever they stand
      assert.matches("\nsplit_half ", "\n" .. table.concat(help.search(term), "\n"))
    end
    assert.same({}, help.search "split xyzzyx")
    assert.matches("nothing in help has 'split xyzzyx' in it", help.not_found "split xyzzyx")
    assert.equal("a search needs three letters or more, not 'ab'", help.not_found "ab")
    for _, line in ipairs(lines(help.overview())) do assert.is_true(#line <= 118, line) end
  end)

  it("names every word in its overview", function()
    local text = command.code("help()").out
    for word in pairs(words.list) do
      assert.truthy(text:find("%f[%w_]" .. word .. "%f[^%w_]"), word)
    end
  end)
end)

describe("habits", function()
  it("name what is there", function()
    local methods = objects.tensor_methods()
    for theirs, ours in pairs(habits) do
      assert.is_nil(methods[theirs], theirs)
      local name = ours:match "^it is called ([%w_%.]+)"
      local field = name == "dtype" or name == "ndim"
      assert.truthy(not name or field or methods[name] or help.text(name), theirs .. ": " .. ours)
    end
  end)

  it("are told in words, modules and methods", function()
    for code, expected in pairs {
      ["cat { x }"] = "undefined name 'cat' (it is called concat here)",
      ["matmul(x, x)"] = "undefined name 'matmul' (an op: ops.matmul(...), or x:matmul(...))",
      ["totable(x)"] = "undefined name 'totable' (a method of tensors: x:totable(...))",
      ["ops.cat { x }"] = "ops has no word 'cat' (it is called concat here)",
      ["linalg.inv(x)"] = "linalg has no word 'inv' (it is called inverse here)",
      ["linalg.trace(x)"] = "linalg has no word 'trace' (an op: ops.trace(...), or x:trace(...))",
      ["x:inv()"] = "a tensor has no field or method 'inv' (it is called inverse here)",
      ["x:shape()"] = "attempt to call a table value (method 'shape') (x.shape is a field: with a point, and without "
        .. "parentheses)",
      ["x:copy()"] = "copy: x:copy(y) writes y into x, and y is missing (x:clone() is a copy of x)",
      ["x:gather(1, x)"] = "gather: index must be a tensor, not the number 1 (it is called gather(x, index, dim))",
      ["x:quantile { 0.5 }"] = "quantile: q must be a tensor, not a table (tensor { 1, 2 } makes one)",
      ["x:var { ddof = 1 }"] = "var: unknown option 'ddof' (did you mean 'correction'?)",
      ["x:round { decimals = 1 }"] = "round: unknown option 'decimals' (it takes none)",
      ["data.load 'x'"] = "data has no word 'load' (data.npy, data.npz, data.csv, data.mat, data.hdf5 read files, "
        .. "net:load weights)",
    } do
      local result = command.code("local x = ones { 2, 2 } " .. code)
      assert.equal("lamina: (command line):1: " .. expected, result.err:match "^[^\n]*")
    end
    assert.is_nil(hints.name "no_such_name_anywhere")
  end)

  it("are told of the library's objects", function()
    local function message(code)
      return command.code("local opt, h = adam {}, nil " .. code).err:match "^lamina: %(command line%):1: ([^\n]*)"
    end
    assert.equal("an optimizer has no method 'zero_grad' (opt:step(loss) does it, and opt:zero())",
      message "opt:zero_grad()")
    assert.equal("a ridge has no method 'score' (it has fit, held_out, inner_folds)",
      message "local m = ridge {} m:score()")
    assert.matches("^a model has no method 'fit' %(train", message
      "net = model 'n' { input { 2 }, readout 'r' { dense { 2 } } } local function f() net:fit() end f()")
    assert.matches("^attempt to call a nil value", message "local t = {} t:fit()")
  end)

  it("do not show what a parameter holds for the library", function()
    local code = "net = model 'n' { input { 4 }, readout 'r' { dense { 2 } } } "
      .. "print(require('lamina.prompt').text(net:parameters()))"
    assert.equal("{ r.dense1.weight: 2x4 float32, r.dense1.bias: 2 float32 }\n", command.code(code).out)
  end)

  it("tell of a module that is called: rdm, its options and what it divides by", function()
    local said = help.text "rdm"
    for _, part in ipairs { "rdm { x, method = ", "per_channel = false gives sums", "options\n", "  conditions ",
      "'crossnobis'", "\"ledoit_wolf\"", "  folds ", "  missing " } do
      assert.is_truthy(said:find(part, 1, true), part)
    end
  end)

  it("are told of a name and a table in one call", function()
    for _, word in ipairs { "model", "area", "readout", "experiment" } do
      local _, e = try(lamina[word], "n", {})
      assert.equal(string.format("%s takes a name and then a table, %s \"NAME\" { ... }, without a comma and without "
        .. "parentheses around both", word, word), e.message)
    end
  end)

  it("flows to the width of a narrow terminal, words whole, examples and tables as they are", function()
    local wrapped = require("lamina.help.wrap").wrapped
    local function words_of(text) return (text:gsub("%s+", " ")) end
    for _, name in ipairs { "conv", "net", "dtypes", "index", "search.random", "guide:rsa", "guide:pytorch" } do
      local text = help.text(name)
      assert.equal(text, wrapped(text, 200))
      for _, columns in ipairs { 40, 72, 100 } do
        local narrow, code = wrapped(text, columns), false
        assert.equal(words_of(text), words_of(narrow), name)
        for line in (narrow .. "\n"):gmatch "(.-)\n" do
          if line:find "^```" then code = not code end
          local fixed = code or line:find "^%s*> " or line:find "^|" or line:find "^#" or line:find "^source: "
          assert.truthy(fixed or utf8.len(line) <= columns or not line:find "%S%s+%S", name .. ": " .. line)
          assert.truthy(not fixed or text:find(line, 1, true), name .. ": " .. line)
        end
      end
    end
    local rows = "options\n  kernel     size of the filters\n  weight_norm weight normalisation, of units\n"
      .. "  one, of which this is all that there is to say before the line of the source is full, that is 100 or\n"
      .. "    more\n  net:two(): the next"
    assert.equal("options\n  kernel     size of the\n             filters\n  weight_norm weight\n"
      .. "             normalisation,\n             of units\n  one, of which this is all\n"
      .. "    that there is to say\n    before the line of the\n    source is full, that is\n"
      .. "    100 or more\n  net:two(): the next", wrapped(rows, 27))
  end)
end)
