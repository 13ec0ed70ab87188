--- What this machine and this build can do, and whether they give the bits that they must: what `lamina doctor` says.
local base = require "lamina.core.base"
local errors = require "lamina.errors"

local M = {}

-- ---- the bits ----------------------------------------------------------------------------------------------------

--- The SHA-256 of M.probe() for each version of the numbers.
M.expected = {
  [2] = "5bc8d8645cbfecac507c3c8b0f581a1c2f02e444e119431831736d4ee2bae958",
}

--- A short computation in which most kernels have a part: products, convolutions, elementary functions, sums, random
-- numbers, five steps of training. Returns the SHA-256 of what it gives.
function M.probe()
  local words = require "lamina.words"
  local tensor, ops = require "lamina.core.tensor", require "lamina.core.ops"
  local function find(name) return words.find(name) end
  local parts = {}
  local function add(t) parts[#parts + 1] = t:digest() end
  local function normal(shape, step, dtype, purpose)
    return tensor.draw { kind = "normal", shape = shape, seed = 11, purpose = purpose or "doctor", step = step,
      dtype = dtype }
  end
  for _, dtype in ipairs { "float32", "float64" } do
    local x, y = normal({ 37, 53 }, 1, dtype), normal({ 53, 29 }, 2, dtype)
    add(ops.matmul(x, y))
    for _, f in ipairs { "exp", "tanh", "erf", "sin", "cos", "sigmoid", "log1p", "expm1" } do
      add(ops[f](f == "log1p" and ops.abs(x) or x))
    end
    add(ops.sum(x))
    add(ops.softmax(x, { dim = 2 }))
    add(ops.conv2d(normal({ 2, 3, 17, 19 }, 3, dtype), normal({ 8, 3, 3, 3 }, 4, dtype), { pad = 1 }))
  end
  local net = find "model" "doctor" { seed = 5, find "input" { 1, 12, 12 },
    find "area" "V1" { find "conv" { 4, kernel = 3 }, find "norm".batch, find "relu", find "pool".max { 2 } },
    find "readout" "class" { find "dense" { 5 } } }
  local opt = find "adam" { rate = 1e-2 }
  opt:attach(net)
  for step = 1, 5 do
    local x = normal({ 8, 1, 12, 12 }, step, "float32", "doctor.x")
    local loss = find "cross_entropy"(net:forward(x, { training = true, step = step }),
      tensor.tensor({ 1, 2, 3, 4, 5, 1, 2, 3 }, { dtype = "int64" }))
    opt:step(loss)
    add(loss:detach())
  end
  parts[#parts + 1] = net:digest()
  return base.sha256(table.concat(parts, "\n"))
end

-- What the probe gives in a process of its own with other kernels or threads; nil and why where it cannot run.
local function probe_with(isa, threads)
  local quoted = require("lamina.shell").quoted(base.executable())
  local code = 'print(require("lamina.doctor").probe())'
  local pipe = io.popen(string.format("LAMINA_ISA=%s %s --threads %d -e '%s' 2>&1", isa, quoted, threads, code))
  local text = pipe and pipe:read "a" or ""
  if pipe then pipe:close() end
  local digest = text:match "(%x+)\n$"
  return digest and #digest == 64 and digest or nil, text
end

-- ---- what is found -----------------------------------------------------------------------------------------------

local Report = {}
Report.__index = Report

local MARKS = { ok = "ok    ", missing = "absent", wrong = "WRONG ", note = "      " }

function Report:add(mark, name, format, ...)
  if mark == "wrong" then self.wrong = self.wrong + 1 end
  self.lines[#self.lines + 1] = string.format("%s  %-18s %s", MARKS[mark], name, string.format(format, ...))
end

local function gigabytes(bytes) return string.format("%.1f GB", bytes / 1e9) end

local function machine(r)
  r:add("ok", "lamina", "%s, numerics %d, %s", base.version, base.numerics, base.executable())
  r:add("ok", "processor", "%s", base.cpu())
  r:add("ok", "kernels", "%s%s", base.isa(), base.getenv "LAMINA_ISA" and " (LAMINA_ISA)" or "")
  r:add("ok", "threads", "%d", base.threads())
  r:add("ok", "memory", "%s for this process", gigabytes(base.memory().machine or 0))
end

-- A part that is loaded or started at its first use: tried here.
local function part(r, name, what, f)
  local fine, e = errors.try(function()
    f()
    return true
  end)
  if fine then
    r:add("ok", name, "%s", what)
  else
    r:add("missing", name, "%s: %s", what, (tostring(e.message):gsub("\n.*", "")))
  end
end

local function temporary(ending)
  local path = os.tmpname()
  os.remove(path)
  return path .. ending
end

local function parts(r)
  part(r, "figures", "SVG, PDF and PNG by Cairo", function()
    local path = temporary ".svg"
    require("lamina.plot").line { x = { 1, 2 }, y = { 1, 2 } }:save(path)
    os.remove(path)
    os.remove((path:gsub("%.svg$", ".csv")))
  end)
  part(r, "linear algebra", "SVD and eigenvalues by OpenBLAS", function()
    require("lamina.linalg").svd(require("lamina.core.tensor").eye(2))
  end)
  part(r, "HDF5", "HDF5, netCDF-4 and MATLAB 7.3 files", function()
    local path = temporary ".h5"
    require("lamina.hdf5").write(path, { x = require("lamina.core.tensor").zeros { 2 } })
    os.remove(path)
  end)
  part(r, "downloads", "data sets by libcurl", function()
    local path = temporary ".part"
    require("lamina.core.fetch").get { url = "none://here", path = path, from = 0, limit = 1, stall = 1 }
    os.remove(path)
  end)
  local editor = require("lamina.core.terminal").editor()
  r:add(editor and "ok" or "missing", "prompt", "%s", editor and "lines edited and completed by " .. editor
    or "this build lacks GNU readline: plain lines, without completion and history")
  part(r, "JPEG", "pictures by libjpeg-turbo", function()
    local path = temporary ".jpg"
    require("lamina.image").write { path, require("lamina.core.tensor").zeros { 8, 8 } }
    os.remove(path)
  end)
end

-- What the walls around an untrusted script lack here: asked of a run behind them.
local function sandbox(r)
  local process = require "lamina.core.process"
  local dir = process.scratch()
  local code = process.lamina({ "--untrusted", "--out", dir .. "/out", "-e", "" }, { err = dir .. "/err" })
  local said = require("lamina.core.io").text_read(dir .. "/err"):gsub("^lamina: ", ""):gsub("%s+$", "")
  process.remove_tree(dir)
  if code ~= 0 then
    r:add("wrong", "sandbox", "lamina --untrusted does not run: %s", said)
  elseif said ~= "" then
    r:add("missing", "sandbox", "%s", (said:gsub("^untrusted: ", "")))
  else
    r:add("ok", "sandbox", "limits, Landlock and seccomp around untrusted scripts; programs, threads and bytes "
      .. "written are counted ten times a second")
  end
end

local function data(r)
  local root = base.getenv "LAMINA_DATA"
  if root and root ~= "" and not base.isdir(root) then
    r:add("wrong", "data", "LAMINA_DATA names '%s', which is no folder", root)
    return
  end
  local cache = require("lamina.experiment.folder").cache()
  for _, place in ipairs { { "LAMINA_DATA", root }, { "the cache", cache and cache .. "/data" } } do
    local dir = place[2]
    if dir and dir ~= "" then
      local names = {}
      for _, name in ipairs(base.isdir(dir) and base.list(dir) or {}) do
        if base.isdir(dir .. "/" .. name) then names[#names + 1] = name end
      end
      r:add("note", "data", "%s, %s: %s", place[1], dir, #names > 0 and table.concat(names, ", ") or "none")
    end
  end
end

-- What `activations` has kept.
local function kept(r)
  local folder, n = require("lamina.activations.cache").folder(), 0
  if not folder then
    r:add("note", "activations", "kept nowhere: neither LAMINA_CACHE nor HOME is set")
    return
  end
  for _, name in ipairs(base.isdir(folder) and base.list(folder) or {}) do
    if name:find "%.npy$" then n = n + 1 end
  end
  r:add("note", "activations", "%s: %d kept (each may be removed)", folder, n)
end

local function terminal(r)
  local colour = require("lamina.prompt.ink").on() and "colours" or "no colours"
  local size = require("lamina.core.terminal").size()
  r:add("note", "terminal", "%s, %d x %d, %s", base.getenv "TERM" or "TERM is not set", size.columns, size.rows,
    colour)
end

local function bits(r)
  local expected = M.expected[base.numerics]
  local here = M.probe()
  local fine = here == expected
  r:add(fine and "ok" or "wrong", "bits", "%s", fine and "a short computation gives the bits that it gives everywhere"
    or string.format("a short computation gives %s, not %s: results of this build are not those of others",
      here:sub(1, 16), tostring(expected):sub(1, 16)))
  for _, isa in ipairs(base.isas()) do
    local digest, text = probe_with(isa, isa == "generic" and 3 or 1)
    if digest then
      r:add(digest == expected and "ok" or "wrong", "bits of " .. isa, "%s", digest == expected and "the same"
        or "others: " .. digest:sub(1, 16))
    elseif not text:find("LAMINA_ISA", 1, true) then
      r:add("wrong", "bits of " .. isa, "%s", (text:gsub("\n.*", "")))
    end
  end
end

--- Looks at everything; returns the lines, and how many of them say that something is wrong.
function M.look()
  local r = setmetatable({ lines = {}, wrong = 0 }, Report)
  machine(r)
  parts(r)
  sandbox(r)
  data(r)
  kept(r)
  terminal(r)
  bits(r)
  return r.lines, r.wrong
end

return M
