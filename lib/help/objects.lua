--- lamina.help.objects: what help says of values: the methods of a model, a score, a tensor, and so on.
--
-- The methods of a class written in Lua are those whose comment begins with a call of the method, "net:save(path)";
-- what has no such comment is for the library itself.
local command = require "lamina.core.command"

local M = {}

-- By the __name of a value's metatable: the file (or files) and the local name of its class, what it is, and the
-- fields that a script may read; base: the kind whose other methods it has, too.
M.kinds = {
  model = { file = { "lib/model.lua", "lib/model/weights.lua", "lib/model/parts.lua" }, class = "Model",
    fields = "name input seed",
    doc = "net(x) is the output for a batch x, print(net) the table of its layers." },
  area = { file = "lib/model/parts.lua", class = "Area", fields = "name kind shape layers from cells rule frozen",
    doc = "An area of a model is what net:area \"V1\", or net.V1, returns." },
  history = { file = "lib/history.lua", class = "History",
    doc = "A history, the course of a run, is what train and loop return: history[i] is the row of epoch i, such as "
      .. "history[#history].valid_error. print shows it as a table, plot.curve(history) draws it." },
  score = { file = "lib/neural/score.lua", class = "Score",
    doc = "A score is what predictivity and separability return: score.rows[i] has a field for each column. print "
      .. "shows the table and how it was made, plot.layers(score) draws it." },
  ["data set"] = { file = { "lib/data/set.lua", "lib/data/batches.lua", "lib/data/split.lua", "lib/data/sample.lua",
    "lib/data/augment.lua" }, class = "Set",
    doc = "A data set pairs inputs set.x with targets set.y; #set is the number of items, set.classes the names of "
      .. "the labels." },
  stimuli = { file = "lib/stimuli.lua", class = "methods", base = "data set",
    doc = "A stimulus set holds images set.x, an id for each in set.id, what is known of them in set.columns." },
  assembly = { file = "lib/neural/assembly.lua", class = "Assembly",
    doc = "An assembly holds the responses of neuroids to stimuli, with the coordinates of both." },
  ["hdf5 file"] = { file = "lib/hdf5.lua", class = "File", fields = "name",
    doc = "What hdf5.open returns: a file to be read in parts. print shows what it holds." },
  figure = { file = "lib/plot/figure.lua", class = "Figure", doc = "A figure is what the words of plot return." },
  optimizer = { file = "lib/optim.lua", class = "Optimizer", fields = "kind steps",
    doc = "An optimizer is what sgd, adam and adamw make; train does all of this by itself." },
  ridge = { file = "lib/neural/mapping.lua", class = "Ridge", doc = "What ridge makes: how responses are mapped." },
  ["fitted ridge"] = { file = "lib/neural/mapping.lua", class = "Fit",
    doc = "A fitted map is what ridge:fit returns." },
  splits = { file = "lib/neural/splits.lua", class = "Splits", doc = "What kfold and grouped make." },
}

--- What help says of things that are no words.
M.topics = {
  index = [[
Indices count from 1, and both ends of a range are included; -1 is the last.
  t[i]                     item i of the first axis: a view with an axis less; a number where t has one axis
  t[{ 2, 3 }]              one index for every axis: one element, a number
  t[{ { 1, 3 }, 2, {} }]   an entry for each axis: a range first to last, one index (the axis goes), {} for all
  t[{ { 1, 9, 2 }, {} }]   a range with a step; { -1, 1, -1 } runs backwards (a copy)
  t[k], t[{ {}, k }]       k an int64 tensor of positions: those items, in its order and shape (a copy)
  t[m]                     m a bool tensor with the shape of t, or of its first axes: what it marks (a copy)
  t[key] = v               writes a number, or a tensor that broadcasts, into that part, for every key above
Tensors in a table choose each along its own axis: t[{ rows, columns }] is a block; gather picks elements one by one.
Where positions repeat, the last value written stays. for i, item in ipairs(t) goes along the first axis.
Numbers and ranges give views, which share the memory of t; :clone() copies. See also t:slice, t:select, t:gather.]],
  dtypes = [[
Element types, and what comes of two of them. bool < uint8 < int64 < float32 < float64: the result has the larger.
  + - * % maximum minimum   that type; of two bools + - * % give int64, maximum and minimum bool
  / ^ exp sqrt ...          float32 where both are integers or bool, so 1 / 2 is 0.5; else the larger float
  eq ne lt le gt ge, logical_and logical_or logical_not, isnan isfinite   bool
  sum prod of integers and bool are int64; mean, std, var need floats; max, min and where keep the type
A Lua number takes the type of the tensor beside it: 2 * x keeps x's. Beside integers and bool a number with a
fraction gives float32, a whole one int64 (beside uint8 it stays uint8 from 0 to 255).
& | ~ << >> work on the bits of integers; on bool & | ~ are and, or, not, element by element.
int64 and uint8 wrap around at their ends (2^63 and 256), as in Lua and C; x % 0 is 0 for integers. A float becomes an
integer (x:to "int64") by cutting towards 0, at most the end of the range, and NaN gives 0. In place, x:add_(y) keeps
x's type, and a float written into integers is refused. There are float32, float64, int64, uint8 and bool.]],
  weights = [[
The weights of a model are its parameters, drawn when the model is made (option `seed`).
  net:parameters(pattern)      a list of { name = "V1.conv1.weight", tensor = t }
  net:count()                  how many numbers they are
  net:save "net.safetensors"   writes them; net:load "net.safetensors" takes them back
  conv { 16, kernel = 5, init = ... }, dense { 10, init = ... }: how they are drawn; help "conv"]],
}

local FIELDS = [[
fields
  t.shape      the sizes as a list           t.ndim   how many axes
  t.dtype      the type, such as "float32"   t.grad   the gradient that backward left, or nil
  t.close      true where the bits may differ between machines
operators
  + - * / // ^ %% between tensors (broadcast) and numbers, unary -; & | ~ << >> of integers and bool (help "dtypes")
  t:eq(u), ne, lt, le, gt, ge compare element by element: Lua's own < and == can only say true or false, and raise
  #t is the size of the first axis; for i, item in ipairs(t) goes along it]]

local function docs_of(name) return (debug.getregistry()["lamina.docs"] or {})[name] end

-- The first sentence, on one line.
local function first_sentence(text)
  text = text:gsub("%s+", " ")
  text = text:match "^(.-[%.;])%s" or text
  return (text:gsub(";$", "."))
end

--- Breaks a text at spaces so that no line is longer than 100 characters, where it can be; `indent` begins the
-- lines after the first.
function M.wrapped(text, indent)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    if line ~= "" and #line + #word + 1 > 100 then
      lines[#lines + 1] = line
      line = indent .. word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

-- The methods that are documented in a kind's own file.
local function own_methods(kind)
  local entry, list, comment, source = M.kinds[kind], {}, nil, ""
  local files = entry and entry.file or {}
  for _, file in ipairs(type(files) == "table" and files or { files }) do
    source = source .. (command.source(file) or "") .. "\n"
  end
  for line in source:gmatch "(.-)\n" do
    local name = line:match("^function " .. (entry and entry.class or "") .. "[:%.]([%w_]+)%(")
    if name and comment and comment[1]:find("^%-%-%- %a+:" .. name .. " ?[%({\"]") then
      for i, text in ipairs(comment) do comment[i] = text:gsub("^%-%-%-? ?", "") end
      list[#list + 1] = { name = name, doc = table.concat(comment, "\n") }
    end
    if line:find "^%-%-%-" then comment = { line }
    elseif comment and line:find "^%-%-" then comment[#comment + 1] = line
    else comment = nil end
  end
  return list
end

--- The documented methods of a kind: a list of { name =, doc = } in the order of the file, then those of its base.
function M.methods(kind)
  local list, seen = own_methods(kind), {}
  for _, method in ipairs(list) do seen[method.name] = true end
  local base = M.kinds[kind] and M.kinds[kind].base
  for _, method in ipairs(base and own_methods(base) or {}) do
    if not seen[method.name] then list[#list + 1] = method end
  end
  return list
end

--- The list of the methods of a kind, a line each; nil where it has none.
function M.method_lines(kind)
  local lines = {}
  for _, method in ipairs(M.methods(kind)) do
    lines[#lines + 1] = "  " .. M.wrapped(first_sentence(method.doc), "    ")
  end
  return #lines > 0 and "methods\n" .. table.concat(lines, "\n") or nil
end

--- What help says of a value of a kind.
function M.of_kind(kind)
  local entry = M.kinds[kind]
  if not entry then return nil end
  local methods = M.method_lines(kind)
  return M.wrapped(entry.doc, "") .. (methods and "\n" .. methods or "")
end

--- The kind of a value, by its metatable's __name; nil for plain values.
function M.kind_of(value)
  local meta = getmetatable(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  return type(name) == "string" and name or nil
end

--- The docs of all methods called `name`, of Lua's classes and, with `class`, of that class alone.
function M.method_docs(name, class)
  local parts = {}
  for kind in pairs(M.kinds) do
    for _, method in ipairs(own_methods(kind)) do
      local said = method.doc:match "^(%a+):"
      if method.name == name and (not class or class == kind or class == said) then
        parts[#parts + 1] = method.doc
      end
    end
  end
  return #parts > 0 and table.concat(parts, "\n\n") or nil
end

--- What a tensor can do; groups: text of the ops by group.
function M.tensor(groups)
  local ops = require "lamina.core.ops"
  local lines = { FIELDS:gsub("%%%%", "%%"), "methods" }
  local methods = rawget(getmetatable(require("lamina.core.tensor").zeros { 1 }), "methods")
  local names = {}
  for name in require("lamina.core.repeatable").stock_pairs(methods) do
    if not ops.doc(name) and docs_of(name) then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local doc = docs_of(name)
    lines[#lines + 1] = "  " .. M.wrapped(doc.signature .. ": " .. first_sentence(doc.doc), "    ")
  end
  lines[#lines + 1] = "  x:add_(y), exp_, clamp_, ... (every elementwise op with _; masked_fill_, put_, scatter_):"
  lines[#lines + 1] = "    the op's result written into x"
  lines[#lines + 1] = "ops, as methods: x:sum(2), x:sum { dim = 2, keepdim = true }; help \"tensor:sum\" explains one"
  lines[#lines + 1] = groups
  return "indices\n" .. M.topics.index .. "\n" .. table.concat(lines, "\n")
end

return M
