-- RDMs with a precision for each fold, of rows without their mean, and of movies: what rsatoolbox gives
-- (tests/peers/rsa.py), and what does not go together.
local core_io = require "lamina.core.io"
local ops = require "lamina.core.ops"
local rdm = require "lamina.rdm"
local said = require "support.said"
local tensor = require "lamina.core.tensor"

local peer = core_io.json_read "tests/fixtures/rsa.json"

local function t(list) return tensor.tensor(list, { dtype = "float64" }) end

local function same(a, b)
  b = t(b)
  local off = (a - b):abs():max():item() / b:abs():max():item()
  assert.is_true(off <= 1e-9, "off by " .. off)
end

local x, cond, fold = t(peer.x), peer.cond, peer.fold
local precisions = {}
for f, p in ipairs(peer.precisions) do precisions[f] = t(p) end

describe("crossnobis with a precision for each fold", function()
  it("is rsatoolbox's, whatever the order of the rows", function()
    same(rdm { x, method = "crossnobis", conditions = cond, folds = fold, noise = precisions }.vectors,
      peer.crossnobis.list)
    local order, c, f = {}, {}, {}
    for k = 1, #cond do -- the last fold's rows first
      order[k] = #cond + 1 - k
      c[k], f[k] = cond[order[k]], fold[order[k]]
    end
    local turned = x:index_select(tensor.tensor(order, { dtype = "int64" }), { dim = 1 })
    local r = rdm { turned, method = "crossnobis", conditions = c, folds = f, noise = precisions }
    local ids = {}
    for i = 1, #r.id do ids[r.id[i]] = i end
    local back = {}
    for i = 1, #r.id do back[i] = ids[i] end
    same(r:at(back).vectors, peer.crossnobis.list)
  end)

  it("of equal precisions is the mean over pairs of folds", function()
    local p = precisions[1]
    local list, sum = { p, p, p, p, p }, 0
    for a = 1, 5 do
      for b = a + 1, 5 do
        local rows, c, f = {}, {}, {}
        for i = 1, #cond do
          if fold[i] == a or fold[i] == b then
            rows[#rows + 1], c[#c + 1], f[#f + 1] = i, cond[i], fold[i]
          end
        end
        local two = x:index_select(tensor.tensor(rows, { dtype = "int64" }), { dim = 1 })
        sum = sum + rdm { two, method = "crossnobis", conditions = c, folds = f, noise = p }.vectors / 10
      end
    end
    same(rdm { x, method = "crossnobis", conditions = cond, folds = fold, noise = list }.vectors, sum:totable())
  end)
end)

describe("remove_mean", function()
  it("is rsatoolbox's", function()
    for method, vectors in pairs(peer.remove_mean) do
      same(rdm { x, method = method, conditions = cond, folds = method == "crossnobis" and fold or nil,
        noise = method ~= "squared_euclidean" and precisions[1] or nil, remove_mean = true }.vectors, vectors)
    end
    local plain = rdm { x, method = "euclidean", conditions = cond, remove_mean = true }
    same(plain.vectors:square(), peer.remove_mean.squared_euclidean)
  end)
end)

describe("rdm of a movie", function()
  it("is rsatoolbox's, at each time and in bins", function()
    local film = t(peer.film)
    same(rdm { film, time = 3 }.vectors, peer.movie.all)
    same(rdm { film, time = 3, method = "squared_euclidean", bins = { { 1, 2, 3 }, { 4, 6 } } }.vectors,
      peer.movie.bins)
  end)
end)

describe("rdm", function()
  it("says where a list of precisions and remove_mean have no place", function()
    local p = precisions[1]
    for message, o in pairs {
      ["noise = a list of precisions, one for each fold, belongs to crossnobis, not to mahalanobis"] =
        { method = "mahalanobis", noise = { p } },
      ["noise holds 1 precision for 5 folds, expected one for each, in ascending order"] =
        { method = "crossnobis", folds = fold, noise = { p } },
      ["entry 2 of noise is a number, expected a precision"] = { method = "crossnobis", folds = fold,
        noise = { p, 3 } },
      ["noise is 2x2, expected a precision of 6 x 6 channels"] = { method = "crossnobis", folds = fold,
        noise = { p, p, p, p, ops.diag_embed(tensor.ones { 2 }) } },
      ["noise = a list of precisions takes means of folds: not unbalanced, nor with missing values"] =
        { method = "crossnobis", folds = fold, noise = precisions, unbalanced = true },
      ["remove_mean belongs to squared_euclidean, euclidean, mahalanobis and crossnobis, not to cosine"] =
        { method = "cosine", remove_mean = true },
      ["remove_mean takes rows of all channels: not unbalanced"] = { method = "euclidean", remove_mean = true,
        unbalanced = true },
    } do
      o[1], o.conditions = x, cond
      assert.matches(message, said.message(rdm, o), 1, true)
    end
  end)
end)
