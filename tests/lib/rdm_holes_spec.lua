-- RDMs of trials with missing channels, against loops over pairs of trials: rsatoolbox 0.3.2 divides correlation sums
-- by all channels, those that are missing too, and reads past the end for mahalanobis and crossnobis.
local rdm = require "lamina.rdm"
local tensor = require "lamina.core.tensor"

local CONDITIONS, TRIALS, CHANNELS = 5, 4, 7
local N = CONDITIONS * TRIALS

local function draw(purpose, shape)
  return tensor.draw { kind = "normal", shape = shape, seed = 5, purpose = purpose, dtype = "float64" }
end

local x, cond, fold = draw("holes", { N, CHANNELS }):totable(), {}, {}
for i = 1, N do
  cond[i], fold[i] = (i - 1) % CONDITIONS + 1, (i - 1) // CONDITIONS + 1
  for j = 1, CHANNELS do x[i][j] = x[i][j] + math.sin(cond[i] * j) end
  x[i][i % CHANNELS + 1] = 0 / 0
  if i % 3 == 0 then x[i][(i * i) % CHANNELS + 1] = 0 / 0 end
end
local half = draw("precision", { CHANNELS, CHANNELS })
local precision = half:matmul(half:t()) + tensor.eye(CHANNELS, { dtype = "float64" })
local weights = precision:totable()

-- What two trials have in common, by a product of the channels that both have, and how many these are.
local function correlation(a, b, both)
  local n, sa, sb, aa, bb, ab = #both, 0, 0, 0, 0, 0
  for _, j in ipairs(both) do
    sa, sb, aa, bb, ab = sa + a[j], sb + b[j], aa + a[j] ^ 2, bb + b[j] ^ 2, ab + a[j] * b[j]
  end
  return (ab - sa * sb / n) / math.sqrt((aa - sa * sa / n) * (bb - sb * sb / n)) * n / 2
end

local function mahalanobis(a, b, both)
  local sum = 0
  for _, j in ipairs(both) do
    for _, k in ipairs(both) do sum = sum + a[j] * weights[j][k] * b[k] end
  end
  return sum
end

-- The dissimilarities from all pairs of trials, of other folds alone where `crossed`.
local function by_pairs(product, crossed)
  local sums, counts = {}, {}
  for i = 1, N do
    for k = 1, N do
      if not crossed or fold[i] ~= fold[k] then
        local both, key = {}, (cond[i] - 1) * CONDITIONS + cond[k]
        for j = 1, CHANNELS do
          if x[i][j] == x[i][j] and x[k][j] == x[k][j] then both[#both + 1] = j end
        end
        sums[key] = (sums[key] or 0) + product(x[i], x[k], both)
        counts[key] = (counts[key] or 0) + #both
      end
    end
  end
  local function mean(a, b)
    local key = (a - 1) * CONDITIONS + b
    return sums[key] / counts[key]
  end
  local d = {}
  for a = 1, CONDITIONS do
    for b = a + 1, CONDITIONS do d[#d + 1] = mean(a, a) + mean(b, b) - mean(a, b) - mean(b, a) end
  end
  return tensor.tensor({ d }, { dtype = "float64" })
end

describe("rdm of trials with missing channels", function()
  local function agrees(product, crossed, given)
    local o = { tensor.tensor(x, { dtype = "float64" }), conditions = cond, missing = "nan" }
    for name, value in pairs(given) do o[name] = value end
    local expected = by_pairs(product, crossed)
    local off = (rdm(o).vectors - expected):abs():max():item() / expected:abs():max():item()
    assert.is_true(off < 1e-12, "off by " .. off)
  end

  it("correlates over the channels that both have", function()
    agrees(correlation, false, { method = "correlation" })
  end)

  it("takes the precision of the channels that both have", function()
    agrees(mahalanobis, false, { method = "mahalanobis", noise = precision })
    agrees(mahalanobis, true, { method = "crossnobis", noise = precision, folds = fold })
  end)
end)
