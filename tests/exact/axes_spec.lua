-- The quick part of ./run exact: every op's results and gradients have one digest, whatever the number of threads and
-- the instruction set; LeNet's is in lenet_spec.lua.
local base = require "lamina.core.base"
local command = require "support.command"

local program = command.path:gsub("[^/]*$", "") .. "exact/check_ops"
local built = io.open(program, "rb")
if built then built:close() end

local function digests(environment, threads)
  local pipe = assert(io.popen(string.format("%s %s %d 2>/dev/null", environment, command.quote(program), threads)))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  assert(pipe:close(), "check_ops failed")
  return lines
end

local described = built and describe or pending

described("every op", function()
  local first
  setup(function() first = digests("", 2) end)

  it("is told apart", function()
    assert.is_true(#first > 100)
    assert.matches("^digest: %x+$", first[#first])
  end)

  for _, threads in ipairs { 1, 3 } do
    it("gives the same bits with " .. threads .. " thread" .. (threads > 1 and "s" or ""), function()
      assert.same(first, digests("", threads))
    end)
  end

  for _, isa in ipairs(base.isas()) do
    it("gives the same bits with the kernels for " .. isa, function()
      assert.same(first, digests("LAMINA_ISA=" .. isa, 2))
    end)
  end
end)
