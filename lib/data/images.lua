--- data.images: pictures in files, read when they are asked for.
local base = require "lamina.core.base"
local columns_of = require "lamina.data.columns"
local core = require "lamina.core.data"
local errors = require "lamina.errors"
local io = require "lamina.core.io"
local schema = require "lamina.schema"
local sets = require "lamina.data.set"

local M = {}

--- The name without its ending where it is that of a picture (png, jpg, jpeg, in any case); nil otherwise.
function M.stem(name)
  local stem, ending = name:match "^(.+)%.(%a+)$"
  ending = ending and ending:lower()
  return (ending == "png" or ending == "jpg" or ending == "jpeg") and stem or nil
end

-- The names in a folder, which is noted as read: what is in it makes a difference.
local function names_in(folder)
  io.files_note(folder .. "/")
  return base.list(folder)
end

--- The pictures of a folder by name: a list of file names.
function M.list(folder)
  local files = {}
  for _, name in ipairs(names_in(folder)) do
    if M.stem(name) then files[#files + 1] = name end
  end
  return files
end

--- The file of an item whose table does not name one: its id with the ending of the picture that is there.
function M.file_of(folder, id)
  for _, ending in ipairs { "", ".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG" } do
    local name = id .. ending
    if M.stem(name) and base.exists(folder .. "/" .. name) then return name end
  end
  return id .. ".png"
end

local FIELDS = schema.document("data.images", {
  positional = { "folder" },
  folder = { type = "string", required = true, doc = "a folder of PNG and JPEG files, or of folders of them, one for "
    .. "each class" },
  table = { type = "string", doc = "a CSV file with a row for each picture; its path, or its name in the folder" },
  file = { type = "string", doc = "the column that names the file, relative to the folder or to the table's; file, "
    .. "or else the id's, "
    .. "if absent" },
  id = { type = "string", doc = "the column that identifies a picture; stimulus_id, or else the file's name, if "
    .. "absent" },
  labels = { type = "string", doc = "the column with each picture's class" },
  y = { type = { "string", "table" }, doc = "targets: a column, a list of columns of numbers, or a table of such by "
    .. "name" },
  classes = { type = "table", doc = "the classes in order; sorted if absent" },
  groups = { type = "string", doc = "the column that says what belongs together in a split" },
  missing = { type = "boolean", default = false, doc = "targets may have gaps (NaN)" },
  channels = { type = "integer", default = 1, min = 1, max = 3, doc = "1 grey, 3 colour" },
  size = { type = { "integer", "table" }, min = 1, doc = "pixels on a side, or { height, width }, to which pictures "
    .. "are resized" },
  method = { type = "string", default = "box", choices = { "box", "bilinear" }, doc = "how they are resized" },
  upright = { type = "boolean", default = false, doc = "turn JPEGs as their EXIF orientation says" },
  name = { type = "string", doc = "what messages call it; the folder's name if absent" },
})

-- The files, columns and id of a folder with a table.
local function with_table(o, position)
  local path = o.table
  if not base.exists(path) and base.exists(o.folder .. "/" .. path) then path = o.folder .. "/" .. path end
  local columns = io.csv_read(path, { header = true })
  local file = o.file or columns.file and "file" or nil
  local id = o.id or columns.stimulus_id and "stimulus_id" or columns.id and "id" or nil
  local key = file or id
  if not key then
    errors.raise("argument", position, "data.images: %s has neither a column 'file' nor 'stimulus_id'; say file = "
      .. "or id "
      .. "= \"NAME\" of the column that tells the pictures apart", path)
  end
  local files = {}
  for i, value in ipairs(columns_of.column(columns, key, path, "data.images", position)) do
    local text = math.type(value) == "float" and math.tointeger(value) or value
    files[i] = file and tostring(text) or M.file_of(o.folder, tostring(text))
  end
  return files, columns, id and columns_of.column(columns, id, path, "data.images", position) or files, path
end

-- Files in folders of classes, or in the folder itself.
local function without_table(o)
  local files, classes = {}, {}
  for _, name in ipairs(names_in(o.folder)) do
    if base.isdir(o.folder .. "/" .. name) then
      for _, file in ipairs(M.list(o.folder .. "/" .. name)) do
        files[#files + 1], classes[#classes + 1] = name .. "/" .. file, name
      end
    end
  end
  if #files > 0 then return files, { class = classes, file = files } end
  files = M.list(o.folder)
  return files, { file = files }
end

local function check_files(o, files, where, position)
  local paths = {}
  for i, file in ipairs(files) do
    paths[i] = file:sub(1, 1) == "/" and file or o.folder .. "/" .. file
    local beside = where and (where:match "^(.*/)" or "") .. file
    if beside and not base.exists(paths[i]) and base.exists(beside) then paths[i] = beside end
    if not base.exists(paths[i]) then
      errors.raise("io", position, "data.images: row %d of %s names %s, which is not there", i, where or o.folder,
        paths[i])
    end
  end
  return paths
end

--- The step that makes pictures `size` on a side; nil where size is.
function M.resize_step(size, method, word, position)
  if not size then return nil end
  local height, width = size, size
  if type(size) == "table" then height, width = size[1], size[2] end
  for _, n in ipairs { height or 0, width or 0 } do
    if math.type(n) ~= "integer" or n < 1 or n > 65536 then
      errors.raise("argument", position, "%s: size must be pixels on a side, or { height, width }", word)
    end
  end
  return { kind = "resize", height = height, width = width, method = method }
end

--- data.images { "photos", table = "labels.csv", labels = "class", channels = 1, size = 64, ... }: PNG and JPEG files
-- that are read when a batch asks for them, luminance 0 to 1. Without a table the folders inside are the classes, or
-- all files of the folder are taken; with one, its rows say which files, in which order, and what is known of them
-- (set.columns). help "set:split", "set:augment" and "set:batches" tell what goes on from there.
-- > for i = 1, 3 do image.write { "faces/" .. i .. ".png", rand { 1, 8, 8 } } end
-- > data.save_csv("faces.csv", { file = { "1.png", "2.png", "3.png" }, who = { "Ann", "Bob", "Ann" } })
-- > set = data.images { "faces", table = "faces.csv", labels = "who" }
-- > #set, set.classes, set:shape()   --> 3 { "Ann", "Bob" } { 1, 8, 8 }
function M.images(given, ...)
  local position = errors.position(2)
  schema.alone("data.images", "data.images { \"photos\", table = \"labels.csv\" }", position, ...)
  local o = schema.check("data.images", given, FIELDS, position)
  o.folder = #o.folder > 1 and o.folder:gsub("/+$", "") or o.folder
  if not base.isdir(o.folder) then errors.raise("io", position, "data.images: there is no folder %s", o.folder) end
  local files, columns, id, where
  if o.table then files, columns, id, where = with_table(o, position) else files, columns = without_table(o) end
  if #files == 0 then errors.raise("io", position, "data.images: %s holds no PNG or JPEG file", o.folder) end
  local paths = check_files(o, files, where, position)
  if not o.labels and not o.y and columns.class and not o.table then o.labels = "class" end
  local y, classes = columns_of.targets(columns, { labels = o.labels, y = o.y, classes = o.classes,
    missing = o.missing, where = where or o.folder, word = "data.images" }, position)
  local step = M.resize_step(o.size, o.method, "data.images", position)
  local source = { n = #files, pictures = core.paths(paths), channels = o.channels, upright = o.upright,
    steps = step and { step } or {}, text = "PNG and JPEG files" }
  local set = sets.make { source = source, y = y, classes = classes, columns = columns, id = id or files,
    missing = o.missing or nil, name = o.name or o.folder:match "[^/]*$",
    groups = o.groups and columns_of.column(columns, o.groups, where or o.folder, "data.images", position) }
  set:shape() -- reads the first picture: a file that cannot be read is told here
  return set
end

return M
