-- Learning with everything that changes weights, after 12 steps: one digest, with any number of threads and with the
-- kernels of every instruction set, equal to the stored value. When the numerics version changes, so does that.
local command = require "support.command"

local STORED = "435f1ad26c080ca9d686c56c48ffdbc181da0806f84186c1fcdd60f5142955e1"

local SCRIPT = [[
local x = randn { 72, 1, 12, 12 }
local flat = x:reshape { 72, 144 }
local set = data.tensors { x, { side = flat:select(2, 1):gt(0):to "int64" + 1,
  where = flat:slice(2, 2, 3):contiguous() } }
local net = model "all" { seed = 4, steps = 2, input { 1, 12, 12 },
  area "V1" { rule = { "bcm", rate = 1e-2, memory = 0.9 }, cells = dale { 0.75 },
    conv { 8, kernel = 5, constraint = { "norm", max = 1 } }, relu },
  area "V2" { conv { 6, kernel = 3, pad = 1, constraint = { "distance", max = 0.3 } }, relu },
  lateral { "V2", conv { 6, kernel = 1, constraint = { "sum", 0.5 } } },
  readout "side" { dense { 2 } }, readout "where" { from = "V1", factorized { 2, non_negative = true } } }
train { model = net, data = set, epochs = 2, batch = 12, log = false, seed = 1,
  loss = { side = "cross_entropy", where = { "huber", weight = 0.5 } },
  penalty = { { l1 = 1e-3, group = 1e-3 }, { smooth = 1e-2, of = "V2" }, { activity = { l2 = 1e-3, of = "V2" } } },
  optimizer = rmsprop { rate = 1e-2, momentum = 0.9, clip = 5, clip_value = 0.5, average = 0.9 } }
print(net:holds(), net:digest())
]]

describe("twelve steps with rules, constraints, penalties and averages", function()
  for _, case in ipairs { { 1 }, { 2 }, { 4 }, { 2, "generic" }, { 3, "avx2" } } do
    it(string.format("have the stored digest with %d threads%s", case[1], case[2] and ", " .. case[2] or ""),
    function()
      local done = command.run({ "--seed", "1", "--threads", tostring(case[1]), "-e", SCRIPT },
        { env = case[2] and "LAMINA_ISA=" .. case[2] or nil })
      if done.code ~= 0 and done.err:find "LAMINA_ISA" then return pending("no " .. case[2]) end
      assert.equal("true\t" .. STORED .. "\n", done.out .. done.err)
    end)
  end
end)
