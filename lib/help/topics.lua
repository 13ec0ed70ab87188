--- lamina.help.topics: what help says of things that are no words.
local M = {
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
  net:training()               the digest of how they were learned, which net:save writes beside them
  models.alexnet { weights = "alexnet.safetensors" }   takes what PyTorch users publish; help "models"
  conv { 16, kernel = 5, init = ... }, dense { 10, init = ... }: how they are drawn; help "conv"]],
  gradients = [[
Gradients: the derivatives of anything that is computed from tensors of floats.
  w = randn({ 3 }):requires_grad(true)   a leaf that collects gradients
  loss = (x:matmul(w) - y):square():mean()
  loss:backward()                        adds to w.grad; w:zero_grad() forgets it
  grad(loss, w)                          the gradient itself; no .grad changes. { create = true }: to differentiate on
  jacobian(f, x)  hessian(f, x)          whole matrices; jvp and hvp products with a vector
  custom { name =, forward =, backward = }   a gradient written by hand, such as a surrogate one
  checkpointed(f, x, ...)                recomputes f in the backward pass, for less memory
  gradcheck(f, inputs)                   compares gradients with differences
  no_grad(f, ...)  x:detach()            nothing is recorded; on_gradient(x, f) sees a gradient pass
By hand, an optimizer goes: opt = adam { rate = 0.1 }; opt:attach { w }; then opt:step(loss) again and again
(help "optimizer"). train does all of this for a model. help "grad" and so on tells more of each.]],
  random = [[
Random numbers: randn rand randint permutation bernoulli choice, randn_like rand_like.
They are keyed by the seed and by how many of their kind were drawn before, so that a script draws the same in every
run. The seed is that of the script's experiment, experiment "NAME" { seed = 1 }, or of the command's option --seed 1;
0 without either. Weights, the order of batches, splits and augmentation have keys of their own, made of the seed
and their purpose: drawing more numbers changes none of them.
randn { 3, seed = 7 } and rand { 3, seed = 7 } are keyed by that seed alone, the same at every call: for functions
whose result must not depend on how often they were called, such as the items of data.from.]],
}

M.shape = [[
t.shape is the list of a tensor's sizes, t.ndim their number, t:size(2) one of them, #t the first, t:count() the
number of elements. t:reshape { 2, -1 }, flatten, squeeze, unsqueeze, expand, permute and transpose change it.
set:shape() is the shape of one item of a data set; print(net) shows those of a model's layers.]]
M.freeze = [[
Freezing keeps weights as they are while others learn.
  net:freeze "V1"  net:freeze { "V1", "V2.conv1" }  net:freeze "all"     and net:unfreeze
  area "V1" { frozen = true, ... }                                      from the beginning
  train { ..., rule = { digit = "backprop" } }                          areas that `rule` does not name keep theirs
What a frozen area computes still carries gradients to the areas before it. help "net:freeze" tells the rest.]]
M.bundles = [[
A bundle is an experiment as another lab can check it: script, modules, parameters, inputs, versions and results.
  lamina pack exp.lua -o exp.lamina.zip --data DIR   runs it and packs it; --sign lab.key signs it
  lamina verify exp.lamina.zip                       checks every hash, runs it again behind walls and says of each
                                                     result whether it is exact, close, different or missing
  lamina keygen lab                                  makes lab.key and lab.pub; verify --key lab.pub asks for them
It is a BagIt bag with RO-Crate metadata in a ZIP archive: unzip and sha256sum -c manifest-sha256.txt check it, too.
Where two trainings part, the first step, layer and tensor are named. lamina pack --help, help "untrusted".]]
M.untrusted = [[
lamina --untrusted SCRIPT runs somebody else's script behind two walls, and lamina verify always does.
  it may      read the script's folder and what --data and --read name; write into the folder for results (--out)
  it may not  start programs, load native code or bytecode, use the debug library, read or write elsewhere, reach a
              network, other processes or the environment, or have finalizers (__gc is passed over)
  its limits  --memory, --lua-memory, --wall-time, --cpu-time, --file-size, --output-size, --output-files,
              --open-files, --processes, --all-threads, --print-size
The interpreter refuses with an error of the kind "denied"; the kernel refuses once more, by Landlock, seccomp and
limits around a process of its own. What the running kernel cannot enforce is said; lamina doctor tells beforehand.
Memory of one program, processor time, the size of one file and how many are open the kernel limits at once; seconds,
programs, threads and what is written in all are looked at ten times a second (threads fifty times), and what is over
its limit is ended then: for that long native code that got past the first wall can have more. It also learns whether
a file is there, its size and its times, which Landlock does not hide. What a script prints is passed on as far as
--print-size, and to a terminal without what could steer it. Its numbers, and its digest, are what it says they are:
only lamina verify tells whether they come again.]]

-- Other names of these.
local ALSO = { indexing = "index", indices = "index", indexes = "index", slicing = "index", slices = "index",
  masks = "index", mask = "index", dtype = "dtypes", types = "dtypes", autodiff = "gradients", autograd = "gradients",
  gradient = "gradients", derivatives = "gradients", backpropagation = "gradients", draws = "random", seed = "random",
  seeds = "random", shapes = "shape", freezing = "freeze", frozen = "freeze",
  bundle = "bundles", pack = "bundles", verify = "bundles", sharing = "bundles", sandbox = "untrusted" }

for name, topic in pairs(ALSO) do M[name] = M[topic] end

return M
