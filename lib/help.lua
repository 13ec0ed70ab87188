--- help: what is known of a word, a function or a value, from the comments of the library and the runtime's own docs.
local command = require "lamina.core.command"
local objects = require "lamina.help.objects"
local page = require "lamina.help.page"
local words = require "lamina.words"

local option_lines, wrapped = objects.option_lines, objects.wrapped

local M = {}

local OVERVIEW = [[
Lamina: models of sensory cortex, in Lua.

  model "LeNet" { input { 1, 28, 28 }, area "V1" { conv { 6, kernel = 5 }, relu }, readout "digit" { dense { 10 } } }

  models       model input area readout feedback lateral shared layer
  networks     models makes those of the literature: models.resnet18 { classes = 10 }; models() lists them
  layers       %s
  learning     train evaluate loop find_rate learning_curve metrics checkpoint; losses cross_entropy mse bce
               sgd adam adamw rmsprop adagrad lbfgs conjugate_gradient
               cosine step linear exponential inverse_root one_cycle plateau constant warmup
               local_rule imprint self_organise dale; help "goals", "penalties", "constraints", "rules"
  search       search space range: architectures, or whatever a script can score
  data         data augment image hdf5 stimuli neural
  analysis     activations; predictivity separability criteria tolerance; ridge ols pls lasso elastic_net nnls
               one_to_one space_feature; pca random_projection; kfold grouped shuffled; split_half
               tuning sparse; rdm compare_rdms rdm_ceiling rsa mds fdr; cka svcca pwcca procrustes
               decode svm logistic nearest_centroid max_correlation; attention_maps attention_rollout
  experiments  experiment report profile
  figures      plot
  tensors      tensor zeros ones full arange linspace logspace eye meshgrid zeros_like ones_like full_like
               print_options; ops; linalg fft; help "index", "dtypes"
  gradients    grad jacobian hessian jvp hvp custom checkpointed on_gradient gradcheck no_grad; help "gradients"
  draws        randn rand randint permutation bernoulli choice randn_like rand_like; help "random"
  else         help try lamina
  guides       help "guides" lists them; guide:tour guide:model guide:training guide:fit guide:movies guide:rsa
               guide:rules guide:sharing guide:pytorch

help "conv" or help(conv) explains a word, help "conv2d" an op, help "net:save" a method, help "tensor" what a tensor
can do; help(x) what can be done with a value, whatever it is.

At this prompt: an expression shows its value, a ';' at its end keeps quiet, `_` is the last value and `__` the one
before. Every entry is a chunk of its own: a `local` ends with it, so leave `local` out for what is needed later. Tab
completes names, options and what strings may be; the arrow keys recall entries, Ctrl-R searches them. ?name explains,
??word searches, %%help lists the commands (%%time, %%profile, %%who, %%save ...). Ctrl-C stops a computation,
Ctrl-D leaves.]]

local function layer_words()
  local list = {}
  for word, entry in pairs(words.list) do
    if entry.module:find "^lamina%.layers%." then list[#list + 1] = word end
  end
  return wrapped(table.concat(list, " "), string.rep(" ", 15))
end

-- ---- comments of the library -----------------------------------------------------------------------------------

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  return lines
end

local function comment_text(line) return (line:gsub("^%-%-%-? ?", "")) end

-- The `---` comment that ends just above line n of a file, and where that is.
local function comment_above(lines, n, path)
  local first = n - 1
  while first > 0 and lines[first]:find "^%-%-" and not lines[first]:find "^%-%-%-" do first = first - 1 end
  if first < 1 or not lines[first]:find "^%-%-%-" then return nil end
  local parts = {}
  for i = first, n - 1 do parts[#parts + 1] = comment_text(lines[i]) end
  parts[#parts + 1] = page.source(path, n)
  return table.concat(parts, "\n")
end

-- The comment at the head of a file.
local function head_of(path)
  local source, parts = command.source(path), {}
  for _, line in ipairs(lines_of(source or "")) do
    if not line:find "^%-%-" then break end
    parts[#parts + 1] = comment_text(line)
  end
  return #parts > 0 and page.arranged(table.concat(parts, "\n") .. "\n" .. page.source(path)) or nil
end

local function path_of(module)
  if module == "lamina" then return "lib/init.lua" end
  return "lib/" .. module:gsub("^lamina%.", ""):gsub("%.", "/") .. ".lua"
end

local read = {} -- the lines of files that have been read, by path

local function lines_of_file(path)
  read[path] = read[path] or lines_of(command.source(path) or "")
  return read[path]
end

-- The comment above `M.name =` or `function M.name` in a module's file.
local function comment_of_field(module, name)
  local path = path_of(module)
  local lines = lines_of_file(path)
  for i, line in ipairs(lines) do
    if line:match("^function M[%.:]" .. name .. "%s*%(") or line:match("^M%." .. name .. "%s*=") then
      return comment_above(lines, i, path)
    end
  end
end

local function comment_of_function(f)
  local info = debug.getinfo(f, "S")
  if info.what == "C" then return nil end
  local path = info.source:sub(2)
  local source = command.source(path)
  return source and comment_above(lines_of(source), info.linedefined, path)
end

-- ---- the runtime's docs ----------------------------------------------------------------------------------------

local function runtime_doc(name)
  require "lamina.core.tensor"
  require "lamina.core.ops"
  local docs = debug.getregistry()["lamina.docs"] or {}
  local entry = docs[name]
  if not entry then return nil end
  return page.arranged(entry.signature .. "\n" .. entry.doc, nil, entry.example, entry.source)
end

local ENDLESS = 1e9 -- a limit beyond this is none that a reader needs

local function range_text(p)
  local low, high = p.low and p.low > -ENDLESS and p.low, p.high and p.high < ENDLESS and p.high
  if low and high then return string.format(" from %.7g to %.7g", low, high) end
  return low and string.format(" of at least %.7g", low) or high and string.format(" of at most %.7g", high) or ""
end

local function parameter_line(p)
  local choices = p.choices and ": " .. p.choices:gsub(" ", ", ") or ""
  return string.format("  %-12s ", p.name) .. wrapped(string.format("%s (%s%s%s%s)", p.doc or "", p.kind, choices,
    range_text(p), p.default ~= nil and ", default " .. tostring(p.default) or ""), "               ")
end

-- How an op is called: sort(x [, dim, descending]); the parameters may be named in a table instead.
local function op_call(op)
  local given, may = {}, {}
  for input in op.inputs:gmatch "%S+" do
    if input:find "%?$" then may[#may + 1] = input:sub(1, -2) else given[#given + 1] = input end
  end
  for _, p in ipairs(op.params or {}) do
    if p.default == nil and #may == 0 then given[#given + 1] = p.name else may[#may + 1] = p.name end
  end
  return string.format("%s(%s%s)", op.name, table.concat(given, ", "),
    #may > 0 and " [, " .. table.concat(may, ", ") .. "]" or "")
end

local function op_doc(name)
  local ops = require "lamina.core.ops"
  local op = ops.doc(name)
  if not op then return nil end
  local first = op.inputs:match "^[%w_]+" or "x"
  local call = wrapped(string.format("%s: an op of the runtime (ops.%s, or a method of tensors, %s:%s)",
    op_call(op), name, #first == 1 and first or "x", name), "  ")
  local lines = {}
  for _, p in ipairs(op.params or {}) do lines[#lines + 1] = parameter_line(p) end
  return page.arranged(call .. "\n" .. op.doc, lines, op.example, "runtime/ops/" .. name .. ".c")
end

-- The name under which a table holds a value.
local function name_in(list, value)
  for name, item in require("lamina.core.repeatable").stock_pairs(list) do
    if rawequal(item, value) then return name end
  end
end

-- A method of tensors: an op, one that writes an op's result into the tensor (add_), or another.
local function tensor_method_doc(name)
  local of = name:match "^(.*)_$"
  return op_doc(name) or runtime_doc(name) or runtime_doc("tensor." .. name)
    or of and op_doc(of) and "x:" .. name .. "(...): the result of " .. of .. ", written into x.\n" .. op_doc(of)
end

-- The doc of the op, or the method of tensors, that a function is; nil for other values.
local function op_doc_of(value)
  local op = name_in(require "lamina.core.ops", value)
  if op then return op_doc(op) end
  local method = name_in(objects.tensor_methods(), value)
  return method and tensor_method_doc(method)
end

-- ---- values ----------------------------------------------------------------------------------------------------

-- What is known of the options of a word that takes a table, under its comment.
local function with_options(word, text)
  local known = require("lamina.schema").words -- neural.ridge is the word ridge
  local fields = text and (known[word] or known[word:gsub("^neural%.", "")])
  return text and page.arranged(text, fields and { "options", table.unpack(option_lines(fields)) })
end

-- The options of every word: { word = fields }.
local function tables_of_options()
  for word in pairs(words.list) do words.find(word) end
  local tables = {}
  for word, fields in pairs(require("lamina.schema").words) do tables[word] = fields end
  for word in pairs(words.list) do -- layers say themselves what their options are
    local value = words.find(word)
    if type(value) == "table" and rawget(value, "word") then tables[word] = rawget(value, "options") end
  end
  return tables
end

-- The words that take an option of this name, and what it does there.
local function option_doc(name)
  local lines = {}
  for word, fields in pairs(tables_of_options()) do
    if name ~= "positional" and fields[name] then
      lines[#lines + 1] = word .. " { " .. name .. " = ... }:\n" .. option_lines({ [name] = fields[name] })[1]
    end
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

-- The file that a layer or an architecture was written in, by one of its functions or by its module.
local function file_of(value, module)
  local f = value.make or value.expand or value.apply
  local source = f and debug.getinfo(f, "S").source:sub(2)
  return module and not value.make and path_of(module) or source
end

-- A layer word documents itself: its doc and its options.
local function layer_doc(value, module)
  if type(value) ~= "table" or type(rawget(value, "doc")) ~= "string" or not rawget(value, "word") then return nil end
  local text = value.doc
  if value.monotone ~= nil then text = text .. (value.monotone and " Monotone." or " Not monotone.") end
  return page.arranged(wrapped(value.full .. ": " .. text, ""), option_lines(value.options), value.example,
    file_of(value, module))
end

local function field_doc(module, name, value)
  return layer_doc(value, module) or comment_of_field(module, name)
    or type(value) == "function" and page.arranged(comment_of_function(value) or "") or nil
end

-- The comment of a module is followed by those of its fields that name the word itself, "data.mnist"; layers
-- (pool.max) document themselves, and collections say themselves what is in them.
-- A module that is called, rdm { x }: so is the comment of its call, with the options, after the head.
local function module_doc(word, module, value)
  local head = head_of(path_of(module))
  if not head or type(value) ~= "table" then return head end
  local list = rawget(getmetatable(value) or {}, "__help") -- a collection has too many fields to tell of each
  if list then return head .. "\n\n" .. list() end
  local names = {}
  for name in require("lamina.core.repeatable").stock_pairs(value) do
    if type(name) == "string" then
      local text = field_doc(module, name, value[name])
      if text and text:find(word .. "." .. name, 1, true) then names[#names + 1] = name end
    end
  end
  table.sort(names)
  local parts = { head }
  local called = (getmetatable(value) or {}).__call
  local text = type(called) == "function" and comment_of_function(called)
  if text and text:find("^%s*" .. word .. "[%s({]") then
    parts[2] = with_options(word, text)
  end
  for _, name in ipairs(names) do parts[#parts + 1] = field_doc(module, name, value[name]) end
  parts[#parts + 1] = objects.of_kind(word == "data" and "data set" or word)
  return table.concat(parts, "\n\n")
end

-- The ops by group.
local function list_of_ops()
  local ops = require "lamina.core.ops"
  local groups, lines = {}, {}
  for _, name in ipairs(ops.list()) do
    local group = ops.doc(name).group or "other"
    if not name:find "_grad" and not name:find "_take$" then -- those are parts of backward passes
      groups[group] = (groups[group] and groups[group] .. " " or "") .. name
    end
  end
  for group, names in pairs(groups) do
    lines[#lines + 1] = string.format("  %-12s ", group) .. wrapped(names, "               ")
  end
  return table.concat(lines, "\n")
end

-- What is no word but has a file of its own to read about.
local HEADS = { goals = "goals", constraints = "constraints", constraint = "constraints", penalties = "penalty",
  penalty = "penalty", rules = "rules", rule = "rules", cells = "cells", ["local rule"] = "rules", loss = "loss",
  non_negative = "constraints", non_positive = "constraints", regularisation = "penalty", batchnorm = "layers/norm" }

-- Names that scripts write as texts, rule = "oja", loss = "poisson": where each has its comment and its options.
local function named_doc(name)
  local rule = require("lamina.rules.known")[name]
  if rule then
    return page.arranged(string.format('rule = "%s", or rule = { "%s", rate =, ... }\n%s', name, name,
      comment_of_field("lamina.rules.known", name)), { "options", table.unpack(option_lines(rule.options)) })
  end
  local schema = require "lamina.schema"
  if require "lamina.loss" and schema.words["losses." .. name] then
    return with_options("losses." .. name, comment_of_field("lamina.loss", name))
  end
end

local function head_doc(name)
  return HEADS[name] and head_of("lib/" .. HEADS[name] .. ".lua")
end

local function word_doc(word)
  local entry = words.list[word]
  if not entry then return nil end
  if word == "ops" then
    return "ops.NAME(x, ...), or x:NAME(...): the runtime's ops; help \"NAME\" explains one.\n" .. list_of_ops()
      .. "\n> ops.matmul(eye(2), tensor { 3, 4 }), tensor({ 1, 4 }):sqrt()   --> [3. 4.] [1. 2.]"
  end
  if word == "tensor" then return runtime_doc "tensor" .. "\n" .. objects.tensor(list_of_ops()) end
  local value = words.find(word)
  local text = layer_doc(value, entry.module)
  if text then return text end
  if entry.field then
    text = comment_of_field(entry.module, entry.field) or type(value) == "function" and comment_of_function(value)
      or runtime_doc(entry.field)
    local kind = objects.of_kind(word)
    return with_options(word, kind and text .. "\n\n" .. kind or text)
  end
  return module_doc(word, entry.module, value)
end

-- A dotted name: plot.bars, data.mnist, tensor.reshape.
local function dotted_doc(name)
  local first, rest = name:match "^([%w_]+)%.([%w_]+)$"
  if not first then return nil end
  local entry = words.list[first]
  local text = entry and not entry.field and comment_of_field(entry.module, rest)
  local value = entry and words.find(first)
  if text then return with_options(name, text) end
  local field = type(value) == "table" and rawget(value, rest)
  return layer_doc(field, entry and entry.module)
    or with_options(name, type(field) == "function" and comment_of_function(field)) or runtime_doc(name)
    or field and op_doc_of(field)
    or first == "tensor" and (op_doc(rest) or runtime_doc(rest))
end

-- A method: "tensor:sum", "net:save" (or "net.save"), or its name alone.
local function method_doc(name)
  local class, method = name:match "^([%w_]+)[:.]([%w_]+)$"
  if not class then -- search:run and `lamina run`
    local method_text = objects.method_docs(name)
    local usage = method_text and require("lamina.help.others").subcommand(name)
    return usage and method_text .. "\n\n" .. usage or method_text
  end
  if class == "tensor" or class == "x" or class == "t" then return tensor_method_doc(method) end
  return objects.method_docs(method, class)
end

-- What is no name of Lamina's: its commands, those of the prompt, and what Lua itself has (lib/help/others.lua).
local function other_doc(name) return require("lamina.help.others").doc(name) end

local text_of

text_of = function(what)
  if type(what) == "string" then
    local guide = what:match "^guide:(%w+)$"
    if guide then return require("lamina.guides").find(guide) end
    if what == "guides" or what == "guide" then return require("lamina.guides").contents() end
    what = what:gsub("^%?+%s*", "")
    local word, other = word_doc(what), objects.method_docs(what) or op_doc(what)
    if word and other then return word .. "\n\n" .. other end -- activations {...} and net:activations(...)
    return word or dotted_doc(what) or objects.topics[what] or head_doc(what) or op_doc(what)
      or method_doc(what) or runtime_doc(what) or runtime_doc("tensor." .. what) or objects.of_kind(what)
      or word_doc(objects.example(what)) or objects.of_kind(objects.example(what)) or named_doc(what)
      or option_doc(what) or other_doc(what)
  end
  local kind = objects.kind_of(what)
  if kind == "tensor" then return word_doc "tensor" end
  if objects.kinds[kind] then return objects.of_kind(kind) end
  local word = words.name_of(what)
  if word then return word_doc(word) end
  local text = layer_doc(what) or type(what) == "function" and comment_of_function(what)
  text = text or op_doc_of(what) or other_doc(what)
  local maker = not text and require("lamina.help.others").maker(what)
  return text or maker and text_of(maker) or nil
end

-- A text whose lines longer than 118 characters are broken, each part as far in as the line.
local function fitted(text)
  local lines = lines_of(text)
  for i, line in ipairs(lines) do
    local inset = line:match "^%s*"
    if (utf8.len(line) or #line) > 118 then lines[i] = inset .. wrapped(line, inset) end
  end
  return table.concat(lines, "\n")
end

--- The text that help prints of a name or a value; nil where nothing is known.
function M.text(what)
  local text = text_of(what)
  return text and fitted(text)
end

--- What the runtime says of one of its functions or methods that is no op; nil where it says nothing.
function M.runtime(name) return runtime_doc(name) end

--- The overview that help() prints.
function M.overview() return (string.format(OVERVIEW, layer_words())) end

--- The names of what a script may use, sorted: words and their fields, ops, methods, losses and rules.
function M.public() return require("lamina.help.find").public(text_of) end


local all_names, texts = nil, {} -- it takes a while to find them

-- The text of a name, for searches, which ask for all of them.
local function kept_text(name)
  if texts[name] == nil then texts[name] = text_of(name) or false end
  return texts[name] or nil
end

--- The names that help explains, sorted: a list of the caller's own.
function M.names()
  all_names = all_names or require("lamina.help.find").names(kept_text)
  return table.move(all_names, 1, #all_names, 1, {})
end

--- Lines on what has a term in its name, then what has it in its text: the name, and the first line of its help.
function M.search(term)
  local find = require "lamina.help.find"
  local lines = {}
  local names = M.names()
  for _, guide in ipairs(require("lamina.guides").list()) do names[#names + 1] = "guide:" .. guide.name end
  for _, name in ipairs(find.places(term, names, kept_text)) do
    local first = kept_text(name):match "^#* ?([^\n]*)"
    lines[#lines + 1] = string.format("%-23s  %s", name, first)
  end
  return lines
end

--- What to say where a search has found nothing.
function M.not_found(term)
  if #term < 3 then return string.format("a search needs three letters or more, not '%s'", term) end
  return string.format("nothing in help has '%s' in it", term)
end

-- The line for a name of which nothing is known: what is nearly called so, or where it occurs.
local function unknown(what)
  if type(what) == "function" and debug.getinfo(what, "S").what ~= "C" then
    return require("lamina.help.others").of_function(what)
  end
  if type(what) ~= "string" then return require("lamina.help.others").of_value(what) end
  local find = require "lamina.help.find"
  local names = M.names()
  local near = table.move(names, 1, #names, 1, {})
  for _, fields in pairs(tables_of_options()) do
    for name in pairs(fields) do near[#near + 1] = name ~= "positional" and name or nil end
  end
  for _, name in ipairs(require("lamina.help.others").names()) do near[#near + 1] = name end
  for _, guide in ipairs(require("lamina.guides").list()) do near[#near + 1] = "guide:" .. guide.name end
  local line = string.format("nothing is known of '%s'%s", what, require("lamina.errors").hint(what, near))
  return line .. "\n" .. (find.line(what, names, kept_text) or "help() lists the words")
end

--- help() is an overview; help "conv" or help(conv) explains a word; help "conv2d" an op; help "plot.bars" a field.
-- > help "eye"
function M.help(what)
  local text = what == nil and M.overview() or M.text(what) or unknown(what)
  if require("lamina.strict").prompt then
    require("lamina.prompt.pager").prose(text)
  else
    print(text)
  end
end

--- What help says of a name that it does not know: what is nearly called so, or where it occurs.
M.unknown = unknown

return M
