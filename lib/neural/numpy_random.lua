--- lamina.neural.numpy_random: the draws of NumPy's RandomState (Mersenne Twister, Matsumoto & Nishimura 1998) that
-- scikit-learn's divisions of items are made of, so that published divisions can be made again, index for index.
--
-- For legacy recipes alone: these numbers come from a stream, and what one call draws hangs on all calls before it.
-- Everything else here draws by key.
local M = {}

local N, HALF = 624, 397

local State = {}
State.__index = State

--- RandomState(seed), a whole number from 0 to 2^32 - 1.
function M.state(seed)
  local key, x = {}, seed & 0xffffffff
  for i = 0, N - 1 do
    key[i] = x
    x = (1812433253 * (x ~ (x >> 30)) + i + 1) & 0xffffffff
  end
  return setmetatable({ key = key, at = N }, State)
end

local function renew(key)
  for i = 0, N - 1 do
    local y = (key[i] & 0x80000000) | (key[(i + 1) % N] & 0x7fffffff)
    key[i] = key[(i + HALF) % N] ~ (y >> 1) ~ ((y & 1) * 0x9908b0df)
  end
end

--- The next 32 bits.
function State:bits()
  if self.at == N then
    renew(self.key)
    self.at = 0
  end
  local y = self.key[self.at]
  self.at = self.at + 1
  y = y ~ (y >> 11)
  y = y ~ ((y << 7) & 0x9d2c5680)
  y = y ~ ((y << 15) & 0xefc60000)
  return y ~ (y >> 18)
end

--- A whole number from 0 to most (below 2^32), by masks and rejection.
function State:interval(most)
  if most == 0 then return 0 end
  local mask = most
  for _, shift in ipairs { 1, 2, 4, 8, 16 } do mask = mask | (mask >> shift) end
  local value
  repeat value = self:bits() & mask until value <= most
  return value
end

--- The list in a random order (in place), as shuffle and permutation have it.
function State:shuffle(list)
  for i = #list - 1, 1, -1 do
    local j = self:interval(i)
    list[i + 1], list[j + 1] = list[j + 1], list[i + 1]
  end
  return list
end

-- 1, 2, ... n in a random order
local function permutation(state, n)
  local list = {}
  for i = 1, n do list[i] = i end
  return state:shuffle(list)
end

-- How many of each class are in a draw of `count` from classes of these sizes: its mode, near enough, ties at random.
local function mode(sizes, count, state)
  local total, floored, rest, left, values = 0, {}, {}, count, {}
  for _, size in ipairs(sizes) do total = total + size end
  for c, size in ipairs(sizes) do
    local exact = size / total * count
    floored[c] = math.floor(exact)
    rest[c], left = exact - floored[c], left - floored[c]
    values[rest[c]] = true
  end
  local order = {}
  for value in pairs(values) do order[#order + 1] = value end
  table.sort(order, function(a, b) return a > b end)
  for _, value in ipairs(order) do
    if left <= 0 then break end
    local tied = {}
    for c in ipairs(sizes) do
      if rest[c] == value then tied[#tied + 1] = c end
    end
    local chosen = permutation(state, #tied)
    local most = math.min(#tied, left)
    for i = 1, most do floored[tied[chosen[i]]] = floored[tied[chosen[i]]] + 1 end
    left = left - most
  end
  return floored
end

--- ShuffleSplit(splits, train_size = train, random_state = seed): a list of { train =, test = }, positions of n items
-- from 1 in the order they are drawn.
function M.shuffle_split(n, splits, train, seed)
  local state, fitted, folds = M.state(seed), math.floor(train * n), {}
  for f = 1, splits do
    local order = permutation(state, n)
    folds[f] = { test = table.move(order, 1, n - fitted, 1, {}), train = table.move(order, n - fitted + 1, n, 1, {}) }
  end
  return folds
end

--- StratifiedShuffleSplit(splits, train_size = train, random_state = seed): classes is a list of lists of positions,
-- in the order of the classes' sorted names.
function M.stratified_shuffle_split(classes, n, splits, train, seed)
  local state, fitted, folds, sizes = M.state(seed), math.floor(train * n), {}, {}
  for c, list in ipairs(classes) do sizes[c] = #list end
  for f = 1, splits do
    local of_train, left = mode(sizes, fitted, state), {}
    for c, size in ipairs(sizes) do left[c] = size - of_train[c] end
    local of_test, fold = mode(left, n - fitted, state), { train = {}, test = {} }
    for c, list in ipairs(classes) do
      for at, i in ipairs(permutation(state, #list)) do
        local side = at <= of_train[c] and fold.train or at <= of_train[c] + of_test[c] and fold.test
        if side then side[#side + 1] = list[i] end
      end
    end
    state:shuffle(fold.train)
    state:shuffle(fold.test)
    folds[f] = fold
  end
  return folds
end

return M
