-- HMAX's layers against plain loops, its collection entries, imprint, and the paperclips.
local lamina = require "lamina"

local average, conjunctions, maximum, templates = lamina.average, lamina.conjunctions, lamina.maximum,
  lamina.templates

local function net_of(input, ...)
  return lamina.model "test" { lamina.input(input), lamina.area "A" { ... } }
end

local message_of = require("support.said").message

-- What a unit with template w (c x kh x kw) sees at row, column of x (c x h x w, zeros outside): three sums.
local function compared(x, w, row, column)
  local along, power, length = 0, 0, 0
  for c = 1, #w do
    for i = 1, #w[1] do
      for k = 1, #w[1][1] do
        local value = x[c][row + i - 1] and x[c][row + i - 1][column + k - 1] or 0
        along, power, length = along + value * w[c][i][k], power + value ^ 2, length + w[c][i][k] ^ 2
      end
    end
  end
  return along, power, length
end

local function core_of(value) return lamina.tensor { value } end

describe("templates", function()
  it("are cosines and Gaussians of distances, by loops", function()
    local values, x = lamina.randn { 3, 2, 3, 2, seed = 1 }, lamina.randn { 1, 2, 6, 5, seed = 2 }
    local w, seen = values:totable(), x[1]:totable()
    for _, case in ipairs { { match = "gaussian", beta = 0.3 }, { match = "cosine" }, { match = "cosine",
      signed = true } } do
      case[1], case.kernel, case.values, case.stride, case.pad = 3, { 3, 2 }, values, 2, 1
      local y = net_of({ 2, 6, 5 }, templates(case))(x)
      assert.same({ 1, 3, 3, 3 }, y.shape)
      for unit = 1, 3 do
        for i = 1, 3 do
          for k = 1, 3 do
            local along, power, length = compared(seen, w[unit], 2 * i - 2, 2 * k - 2)
            local want = along / math.sqrt(power * length)
            if case.match == "gaussian" then want = math.exp(-0.3 * (power - 2 * along + length)) end
            if case.match == "cosine" and not case.signed then want = math.abs(want) end
            assert.near(want, y[{ 1, unit, i, k }], 1e-5)
          end
        end
      end
    end
  end)

  it("find themselves, and nothing where there is nothing", function()
    local values = lamina.rand { 4, 5, seed = 3 }
    local y = net_of({ 5 }, templates { 4, values = values, beta = 3 })(values)
    for i = 1, 4 do assert.equal(1, y[{ i, i }]) end
    local blank = net_of({ 1, 4, 4 }, templates { 2, kernel = 3, match = "cosine" })(lamina.zeros { 1, 1, 4, 4 })
    assert.equal(0, blank:abs():max():item())
  end)

  it("are a buffer, or learned with the gradient of what they compute", function()
    local net = net_of({ 2, 4, 4 }, templates { 3, kernel = 2 })
    assert.equal(0, net:count())
    assert.equal(1, #net:buffers())
    for _, match in ipairs { "gaussian", "cosine" } do
      local learned = net_of({ 2, 3, 3 }, templates { 2, kernel = 2, match = match, learn = true })
      assert.equal(16, learned:count())
      assert.is_true(lamina.gradcheck(learned, { lamina.randn { 2, 2, 3, 3, seed = 4 } }).ok)
    end
    local unit = net_of({ 4 }, templates { 3, learn = true })
    assert.is_true(lamina.gradcheck(unit, { lamina.randn { 2, 4, seed = 4 } }).ok)
  end)

  it("say what does not fit", function()
    assert.matches("values are 2x1x3x3, expected 3x1x3x3", message_of(net_of, { 1, 5, 5 },
      templates { 3, kernel = 3, values = lamina.zeros { 2, 1, 3, 3 } }))
    assert.matches("needs the size of the templates", message_of(net_of, { 1, 5, 5 }, templates { 3 }))
    assert.matches("kernel is for maps", message_of(net_of, { 5 }, templates { 3, kernel = 3 }))
    assert.matches("match", message_of(net_of, { 1, 5, 5 }, templates { 3, kernel = 3, match = "best" }))
  end)
end)

describe("conjunctions", function()
  it("are products of a channel at each place, by loops", function()
    local x = lamina.randn { 1, 3, 4, 5, seed = 1 }
    local seen = x[1]:totable()
    for _, sigma in ipairs { false, 0.7 } do
      local y = conjunctions(x, { { 1, 2 }, dilation = { 1, 2 }, sigma = sigma or nil })
      assert.same({ 1, 9, 4, 3 }, y.shape)
      local function factor(v) return sigma and math.exp(-(v - 1) ^ 2 / (2 * sigma ^ 2)) or v end
      for a = 1, 3 do
        for b = 1, 3 do
          for i = 1, 4 do
            for k = 1, 3 do
              assert.near(factor(seen[a][i][k]) * factor(seen[b][i][k + 2]), y[{ 1, 3 * (a - 1) + b, i, k }], 1e-5)
            end
          end
        end
      end
    end
    assert.equal(256, conjunctions(lamina.zeros { 1, 4, 5, 5 }, { 2 }):size(2))
    assert.is_true(lamina.gradcheck(function(t) return conjunctions(t, { 2, sigma = 1 }) end,
      { lamina.rand { 1, 2, 3, 3, seed = 2 } }).ok)
  end)

  it("say what cannot be", function()
    assert.matches("more than 65536", message_of(net_of, { 20, 8, 8 }, conjunctions { 2 }))
    assert.matches("does not fit", message_of(net_of, { 2, 3, 3 }, conjunctions { 2, dilation = 3 }))
  end)
end)

describe("maximum and average", function()
  it("join branches", function()
    local x = lamina.randn { 2, 1, 4, 4, seed = 1 }
    local twice = lamina.scale { value = 2, bias = false }
    local net = net_of({ 1, 4, 4 }, maximum { lamina.identity, { twice } })
    local mean = net_of({ 1, 4, 4 }, average { lamina.identity, { twice } })
    assert.equal((x + x:relu()):digest(), net(x):detach():digest())
    assert.near(0, (mean(x) - x * 1.5):abs():max():item(), 1e-6)
    assert.matches("cannot be averaged", message_of(net_of, { 1, 4, 4 }, average { lamina.identity,
      lamina.pool.max { 2 } }))
    assert.equal(3, average(core_of(2), core_of(4)):item())
    assert.equal(4, maximum(core_of(2), core_of(4)):item())
  end)

  it("are ways for areas to combine", function()
    local net = lamina.model "two" { lamina.input { 2, 4, 4 }, lamina.area "V1" { lamina.identity },
      lamina.area "V2" { lamina.relu },
      lamina.area "V4" { from = { "V1", "V2" }, combine = "average", lamina.identity } }
    local x = lamina.randn { 1, 2, 4, 4, seed = 2 }
    assert.near(0, (net(x) - (x + x:relu()) / 2):abs():max():item(), 1e-6)
  end)
end)

describe("HMAX", function()
  it("answers to what moves as to what stands, in its C2", function()
    local net = lamina.models.hmax1999 { input = 80 }
    local set = lamina.stimuli.paperclips { { 1, 2 }, size = 80, scale = 0.5, x = { 0, 0.15 }, seed = 1 }
    local y = net:activations(set.x, "IT").IT
    local function apart(i, k) return (y[i] - y[k]):square():sum():item() end
    assert.same({ 4, 256 }, y.shape)
    assert.is_true(apart(1, 2) < 0.2 * apart(1, 3), apart(1, 2) .. " " .. apart(1, 3))
    assert.is_true(net:activations(set.x, "V1band1").V1band1:max():item() <= 1 + 1e-5)
  end)

  it("takes templates from images, which then answer most to themselves", function()
    local images = lamina.stimuli.objects { 3, size = 48, noise = 0, seed = 1 }
    local function made()
      local net = lamina.models.hmax2007 { input = 48, templates = 4, sizes = { 2, 3 } }
      return lamina.imprint { net, images, seed = 5 }
    end
    local net, again = made(), made()
    assert.equal(net:digest(), again:digest())
    local y = net:activations(images.x, "IT").IT
    assert.same({ 3, 8 }, y.shape)
    assert.near(1, y:max({ dim = 1 }):min():item(), 1e-4)
    local other = lamina.imprint { lamina.models.hmax2007 { input = 48, templates = 4, sizes = { 2, 3 } }, images,
      seed = 6 }
    assert.not_equal(net:digest(), other:digest())
  end)

  it("imprints exemplars of vectors, and says where it cannot", function()
    local net = net_of({ 6 }, templates { 2, name = "seen" })
    local x = lamina.rand { 1, 6, seed = 1 }
    lamina.imprint { net, { x = x }, layers = "A.seen" }
    assert.equal(1, net(x):min():item())
    assert.matches("no layer `templates` in A", message_of(lamina.imprint, { net_of({ 6 }, lamina.relu), { x = x },
      layers = "A" }))
    assert.matches("imprint: model is a number, expected a model", message_of(lamina.imprint, { 3, { x = x } }))
    assert.matches("imprint: option 'layers' names 'B'", message_of(lamina.imprint, { net, { x = x }, layers = "B" }))
  end)
end)

describe("stimuli.paperclips", function()
  it("holds every view of every clip, which depends on its number alone", function()
    local set = lamina.stimuli.paperclips { 2, size = 32, depth = { 0, 40 }, x = { 0, 0.1 }, seed = 3 }
    assert.equal(8, #set)
    assert.same({ 1, 1, 1, 1, 2, 2, 2, 2 }, set.columns.clip)
    assert.same({ 0, 0, 40, 40, 0, 0, 40, 40 }, set.columns.depth)
    local one = lamina.stimuli.paperclips { { 2 }, size = 32, seed = 3 }
    assert.equal(one.x[1]:digest(), set.x[5]:digest())
    assert.not_equal(set.x[1]:digest(), set.x[5]:digest())
  end)

  it("turns, moves and scales what it draws", function()
    local function drawn(o)
      o[1], o.size, o.seed = 1, 64, 1
      return lamina.stimuli.paperclips(o).x[{ 1, 1 }]
    end
    local plain = drawn { scale = 0.5 }
    assert.near(0, (drawn { scale = 0.5, x = 0.125 } - plain:roll({ 8 }, { 2 })):abs():max():item(), 1e-5)
    assert.near(0, (drawn { scale = 0.5, rotation = 180 } - plain:flip { dims = { 1, 2 } }):abs():max():item(), 1e-5)
    assert.near(0, (drawn { scale = 0.5, depth = 180 } - plain:flip { dims = { 2 } }):abs():max():item(), 1e-5)
    local function extent(t)
      local columns, rows = t:max { dim = 1 }:gt(0.5):sum():item(), t:max { dim = 2 }:gt(0.5):sum():item()
      return math.max(columns, rows)
    end
    assert.near(32, extent(plain), 3)
    assert.near(56, extent(drawn { scale = 0.875 }), 4)
  end)

  it("says what is wrong", function()
    assert.matches("clips%[2%] is 0", message_of(lamina.stimuli.paperclips, { { 1, 0 } }))
    assert.matches("scale is 0", message_of(lamina.stimuli.paperclips, { 1, scale = 0 }))
    assert.matches("unknown option 'turn'", message_of(lamina.stimuli.paperclips, { 1, turn = 3 }))
  end)
end)
