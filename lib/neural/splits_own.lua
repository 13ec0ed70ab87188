--- lamina.neural.splits_own: divisions that the script gives, imported from elsewhere as positions.
local common = require "lamina.neural.common"
local errors = require "lamina.errors"
local schema = require "lamina.schema"

local M = {}

local BESIDE = {
  by = { type = "string", doc = "the coordinate whose values stand whole on one side of each division, inner ones "
    .. "among them" },
  stratify = { type = "string", doc = "a coordinate whose values are spread evenly over the inner folds" },
  seed = { type = "integer", doc = "of the inner folds; the experiment's if absent" },
}

-- The positions of one side of a division, as a list.
local function side_of(value, f, side, what, position)
  local list = common.list(value)
  if type(list) ~= "table" or #list == 0 or type(list[1]) ~= "number" then
    errors.raise("argument", position, "%s: splits: division %d needs %s = the positions of images, a list or a "
      .. "tensor with one axis", what, f, side)
  end
  local whole = {}
  for i, item in ipairs(list) do whole[i] = math.tointeger(item) or item end
  return whole
end

--- A list of { train =, test = } with by, stratify and seed beside them, read: { own =, n =, by =, stratify =, seed
-- = }; nil for anything else.
function M.read(value, what, position)
  if type(value) ~= "table" or getmetatable(value) or type(value[1]) ~= "table" then return nil end
  local divisions, beside = {}, {}
  for key, entry in pairs(value) do
    if not math.type(key) then beside[key] = entry end
  end
  local o = schema.check(what .. ": splits", beside, BESIDE, position)
  for f, division in ipairs(value) do
    divisions[f] = {}
    for _, side in ipairs { "train", "test" } do
      divisions[f][side] = side_of(type(division) == "table" and division[side] or nil, f, side, what, position)
    end
  end
  return { own = divisions, n = #divisions, by = o.by, stratify = o.stratify, seed = o.seed, position = position }
end

-- The items of a fold, once every position is known to be one of n, and none on both sides.
local function check(fold, f, n, position)
  local of = {}
  for _, side in ipairs { "train", "test" } do
    for _, item in ipairs(fold[side]) do
      if math.type(item) ~= "integer" or item < 1 or item > n then
        errors.raise("argument", position, "splits: division %d: %s holds %s, expected positions from 1 to "
          .. "%d%s", f, side, tostring(item), n, item == 0
          and " (indices of NumPy or scikit-learn count from 0: add 1)" or "")
      end
      if of[item] then
        errors.raise("argument", position, "splits: division %d: image %d occurs twice%s", f, item,
          of[item] ~= side and ", in train and in test" or " in " .. side)
      end
      of[item] = side
    end
  end
end

--- The divisions of n images as folds, checked. groups (optional): of each image, none of which may be torn apart.
function M.folds(self, n, groups)
  local folds = {}
  for f, fold in ipairs(self.own) do
    check(fold, f, n, self.position)
    local trained = {}
    for _, item in ipairs(groups and fold.train or {}) do trained[common.key(groups[item])] = true end
    for _, item in ipairs(groups and fold.test or {}) do
      if trained[common.key(groups[item])] then
        errors.raise("argument", self.position, "splits: division %d: %s = %s stands in train and in test (image "
          .. "%d), and by = \"%s\" says that whole ones are held out", f, self.by, tostring(groups[item]), item,
          self.by)
      end
    end
    folds[f] = { train = fold.train, test = fold.test }
  end
  return folds
end

return M
