--- Comparing a result with that of another run: exact, close (within a relative tolerance), different or missing.
--
-- Exact are equal bytes, and equal contents where the bytes hold what no run repeats (the seconds of a history's
-- rows). Close is a number x for y with |x - y| <= tolerance * max(|x|, |y|), a tensor whose largest deviation is at
-- most tolerance times its largest magnitude, and a table or JSON text that is equal but for close numbers.
local base = require "lamina.core.base"
local core = require "lamina.core.tensor"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"

local M = {}

local RANK = { exact = 1, close = 2, different = 3, missing = 4 }

--- The worse of two verdicts.
function M.worse(a, b) return RANK[a] >= RANK[b] and a or b end

local function number_text(x) return math.type(x) == "integer" and tostring(x) or string.format("%.9g", x) end

--- The verdict on two numbers, and what to say of it.
function M.numbers(a, b, tolerance)
  if a == b or a ~= a and b ~= b then return "exact", number_text(a) end
  local text = string.format("%s there, %s here", number_text(a), number_text(b))
  if math.abs(a - b) <= tolerance * math.max(math.abs(a), math.abs(b)) then return "close", text end
  return "different", text
end

-- ---- texts with numbers ----------------------------------------------------------------------------------------

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "[^\r\n]+" do lines[#lines + 1] = line end
  return lines
end

local function cells_of(line)
  local cells = {}
  for cell in (line .. ","):gmatch "(.-)," do cells[#cells + 1] = cell end
  return cells
end

local function compare_csv(a, b, tolerance)
  local rows_a, rows_b = lines_of(a), lines_of(b)
  if #rows_a ~= #rows_b then
    return "different", string.format("%d lines there, %d here", #rows_a, #rows_b)
  end
  local head, verdict, note = cells_of(rows_a[1] or ""), "exact", nil
  for i, line in ipairs(rows_a) do
    local x, y = cells_of(line), cells_of(rows_b[i])
    if #x ~= #y then return "different", string.format("line %d: other columns", i) end
    for k, cell in ipairs(x) do
      if cell ~= y[k] and head[k] ~= "seconds" then
        local u, v = tonumber(cell), tonumber(y[k])
        local found, text = "different", string.format("'%s' there, '%s' here", cell:sub(1, 40), y[k]:sub(1, 40))
        if u and v then found, text = M.numbers(u, v, tolerance) end
        if RANK[found] > RANK[verdict] then
          verdict, note = found, string.format("line %d, column %s: %s", i, head[k] or k, text)
        end
      end
    end
  end
  return verdict, note
end

-- Walks two decoded JSON values.
local function compare_values(a, b, tolerance, where, out)
  if math.type(a) and math.type(b) then
    local verdict, text = M.numbers(a, b, tolerance)
    if RANK[verdict] > RANK[out.verdict] then out.verdict, out.note = verdict, where .. ": " .. text end
  elseif type(a) == "table" and type(b) == "table" then
    local keys = {}
    for key in pairs(a) do keys[key] = true end
    for key in pairs(b) do keys[key] = true end
    for key in pairs(keys) do
      if key ~= "seconds" then
        compare_values(a[key], b[key], tolerance, where == "" and tostring(key) or where .. "." .. tostring(key), out)
      end
    end
  elseif a ~= b and RANK[out.verdict] < RANK.different then
    out.verdict, out.note = "different", where .. ": another value"
  end
end

local function compare_json(a, b, tolerance)
  local out = { verdict = "exact" }
  compare_values(core_io.json_decode(a), core_io.json_decode(b), tolerance, "", out)
  return out.verdict, out.note
end

-- ---- tensors ---------------------------------------------------------------------------------------------------

local readers = {
  npy = function(path) return { [""] = core_io.npy_read(path) } end,
  npz = core_io.npz_read,
  safetensors = function(path) return (core_io.safetensors_read(path)) end,
}

local function same_shape(a, b)
  if #a ~= #b then return false end
  for i, n in ipairs(a) do
    if n ~= b[i] then return false end
  end
  return true
end

local function shape_text(t) return t.dtype .. " " .. table.concat(t.shape, "x") end

local function compare_tensors(a, b, tolerance)
  if not (core.is_tensor(a) and core.is_tensor(b)) then
    if core.is_tensor(a) or core.is_tensor(b) then return "different", "a tensor and a list" end
    local out = { verdict = "exact" }
    compare_values(a, b, tolerance, "", out)
    return out.verdict, out.note
  end
  if not same_shape(a.shape, b.shape) or a.dtype ~= b.dtype then
    return "different", shape_text(a) .. " there, " .. shape_text(b) .. " here"
  end
  if a:digest() == b:digest() then return "exact" end
  local x, y = a:reshape({ -1 }):to "float64", b:reshape({ -1 }):to "float64"
  local off, most = (x - y):abs():max():item(), x:abs():max():item()
  local at = (x - y):abs():argmax():item()
  local text = string.format("element %d: %.9g there, %.9g here", at, x[at], y[at])
  if off == off and off <= tolerance * most then return "close", text end
  return "different", text
end

local function compare_archives(ending, path_a, path_b, tolerance)
  local a, b = readers[ending](path_a), readers[ending](path_b)
  local verdict, note, names = "exact", nil, {}
  for name in pairs(a) do names[#names + 1] = name end
  for name in pairs(b) do
    if a[name] == nil then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local found, text
    if a[name] == nil or b[name] == nil then
      found, text = "different", a[name] and "not there in this run" or "new in this run"
    else
      found, text = compare_tensors(a[name], b[name], tolerance)
    end
    if RANK[found] > RANK[verdict] then
      verdict, note = found, (name ~= "" and "tensor " .. name .. ", " or "") .. (text or "")
    end
  end
  return verdict, note
end

-- ---- files -----------------------------------------------------------------------------------------------------

local DRAWINGS = { svg = true, pdf = true, png = true }

--- Whether a file is a drawing, whose bytes depend on fonts and on Cairo's version.
function M.is_drawing(name) return DRAWINGS[name:match "%.(%w+)$" or ""] == true end

--- The most bytes of a text that is taken apart.
M.TEXT = 256 << 20

--- nil where a file of a new run is about as large as the bundle's, and neither larger than `most` (nil: whatever),
-- else what to say: what has grown without measure is not read into memory to be compared.
function M.oversize(path_a, path_b, most)
  local process = require "lamina.core.process"
  local there, here = process.size(path_a), process.size(path_b)
  if here > 2 * there + (1 << 20) or math.max(there, here) > (most or there + here) then
    return string.format("%d bytes there, %d here", there, here)
  end
end

--- The verdict on a file of results, and what to say of it. A drawing whose bytes differ is "different", with a
-- note; the caller decides what that counts.
function M.files(path_a, path_b, tolerance)
  if not base.exists(path_b) then return "missing", "this run did not write it" end
  if base.isdir(path_b) then return "different", "a folder in this run" end
  if base.sha256_file(path_a) == base.sha256_file(path_b) then return "exact" end
  local ending = (path_a:match "%.(%w+)$" or ""):lower()
  local grown = M.oversize(path_a, path_b, not readers[ending] and M.TEXT or nil)
  if grown then return "different", grown end
  local verdict, note = errors.try(function()
    if readers[ending] then return compare_archives(ending, path_a, path_b, tolerance) end
    if ending == "csv" then return compare_csv(core_io.text_read(path_a), core_io.text_read(path_b), tolerance) end
    if ending == "json" then return compare_json(core_io.text_read(path_a), core_io.text_read(path_b), tolerance) end
    return "different", DRAWINGS[ending] and "a drawing, in which fonts show; its numbers stand beside it as CSV"
      or "other bytes"
  end)
  if not verdict then return "different", note.message end
  if verdict == "exact" and not note then note = "equal but for times" end
  return verdict, note
end

return M
