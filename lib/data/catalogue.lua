--- The data sets that `lamina data` knows: what each is, its licence, its files with their sizes and SHA-256, and
-- where they lie. A lab's own stand in a JSON file that LAMINA_CATALOGUE names, in the same form:
--
--   { "ours": { "about": "...", "licence": "...", "files": [
--       { "name": "x.npy", "size": 1234, "sha256": "...", "from": ["https://...", "https://..."] } ] } }
--
-- size and sha256 are those of the file; with "unpacked": true those of what the gzip file holds, since the same data
-- are packed differently in different places.
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local merged = require "lamina.merged"

local M = {}

local PLACES = { "https://ossci-datasets.s3.amazonaws.com/mnist/",
  "https://storage.googleapis.com/cvdf-datasets/mnist/" }

local function mnist_file(name, size, sha256)
  return { name = name .. ".gz", size = size, sha256 = sha256, unpacked = true,
    from = { PLACES[1] .. name .. ".gz", PLACES[2] .. name .. ".gz" } }
end

local BUILT_IN = {
  mnist = {
    about = "60,000 and 10,000 handwritten digits, 28 x 28 (LeCun, Bottou, Bengio & Haffner 1998); data.mnist()",
    licence = "CC BY-SA 3.0, as its authors' page says",
    files = {
      mnist_file("train-images-idx3-ubyte", 47040016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
      mnist_file("train-labels-idx1-ubyte", 60008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
      mnist_file("t10k-images-idx3-ubyte", 7840016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
      mnist_file("t10k-labels-idx1-ubyte", 10008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    },
  },
}

local function bad(path, format, ...)
  errors.raise_at(nil, "format", "LAMINA_CATALOGUE: %s: %s", path, string.format(format, ...))
end

-- Raises unless an entry of a catalogue is whole; names stay inside the folder of the data set.
local function check(path, name, set)
  if not name:match "^[%w][%w_%-%.]*$" then bad(path, "'%s' is no name of a data set", name) end
  if type(set) ~= "table" or type(set.files) ~= "table" or #set.files == 0 then
    bad(path, "'%s' has no list of files", name)
  end
  for i, file in ipairs(set.files) do
    local fine = type(file) == "table" and type(file.name) == "string" and math.type(file.size) == "integer"
      and type(file.sha256) == "string" and file.sha256:match "^%x+$" and #file.sha256 == 64
      and type(file.from) == "table" and #file.from > 0
    if not fine then bad(path, "file %d of '%s' needs name, size, sha256 and from", i, name) end
    if not file.name:match "^[%w][%w_%-%.]*$" then
      bad(path, "'%s' is no name for a file of '%s'", file.name, name)
    end
    for _, address in ipairs(file.from) do
      if type(address) ~= "string" or not address:match "^https?://" then
        bad(path, "'%s': an address must begin with https:// or http://", tostring(address))
      end
    end
  end
end

--- All data sets by name, those of LAMINA_CATALOGUE included. Raises where that file is none.
function M.all()
  local all = merged(BUILT_IN)
  local path = base.getenv "LAMINA_CATALOGUE"
  if path and path ~= "" then
    local own, e = errors.try(function() return core_io.json_decode(core_io.text_read(path)) end)
    if type(own) ~= "table" then
      local why = e and e.message or "it holds no object"
      bad(path, "%s", why:sub(1, #path + 2) == path .. ": " and why:sub(#path + 3) or why)
    end
    for name, set in pairs(own) do
      check(path, name, set)
      all[name] = set
    end
  end
  return all
end

return M
