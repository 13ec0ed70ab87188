--- lamina.activations.cache: activations that have been computed, found again by what they are of.
--
-- An entry is a file KEY.npy, presentation x neuroid (x time step), and beside it KEY.json, which says what it holds
-- and what its checksum is. KEY is the SHA-256 of everything that the numbers depend on: the version of the numerics,
-- the model's layers with their options, its weights, every stimulus, what is done to them, the layers and steps
-- asked for. A file whose checksum is not what the .json says is damaged: it is computed anew. Files appear complete
-- or not at all, and two programs that compute the same write the same bytes.
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"
local experiment = require "lamina.experiment"

local M = {}

-- ---- keys ------------------------------------------------------------------------------------------------------

-- A value of an option as text; nil for what has none that says all (a function).
local function text_of(value, depth)
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) == "userdata" and value.digest then return value:digest() end
  if type(value) ~= "table" or depth > 8 then return nil end
  local parts = {}
  for key, one in next, value do
    if key ~= "position" then
      local text = text_of(one, depth + 1)
      if not text then return nil end
      parts[#parts + 1] = tostring(key) .. "=" .. text
    end
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

-- What only says how weights and buffers begin (their digest says what they are), or how they are held.
local NO_MATTER = { init = true, constraint = true, name = true }

-- A layer as text: its word, options, and what it reads; nil and a reason where it cannot be told.
local function node_text(node, number)
  if node.layer.own then return nil, string.format("%s is a layer of the script's own", node.name) end
  local parts = { node.name, node.layer.full }
  local options = {}
  for name, value in next, node.options do
    local beginning = name == "first" and type(value) == "function" -- the centres of rbf
    if not NO_MATTER[name] and not beginning then
      local text = text_of(value, 1)
      if not text then return nil, string.format("the option %s of %s is a %s", name, node.name, type(value)) end
      options[#options + 1] = name .. "=" .. text
    end
  end
  table.sort(options)
  parts[3] = table.concat(options, " ")
  for i, source in ipairs(node.sources) do
    parts[#parts + 1] = string.format("<%s@%d", source.port and "input" or source.name, node.delays[i] or 0)
  end
  parts[#parts + 1] = node.shared and "shared " .. node.shared.name or ""
  parts[#parts + 1] = node.block.connection and "connection" or node.block.kind
  return number .. " " .. table.concat(parts, "|")
end

--- What a model computes, as text: its graph and its weights' digest; nil and the reason where that cannot be told.
function M.model_text(net)
  local lines = { table.concat(net.input, "x") .. " steps " .. tostring(net.steps), net:digest() }
  for i, node in ipairs(net.order) do
    local text, why = node_text(node, i)
    if not text then return nil, why end
    lines[#lines + 1] = text
  end
  return table.concat(lines, "\n")
end

--- The key of an entry: the SHA-256 of the lines that say what it depends on.
function M.key(lines)
  return base.sha256(table.concat({ "lamina activations 1", "numerics " .. base.numerics, "lamina " .. base.version,
    table.concat(lines, "\n") }, "\n"))
end

-- ---- places ----------------------------------------------------------------------------------------------------

--- The folder of the entries: `given`, else activations/ in the folder of Lamina's cache (the environment variable
-- LAMINA_CACHE, else ~/.cache/lamina); nil where there is none.
function M.folder(given)
  if type(given) == "string" then return given end
  local root = require("lamina.experiment.folder").cache()
  return root and root .. "/activations"
end

-- ---- entries ---------------------------------------------------------------------------------------------------

--- The entry of a key in a folder: { path =, shape =, missing = } where it is there and undamaged; else nil, and the
-- reason where a file is there.
function M.find(folder, key, shape)
  local path, about = folder .. "/" .. key .. ".npy", folder .. "/" .. key .. ".json"
  experiment.derived(path)
  experiment.derived(about)
  if not base.exists(path) then return nil end
  local entry = errors.try(function() return core_io.json_decode(core_io.text_read(about)) end)
  if type(entry) ~= "table" or entry.key ~= key or type(entry.checksum) ~= "string" then
    return nil, "what belongs beside it is missing or damaged"
  end
  if type(entry.shape) ~= "table" or table.concat(entry.shape, "x") ~= table.concat(shape, "x") then
    return nil, "it says that its shape is another"
  end
  local checksum, err = errors.try(core_io.checksum_file, path)
  if err and err.kind == "interrupt" then error(err, 0) end
  if checksum ~= entry.checksum then return nil, err and err.message or "its checksum is not what it was" end
  return { path = path, shape = shape, missing = type(entry.missing) == "table" and entry.missing or {} }
end

--- A file for a new entry, to be written row by row (core.io's npy_rows).
function M.begin(folder, key, shape)
  base.mkdir(folder)
  return core_io.npy_rows(folder .. "/" .. key .. ".npy", "float32", shape)
end

--- Ends a new entry: `about` is what people may read in its .json.
function M.finish(writer, folder, key, shape, about)
  about.checksum, about.key, about.shape = writer:commit(), key, shape
  about.numerics, about.lamina = base.numerics, base.version
  core_io.text_write(folder .. "/" .. key .. ".json", core_io.json_encode(about, 2) .. "\n")
end

return M
