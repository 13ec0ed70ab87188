--- lamina.help.objects: what help says of values: the methods of a model, a score, a tensor, and so on.
--
-- The methods of a class written in Lua are those whose comment begins with a call of the method, "net:save(path)";
-- what has no such comment is for the library itself.
local command = require "lamina.core.command"
local page = require "lamina.help.page"

local M = {}

-- By the __name of a value's metatable: the file (or files) and the local name of its class, what it is, and the
-- fields that a script may read; base: the kind whose other methods it has, too.
M.kinds = {
  model = { file = { "lib/model.lua", "lib/model/weights.lua", "lib/model/parts.lua",
    "lib/model/recurrent.lua" }, class = "Model",
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
  assembly = { file = { "lib/neural/assembly.lua", "lib/neural/assembly_choose.lua", "lib/neural/assembly_group.lua",
    "lib/neural/assembly_split.lua", "lib/neural/assembly_write.lua", "lib/neural/paired.lua" }, class = "Assembly",
    fields = "name responses valid",
    doc = "An assembly holds the responses of neuroids to presentations of stimuli, over time bins where there are, "
      .. "with the coordinates of all: a.stimulus, a.presentation, a.neuroid, a.time_bin." },
  ["hdf5 file"] = { file = "lib/hdf5.lua", class = "File", fields = "name",
    doc = "What hdf5.open returns: a file to be read in parts. print shows what it holds." },
  figure = { file = "lib/plot/figure.lua", class = "Figure", doc = "A figure is what the words of plot return." },
  optimizer = { file = "lib/optim.lua", class = "Optimizer", fields = "kind steps",
    doc = "An optimizer is what sgd, adam and adamw make; train does all of this by itself." },
  ridge = { file = "lib/neural/mapping.lua", class = "Ridge", doc = "What ridge makes: how responses are mapped." },
  ["fitted ridge"] = { file = "lib/neural/mapping.lua", class = "Fit",
    doc = "A fitted map is what ridge:fit returns." },
  ["tuning fit"] = { file = "lib/tuning.lua", class = "Fit", fields = "curve points r2 error low high parameters",
    doc = "What tuning.fit and tuning.fit_gabor return: every parameter by its name, with intervals." },
  ["tuning description"] = { file = "lib/tuning/describe.lua", class = "Described",
    fields = "quantity x mean error n units",
    doc = "What tuning.describe returns: the curve of every unit, and in d.units[u] its measures and fit by name." },
  rdms = { file = "lib/rdm/set.lua", class = "Rdms",
    doc = "A set of RDMs: r.vectors is RDMs x pairs (the row-wise upper triangle), r.id the stimuli, r.names the "
      .. "RDMs; #r is how many there are." },
  classifier = { file = "lib/neural/classifiers.lua", class = "Classifier",
    doc = "What svm, logistic, nearest_centroid and max_correlation make." },
  ["fitted classifier"] = { file = "lib/neural/classifiers.lua", class = "Fitted", fields = "classes weights bias",
    doc = "What classifier:fit returns." },
  pseudopopulation = { file = "lib/neural/pseudo.lua", class = "Pseudo",
    doc = "What neural.pseudopopulation makes: pseudo-trials of neuroids that were not recorded together." },
  ["decoding score"] = { file = "lib/neural/decode.lua", class = "Decoded",
    doc = "What decode returns: score.accuracy, low, high, over (what is resampled), chance, confusion, null, p." },
  ["rdm model"] = { file = "lib/rdm/models.lua", class = "Model",
    doc = "What rdm.selected, rdm.weighted and rdm.interpolated make: a model of RDMs with something to fit." },
  ["rsa score"] = { file = "lib/rdm/results.lua", class = "Result",
    doc = "What rsa returns: score.rows[i] has a field for each column, score.lower and score.upper the ceilings." },
  tolerance = { file = "lib/tolerance.lua", class = "methods", fields = "layers shifts similarity measure stimuli",
    doc = "What tolerance returns: t.similarity is layers x shifts; print shows it." },
  commitment = { file = "lib/neural/commitment.lua", class = "Commitment", fields = "rows layers score nested",
    doc = "What neural.commitment returns: a row for every area; print shows them." },
  gram = { file = "lib/neural/gram.lua", class = "Gram", fields = "layers n id",
    doc = "What neural.gram returns: products of images in each layer." },
  comparison = { file = "lib/neural/compare.lua", class = "Comparison", fields = "rows names n over test",
    doc = "What neural.compare returns: a row for every pair of models; print shows them." },
  correspondence = { file = "lib/neural/correspondence.lua", class = "Correspondence",
    fields = "areas layers matrix rows rho width",
    doc = "What neural.correspondence returns: print shows its table." },
  space = { file = "lib/search/space.lua", class = "Space", doc = "What space makes: print shows its parameters." },
  search = { file = "lib/search.lua", class = "Search", fields = "best value history done stopped entries",
    doc = "What search.random, search.evolution and search.bayesian return: print shows the best and the history." },
  ["sparse code"] = { file = "lib/sparse/learning.lua", class = "methods",
    fields = "bases size sigma beta sparseness updates gain",
    doc = "What sparse.code makes: code.bases is bases x pixels; print shows its settings." },
  confusion = { file = "lib/metrics.lua", class = "Confusion", fields = "classes counts n",
    doc = "What metrics.confusion returns: c.counts is true class by given class; print shows it." },
  ["learning curve"] = { file = "lib/learning_curve.lua", class = "Curve", fields = "score close",
    doc = "What learning_curve returns: curve[i] is the row of a size: n, mean, sd, values. print shows all." },
  rates = { file = "lib/train/find_rate.lua", class = "Found", fields = "rates losses smooth steepest lowest rate",
    doc = "What find_rate returns: found.rate is the one to try; print says how it was chosen." },
  pca = { file = "lib/neural/reduce.lua", class = "Pca", doc = "What pca makes, before it is fitted." },
  ["random projection"] = { file = "lib/neural/reduce.lua", class = "Projection",
    doc = "What random_projection makes, before it is fitted." },
  ["fitted reduction"] = { file = "lib/neural/reduce.lua", class = "Fitted",
    fields = "components mean variance ratio scale", doc = "What pca:fit and random_projection:fit return." },
  profile = { file = "lib/profile.lua", class = "Profile", fields = "seconds bytes rows",
    doc = "What profile returns: print shows time and memory by op and by layer." },
  untangling = { file = "lib/neural/untangling.lua", class = "Untangling", fields = "rows pair over",
    doc = "What neural.untangling returns: u.rows[i] has a field for each column; print shows the table." },
  ["driven weight"] = { file = "lib/model/driven.lua", class = "Driven",
    fields = "node name tensor dim channels groups area", doc = "A weight that an area drives: see net:driven." },
  criteria = { file = "lib/neural/criteria.lua", class = "Criteria", fields = "pass computable mappable predictive",
    doc = "What criteria returns: each criterion has pass and text; print shows all with their evidence." },
  ["neural scores"] = { file = "lib/neural/measures.lua", class = "Scores",
    fields = "r ev r2 poisson noise explainable ev_corrected feve cc_norm coordinates stimuli repeats missing trials",
    doc = "What neural.scores returns: a tensor with a number for each neuroid by the name of each measure." },
  ["rdm ceiling"] = { file = "lib/rdm/compare.lua", class = "Ceiling", fields = "lower upper n method pairs missing",
    doc = "What rdm_ceiling returns: print shows it." },
  splits = { file = "lib/neural/splits.lua", class = "Splits", doc = "What kfold and grouped make." },
}

for _, word in ipairs { "ols", "pls", "lasso", "elastic_net", "nnls", "one_to_one", "space_feature" } do
  M.kinds[word] = { file = "lib/neural/maps.lua", class = "Base",
    doc = string.format("What %s makes: how responses are mapped.", word) }
end

--- What help says of things that are no words: see lib/help/topics.lua.
M.topics = require "lamina.help.topics"

local FIELDS = [[
fields
  t.shape      the sizes as a list           t.ndim   how many axes
  t.dtype      the type, such as "float32"   t.grad   the gradient that backward left, or nil
  t.close      true where the bits may differ between machines
operators
  + - * / // ^ %% between tensors (broadcast) and numbers, unary -; & | ~ << >> of integers and bool (help "dtypes")
  t:eq(u), ne, lt, le, gt, ge compare element by element. Lua's own < raises, and its == says whether two names stand
  for the same tensor: t == 2 is false, t:eq(2) the answers, t:equal(u) whether all are equal
  #t is the size of the first axis; for i, item in ipairs(t) goes along it]]

local function docs_of(name) return (debug.getregistry()["lamina.docs"] or {})[name] end

-- How far a text is inside parentheses, braces and quotes at its end: 0 where everything is closed.
local function open_at_end(text)
  local _, opened = text:gsub("[%({]", "")
  local _, closed = text:gsub("[%)}]", "")
  local _, quotes = text:gsub('"', "")
  return opened - closed + quotes % 2
end

-- The first sentence, on one line: it ends in a full stop or semicolon that stands in no parentheses.
local function first_sentence(text)
  text = page.prose(text):gsub("%s+", " ")
  local from = 1
  while true do
    local stop = text:find("[%.;]%s", from)
    if not stop then return text end
    if open_at_end(text:sub(1, stop)) <= 0 then return text:sub(1, stop - 1) .. "." end
    from = stop + 1
  end
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

-- A default as a script would write it.
local function default_text(value)
  if type(value) ~= "table" or getmetatable(value) then
    return value == math.huge and "none" or tostring(value)
  end
  local parts = {}
  for i, item in ipairs(value) do parts[i] = default_text(item) end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

--- A line for each option: what it is, its type, its default.
function M.option_lines(fields)
  local expectation, names, lines, widest = require("lamina.schema").expectation, {}, {}, 9
  for name in pairs(fields or {}) do
    if name ~= "positional" then
      names[#names + 1] = name
      widest = math.max(widest, #name)
    end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local field = fields[name]
    local default = field.required and "" or ", optional"
    if field.default ~= nil then default = ", default " .. default_text(field.default) end
    local said = field.doc and string.format("%s (%s%s)", field.doc, expectation(field), default)
      or expectation(field) .. default
    lines[i] = string.format("  %-" .. widest .. "s  ", name) .. M.wrapped(said, string.rep(" ", widest + 4))
  end
  return lines
end

local found = {} -- the methods of each kind, once they have been looked up

-- Adds the methods of a class that a file documents.
local function add_methods(list, file, class)
  local comment, number = nil, 0
  for line in ((command.source(file) or "") .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local name = line:match("^function " .. class .. "[:%.]([%w_]+)%(")
    if name and comment and comment[1]:find("^%-%-%- %a+:" .. name .. " ?[%({\"]") then
      for i, text in ipairs(comment) do comment[i] = text:gsub("^%-%-%-? ?", "") end
      list[#list + 1] = { name = name, doc = table.concat(comment, "\n") .. "\n" .. page.source(file, number) }
    end
    if line:find "^%-%-%-" then comment = { line }
    elseif comment and line:find "^%-%-" then comment[#comment + 1] = line
    else comment = nil end
  end
end

-- The methods that are documented in a kind's own file.
local function own_methods(kind)
  if found[kind] then return found[kind] end
  local entry, list = M.kinds[kind], {}
  local files = entry and entry.file or {}
  for _, file in ipairs(type(files) == "table" and files or { files }) do add_methods(list, file, entry.class) end
  found[kind] = list
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

-- What examples call a value of a kind: net for a model, set for a data set.
local EXAMPLES = { net = "model", set = "data set", opt = "optimizer", fig = "figure", stimulus = "stimuli" }

--- The kind that examples call `name`; nil where they call none so.
function M.example(name) return EXAMPLES[name] end

--- The options of a method of a kind, by name; nil where it takes none that are known.
function M.options(kind, name)
  local known = require("lamina.schema").words
  return known[kind .. ":" .. name] or kind == "data set" and known[name] or nil
end

-- The doc of a method with its options.
local function with_options(kind, method)
  local files = M.kinds[kind].file
  for _, file in ipairs(type(files) == "table" and files or { files }) do
    require((file:gsub("^lib", "lamina"):gsub("%.lua$", ""):gsub("/", ".")))
  end
  local fields = M.options(kind, method.name)
  return fields and page.arranged(method.doc, { "options", table.unpack(M.option_lines(fields)) }) or method.doc
end

--- The docs of all methods called `name`, of Lua's classes and, with `class`, of that class alone.
function M.method_docs(name, class)
  local parts, seen = {}, {}
  for kind in pairs(M.kinds) do
    for _, method in ipairs(own_methods(kind)) do
      local said = method.doc:match "^(%a+):"
      if method.name == name and (not class or class == kind or class == said) and not seen[method.doc] then
        seen[method.doc] = true
        parts[#parts + 1] = with_options(kind, method)
      end
    end
  end
  return #parts > 0 and table.concat(parts, "\n\n") or nil
end

--- The methods of tensors: functions by name, the ops among them.
function M.tensor_methods() return rawget(getmetatable(require("lamina.core.tensor").zeros { 1 }), "methods") end

--- What a tensor can do; groups: text of the ops by group.
function M.tensor(groups)
  local ops = require "lamina.core.ops"
  local lines = { FIELDS:gsub("%%%%", "%%"), "methods" }
  local names = {}
  for name in require("lamina.core.repeatable").stock_pairs(M.tensor_methods()) do
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
