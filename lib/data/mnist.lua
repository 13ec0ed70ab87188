--- data.mnist: handwritten digits.
local errors = require "lamina.errors"
local object = require "lamina.object"
local schema = require "lamina.schema"
local sets = require "lamina.data.set"
local targets = require "lamina.data.targets"
local tensor = require "lamina.core.tensor"

local M = {}

local MNIST = schema.document("data.mnist", {
  standardise = { type = "boolean", default = true,
    doc = "subtract the mean and divide by the standard deviation of the training pixels" },
  validation = { type = "integer", default = 5000, min = 0, max = 59999,
    doc = "how many of the training file's last items are kept for validation" },
  dir = { type = "string", doc = "the folder with the four files; found through --data if absent" },
})

local function find_file(io, base, dir, name, position)
  for _, path in ipairs { dir .. "/" .. name, dir .. "/" .. name .. ".gz" } do
    if base.exists(path) then return path end
  end
  errors.raise("io", position, "data.mnist: %s/%s (or %s.gz) is missing; the folder needs the four files of MNIST: "
    .. "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, as they "
    .. "are or with .gz", dir, name, name)
end

local function read_part(dir, part, position)
  local io, base = require "lamina.core.io", require "lamina.core.base"
  local image_path = find_file(io, base, dir, part .. "-images-idx3-ubyte", position)
  local label_path = find_file(io, base, dir, part .. "-labels-idx1-ubyte", position)
  local images, labels = io.idx_read(image_path), io.idx_read(label_path)
  if images.ndim ~= 3 or images.dtype ~= "uint8" then
    errors.raise("format", position, "%s: holds a %s array of %s, expected uint8 images", image_path, images.dtype,
      targets.shape(images))
  end
  if labels.ndim ~= 1 or #labels ~= #images then
    errors.raise("format", position, "%s: holds %s labels for %d images in %s", label_path, targets.shape(labels),
      #images,
      image_path)
  end
  local y = labels:to "int64" + 1
  local item, label = targets.bad_label(y, 10)
  if item then
    errors.raise("format", position, "%s: label %d of item %d is out of range, expected 0 to 9", label_path,
      label - 1,
      item)
  end
  return images, y
end

-- Pictures that are worked on at a time: what they take stays in the processor's caches.
local PIECE = 256

local function pieces(n)
  local first = 1 - PIECE
  return function()
    first = first + PIECE
    if first <= n then return { { first, math.min(first + PIECE - 1, n) } } end
  end
end

-- Mean and standard deviation of the pixels of the first n images, from those of pieces (Chan, Golub & LeVeque 1979).
local function moments(images, n)
  local count, mean, squares = 0, 0.0, 0.0
  for piece in pieces(n) do
    local x = images[piece]:to "float32"
    local k, m, v = x:count(), x:mean():item(), x:var({ correction = 0 }):item()
    local delta = m - mean
    mean = mean + delta * k / (count + k)
    squares = squares + v * k + delta * delta * count * k / (count + k)
    count = count + k
    x:release()
  end
  return mean, math.sqrt(squares / count)
end

-- uint8 n x h x w to float32 n x 1 x h x w: (pixel - mean) / std.
local function to_input(images, mean, std)
  local x = tensor.zeros { #images, 1, images:size(2), images:size(3) }
  for piece in pieces(#images) do
    local raw = images[piece]:to "float32"
    local shifted = raw - mean
    local scaled = shifted * (1 / std)
    x[piece] = scaled:unsqueeze(2)
    raw:release()
    shifted:release()
    scaled:release()
  end
  return x
end

--- data.mnist { standardise = true, validation = 5000, dir = }: handwritten digits (LeCun, Cortes & Burges): train
-- (55,000), valid (5,000) and test (10,000); x n x 1 x 28 x 28 float32, y labels 1..10 for the classes "0".."9". The
-- files are found in the folder `mnist` of --data DIR.
function M.mnist(given)
  local position = errors.position(2)
  local o = schema.check("data.mnist", given or {}, MNIST, position)
  local dir = o.dir or require("lamina.experiment").data_root("mnist", position,
    "the four files of MNIST: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
    .. "t10k-labels-idx1-ubyte.gz")
  local images, y = read_part(dir, "train", position)
  if o.validation >= #images then
    errors.raise("argument", position, "data.mnist: validation = %d leaves nothing of %d items to train on",
      o.validation,
      #images)
  end
  local mean, std, n = 0, 255, #images - o.validation
  if o.standardise then mean, std = moments(images, n) end
  local x = to_input(images, mean, std)
  images:release()
  local test_images, test_y = read_part(dir, "t10k", position)
  local classes = {}
  for digit = 0, 9 do classes[digit + 1] = tostring(digit) end
  local whole = sets.make { x = x, y = y, classes = classes, name = "mnist train" }
  return setmetatable({
    train = sets.range(whole, 1, n),
    valid = o.validation > 0 and sets.range(whole, n + 1, #x, "mnist valid") or nil,
    test = sets.make { x = to_input(test_images, mean, std), y = test_y, classes = classes, name = "mnist test" },
    mean = mean / 255, std = std / 255,
  }, { __index = object.index("data.mnist {}", {}, "train valid test") })
end

return M
