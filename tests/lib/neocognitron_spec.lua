-- S cells and their learning against the formulas by hand; tolerance against moved images; digits.
local lamina = require "lamina"
local learning = require "lamina.self_organise"

local tensor = lamina.tensor

local function net_of(input, ...)
  return lamina.model "test" { lamina.input(input), lamina.area "A" { ... } }
end

local message_of = require("support.said").message

describe("s_cells", function()
  it("are their formula, by loops", function()
    local net = net_of({ 2, 4, 5 }, lamina.s_cells { 3, kernel = 3, pad = 1, stride = 2, r = 1.5, decay = 0.8 })
    local x = lamina.rand { 1, 2, 4, 5, seed = 1 }
    local w, b = lamina.rand { 3, 2, 3, 3, seed = 2 }, lamina.rand { 3, seed = 3 }
    net:parameters()[1].tensor:detach():copy(w)
    net:parameters()[2].tensor:detach():copy(b)
    local y, seen, a, inhibition = net(x):detach(), x[1]:totable(), w:totable(), b:totable()
    local sum = 0
    for i = -1, 1 do
      for k = -1, 1 do sum = sum + 2 * 0.8 ^ math.sqrt(i * i + k * k) end
    end
    for unit = 1, 3 do
      for row = 1, 2 do
        for column = 1, 3 do
          local e, v = 0, 0
          for c = 1, 2 do
            for i = -1, 1 do
              for k = -1, 1 do
                local line = seen[c][2 * row - 1 + i]
                local u = line and line[2 * column - 1 + k] or 0
                e = e + a[unit][c][i + 2][k + 2] * u
                v = v + 0.8 ^ math.sqrt(i * i + k * k) / sum * u * u
              end
            end
          end
          local want = 1.5 * math.max(0, (1 + e) / (1 + 2 * 1.5 / 2.5 * inhibition[unit] * math.sqrt(v)) - 1)
          assert.near(want, y[{ 1, unit, row, column }], 1e-5)
        end
      end
    end
    assert.is_true(lamina.gradcheck(net, { x }).ok)
  end)

  it("answer 1 to the one strong pattern that they have learned, less to others", function()
    local net = net_of({ 1, 3, 3 }, lamina.s_cells { 1, kernel = 3, r = 4 })
    local line = tensor { { { { 0, 1, 0 }, { 0, 1, 0 }, { 0, 1, 0 } } } }
    local other = tensor { { { { 0, 0, 0 }, { 1, 1, 1 }, { 0, 0, 0 } } } }
    lamina.self_organise { net, line, presentations = 2000, rate = 1000 }
    assert.near(1, net(line):item(), 1e-3)
    assert.equal(0, net(other):item())
  end)
end)

describe("self_organise", function()
  it("finds the strongest cell of each column, one for each plane", function()
    local answer = lamina.zeros { 2, 3, 4 }
    answer[{ 1, 1, 1 }], answer[{ 1, 3, 4 }], answer[{ 2, 1, 2 }] = 2, 3, 1
    assert.same({ 12 }, learning.seeds(answer, 5))
    assert.same({ 12, 2 }, learning.seeds(answer, 1))
    assert.same({}, learning.seeds(lamina.zeros { 2, 3, 4 }, 2))
    answer[{ 2, 2, 2 }] = 2.5
    assert.same({ 12, 6 }, learning.seeds(answer, 2))
  end)

  it("adds q c u and q / 2 v at the seed alone", function()
    local net = net_of({ 1, 4, 4 }, lamina.s_cells { 2, kernel = 3, pad = 1, decay = 1 })
    local x = lamina.rand { 1, 1, 4, 4, seed = 1 }
    local before, answer = net.nodes[1].params.weight:detach():clone(), net(x):detach()
    local seeds = learning.seeds(answer[1], 4)
    lamina.self_organise { net, x, presentations = 1, rate = 3, column = 4 }
    local wide = x:pad { before = { 1, 1 }, after = { 1, 1 }, dims = { 3, 4 } }
    for plane = 1, 2 do
      local change = net.nodes[1].params.weight[{ plane, 1 }]:detach() - before[{ plane, 1 }]
      local b = net.nodes[1].params.inhibition:detach()[plane]
      if seeds[plane] then
        local row, column = (seeds[plane] - 1) // 4 + 1, (seeds[plane] - 1) % 4 + 1
        local seen = wide[{ 1, 1, { row, row + 2 }, { column, column + 2 } }]
        assert.near(0, (change - seen * (3 / 9)):abs():max():item(), 1e-6)
        assert.near(1.5 * math.sqrt((seen:square():sum() / 9):item()), b, 1e-5)
      else
        assert.equal(0, change:abs():max():item())
        assert.equal(0, b)
      end
    end
  end)

  it("says what is wrong", function()
    local net = net_of({ 1, 4, 4 }, lamina.s_cells { 2, kernel = 3 })
    assert.matches("no layer `s_cells`", message_of(lamina.self_organise, { net_of({ 3 }, lamina.relu),
      lamina.zeros { 1, 3, 1, 1 } }))
    assert.matches("option 'rate' is %-1", message_of(lamina.self_organise, { net, lamina.zeros { 1, 1, 4, 4 },
      rate = -1 }))
    assert.matches("column%[2%] is 1.5", message_of(lamina.self_organise, { net, lamina.zeros { 1, 1, 4, 4 },
      column = { 3, 1.5 } }))
    assert.matches("expected a square", message_of(lamina.models.neocognitron, { input = 12 }))
  end)
end)

describe("pool.saturating", function()
  it("weighs by decay^distance, with or without their sum", function()
    local x = lamina.zeros { 1, 1, 3, 3 }
    x[{ 1, 1, 1, 2 }] = 2
    local y = lamina.pool.saturating(x, { 3, decay = 0.5, alpha = 0.5, mean = false, inhibition = false })
    assert.near(1 / (0.5 + 1), y:item(), 1e-6)
    local sum = 1 + 4 * 0.5 + 4 * 0.5 ^ math.sqrt(2)
    y = lamina.pool.saturating(x, { 3, decay = 0.5, alpha = 0.5, inhibition = false })
    assert.near(1 / sum / (0.5 + 1 / sum), y:item(), 1e-6)
  end)
end)

describe("tolerance", function()
  it("is the mean over images and directions", function()
    local net = net_of({ 1, 4, 4 }, lamina.identity, lamina.pool.global "avg")
    local x = lamina.zeros { 1, 1, 4, 4 }
    x[{ 1, 1, 1, 1 }], x[{ 1, 1, 1, 2 }] = 1, 1
    local t = lamina.tolerance { net, x, shifts = { 0, 1 }, edge = "zero" }
    assert.same({ "A.identity1", "A.pool1" }, t.layers)
    assert.same({ 2, 2 }, t.similarity.shape)
    assert.near(1, t.similarity[{ 1, 1 }], 1e-12)
    -- right: half stays; left: half, the other half leaves; down: nothing; up: all leaves
    assert.near((0.5 + 1 / math.sqrt(2) + 0 + 0) / 4, t.similarity[{ 1, 2 }], 1e-6)
    assert.near(3 / 4, t.similarity[{ 2, 2 }], 1e-6)
    assert.matches("A.pool1 +1.000 +0.750", tostring(t))
    local distance = lamina.tolerance { net, x, layers = "A", shifts = { 2 }, edge = "zero", measure = "distance",
      by = function(images, amount) return images * amount end }
    assert.near(1 - 1 / 3, distance.similarity[{ 1, 1 }], 1e-6)
    local around = lamina.tolerance { net, x, layers = "A.identity1", shifts = { 1 }, edge = "circular",
      measure = "correlation" }
    local r = (1 / 16 - (2 / 16) ^ 2) / (2 / 16 - (2 / 16) ^ 2)
    assert.near((2 * r + 2 * -((2 / 16) ^ 2) / (2 / 16 - (2 / 16) ^ 2)) / 4, around.similarity[{ 1, 1 }], 1e-6)
  end)

  it("says what is wrong", function()
    local net = net_of({ 1, 4, 4 }, lamina.identity)
    local x = lamina.zeros { 1, 1, 4, 4 }
    assert.matches("shifts holds 4", message_of(lamina.tolerance, { net, x, shifts = { 4 } }))
    assert.matches("tolerance: option 'layers' names 'B'", message_of(lamina.tolerance, { net, x, layers = "B" }))
    assert.matches("tolerance: model is a number, expected a model", message_of(lamina.tolerance, { 3, x }))
  end)
end)

describe("stimuli.digits", function()
  it("draws every combination, with labels", function()
    local set = lamina.stimuli.digits { { 3, 1 }, size = 24, x = { 0, 0.25 } }
    assert.same({ "3", "1" }, set.classes)
    assert.same({ 1, 1, 2, 2 }, set.y:totable())
    assert.same({ 3, 3, 1, 1 }, set.columns.digit)
    assert.near(0, (set.x[1]:roll({ 6 }, { 3 }) - set.x[2]):abs():max():item(), 1e-6)
    assert.equal(10, #lamina.stimuli.digits {})
  end)

  it("has digits that are alike where they are: 0 and 8 by halves, 6 is a turned 9", function()
    local function drawn(digit, o)
      o = o or {}
      o[1], o.size, o.scale = digit, 32, 0.8
      return lamina.stimuli.digits(o).x[{ 1, 1 }]
    end
    for _, digit in ipairs { 0, 8 } do
      local x = drawn(digit)
      assert.near(0, (x - x:flip { dims = { 2 } }):abs():max():item(), 1e-5)
    end
    local six, nine = drawn(6), drawn(9, { rotation = 180 })
    assert.is_true((six - nine):abs():mean():item() < 0.05)
    assert.is_true((six - drawn(9)):abs():mean():item() > 0.08)
    assert.matches("expected 0 to 9", message_of(lamina.stimuli.digits, { 11 }))
    assert.matches("scale is 0", message_of(lamina.stimuli.digits, { 1, scale = 0 }))
  end)
end)
