--- lamina.neural.folds: the folds in which predictivity and its kin fit and test.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local ops = require "lamina.core.ops"
local splits = require "lamina.neural.splits"

local M = {}

--- folds.of(o, ids): the folds of checked options, each with at least 3 images to test, and with its inner folds
-- where the mapping chooses something inside the training images.
function M.of(o, ids)
  local a, n, s = o.responses, #ids, o.splits
  if not (s.by or s.own or s.test) and s.n > n then
    errors.raise("argument", s.position, "%s: option 'splits' is kfold { %d }%s, and there %s: %s needs at least 3 "
      .. "in each fold, %s", o.word, s.n, o.default_splits and " where it is absent" or "", n == 1 and "is 1 image"
      or "are " .. n .. " images", o.measure, n >= 6
      and string.format("so take splits = kfold { %d } or fewer", n // 3) or "and two folds 6 images")
  end
  local folds = splits.folds_of(o.word, s, n, a.stimulus)
  for f, fold in ipairs(folds) do
    if #fold.test < 3 then
      errors.raise("argument", o.splits.position, "%s: fold %d of %d tests %s; %s needs at least 3%s", o.word, f,
        #folds, common.plural(#fold.test, "image"), o.measure, n >= 6 and string.format(": %d images make at most %d "
        .. "folds of 3, as in splits = kfold { %d }", n, n // 3, n // 3) or ", and two folds 6 images")
    end
    local count = o.mapping:inner_folds()
    fold.inner = count > 0 and o.splits:inner(count, fold.train, n, a.stimulus, f) or {}
  end
  return folds
end

--- folds.constant(y, folds): how many pairs of neuroid and fold have responses that do not vary over the fold's
-- tested images.
function M.constant(y, folds)
  local count = 0
  for _, fold in ipairs(folds) do
    local truth = y:index_select(common.index(fold.test), { dim = 1 })
    count = count + ops.eq(truth:max { dim = 1 }, truth:min { dim = 1 }):to "int64":sum():item()
  end
  return count
end

return M
