-- Every allocation from the system fails once, in turn, whoever makes it: libjpeg, zlib, stdio, the runtime's own
-- allocator, and Cairo, fontconfig and libhdf5 in the programs that they run in (tests/support/refuse.c and
-- refusals.lua). Each failure is a clean error or of no consequence, leaves no memory behind, and the same work done
-- afterwards gives the same bits. All of them under LAMINA_OOM (./run test --oom), else a sample.
local base = require "lamina.core.base"
local command = require "tests.support.command"

local ALL = base.getenv "LAMINA_OOM"
local library = (command.path:match "^(.*)/[^/]*$" or ".") .. "/tests/refuse.so"
local here = base.getenv "PWD"

-- Runs refusals.lua; `step` is how far apart the failures are where not all are tried.
local function sweep(work, step, child)
  if not base.exists(library) then return pending "no allocator that refuses: the C library or a sanitizer" end
  local arguments = { "--threads", "1", "--", here .. "/tests/support/refusals.lua", work,
    tostring(ALL and 1 or step), child }
  local result = command.run(arguments, { env = "REFUSE=" .. library .. " LD_PRELOAD=" .. library, dir = here })
  if result.code ~= 0 or not result.out:find(", 0 problems\n", 1, true) then
    error(work .. ": " .. result.out .. result.err)
  end
end

describe("memory refused by the system", function()
  for _, work in ipairs { "training", "train" } do
    it("in " .. work, function() sweep(work, 8) end)
  end
  for _, kind in ipairs { "npy", "npz", "safetensors", "idx", "idx.gz", "csv", "json", "png", "jpg", "mat" } do
    it("in reading " .. kind, function() sweep("read " .. kind, 5) end)
    if kind ~= "mat" then it("in writing " .. kind, function() sweep("write " .. kind, 6) end) end
  end
  it("in listing a folder", function() sweep("read folder", 1) end)
  for _, kind in ipairs { "h5", "nc", "7.3" } do
    it("in reading " .. kind, function()
      sweep("read " .. kind, 20)
      sweep("read " .. kind, 400, "child")
    end)
  end
  it("in writing h5", function()
    sweep("write h5", 5)
    sweep("write h5", 400, "child")
  end)
  for _, format in ipairs { "svg", "pdf", "png" } do
    it("in a figure as " .. format, function()
      local there = pcall(require("lamina.core.figure").canvas, format, 1, 1)
      if not there then return pending "no Cairo in this build" end
      sweep("figure " .. format, 3)
      sweep("figure " .. format, 1500, "child")
    end)
  end
end)
