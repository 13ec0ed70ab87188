--- data.mnist: handwritten digits.
local errors = require "lamina.errors"
local image = require "lamina.core.image"
local object = require "lamina.object"
local schema = require "lamina.schema"
local sets = require "lamina.data.set"
local targets = require "lamina.data.targets"

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

-- The images and labels of "train" and "t10k", in this order.
local function read_files(dir, position)
  local io, base = require "lamina.core.io", require "lamina.core.base"
  local paths = {}
  for _, part in ipairs { "train", "t10k" } do
    paths[#paths + 1] = find_file(io, base, dir, part .. "-images-idx3-ubyte", position)
    paths[#paths + 1] = find_file(io, base, dir, part .. "-labels-idx1-ubyte", position)
  end
  local arrays, hashes = io.idx_read_all(paths)
  local record = require("lamina.experiment").record_file
  for i, path in ipairs(paths) do record(path, hashes[i]) end
  return arrays, paths
end

local function check_part(images, labels, image_path, label_path, position)
  if images.ndim ~= 3 or images.dtype ~= "uint8" then
    errors.raise("format", position, "%s: holds a %s array of %s, expected uint8 images", image_path, images.dtype,
      targets.shape(images))
  end
  if labels.ndim ~= 1 or #labels ~= #images then
    errors.raise("format", position, "%s: holds %s labels for %d images in %s", label_path, targets.shape(labels),
      #images, image_path)
  end
  local y = labels:to "int64" + 1
  local item, label = targets.bad_label(y, 10)
  if item then
    errors.raise("format", position, "%s: label %d of item %d is out of range, expected 0 to 9", label_path,
      label - 1, item)
  end
  return y
end

--- data.mnist { standardise = true, validation = 5000, dir = }: handwritten digits (LeCun, Cortes & Burges): train
-- (55,000), valid (5,000) and test (10,000); x n x 1 x 28 x 28 float32, y labels 1..10 for the classes "0".."9". The
-- files are found in the folder `mnist` of --data DIR. The pictures stay bytes in memory until a batch, or x, is
-- asked for.
-- > mnist = try(data.mnist) or "not found"   -- mnist.train, .valid and .test, where --data DIR has DIR/mnist
-- > mnist == "not found" or #mnist.test == 10000   --> true
function M.mnist(given, ...)
  local position = errors.position(2)
  schema.alone("data.mnist", "data.mnist { dir = \"DIR\" }", position, ...)
  local o = schema.check("data.mnist", given or {}, MNIST, position)
  local dir = o.dir or require("lamina.experiment").data_root("mnist", position,
    "the four files of MNIST: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
    .. "t10k-labels-idx1-ubyte.gz")
  local arrays, paths = read_files(dir, position)
  local images, test_images = arrays[1], arrays[3]
  local y = check_part(images, arrays[2], paths[1], paths[2], position)
  local test_y = check_part(test_images, arrays[4], paths[3], paths[4], position)
  if o.validation >= #images then
    errors.raise("argument", position, "data.mnist: validation = %d leaves nothing of %d items to train on",
      o.validation, #images)
  end
  local mean, std, n = 0, 255, #images - o.validation
  if o.standardise then mean, std = image.level_moments(images[{ { 1, n } }]) end
  if std == 0 then
    errors.raise("format", position, "%s: every pixel has the same value; say standardise = false", paths[1])
  end
  local classes = {}
  for digit = 0, 9 do classes[digit + 1] = tostring(digit) end
  local function set(x, labels, name)
    return sets.make { levels = { x = x, mean = mean, std = std }, y = labels, classes = classes, name = name }
  end
  local whole = set(images, y, "mnist train")
  return setmetatable({
    train = sets.range(whole, 1, n),
    valid = o.validation > 0 and sets.range(whole, n + 1, #images, "mnist valid") or nil,
    test = set(test_images, test_y, "mnist test"),
    mean = mean / 255, std = std / 255,
  }, { __index = object.index("data.mnist {}", {}, "train valid test") })
end

return M
