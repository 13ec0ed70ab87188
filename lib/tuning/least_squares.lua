--- lamina.tuning.least_squares: curves with a few parameters fitted to a few points.
--
-- Levenberg-Marquardt (Marquardt 1963) with central differences and Marquardt's scaling by the diagonal, from several
-- starting points of which the best end counts. Everything is plain arithmetic on Lua's floats in a fixed order: the
-- same bits everywhere.
local M = {}

local STEPS, SMALL = 200, 1e-12

-- Solves a x = b for a small symmetric positive definite matrix (lists of rows) by Cholesky; nil where it is not.
local function solve(a, b)
  local n, l, x = #b, {}, {}
  for i = 1, n do
    l[i] = {}
    for j = 1, i do
      local sum = a[i][j]
      for k = 1, j - 1 do sum = sum - l[i][k] * l[j][k] end
      if i == j then
        if sum ~= sum or sum <= 0 then return nil end
        l[i][i] = math.sqrt(sum)
      else
        l[i][j] = sum / l[j][j]
      end
    end
  end
  for i = 1, n do
    local sum = b[i]
    for k = 1, i - 1 do sum = sum - l[i][k] * x[k] end
    x[i] = sum / l[i][i]
  end
  for i = n, 1, -1 do
    local sum = x[i]
    for k = i + 1, n do sum = sum - l[k][i] * x[k] end
    x[i] = sum / l[i][i]
  end
  return x
end

-- The weighted residuals at p and the sum of their squares.
local function residuals(problem, p)
  local list, sum = {}, 0
  for i = 1, problem.n do
    local r = (problem.y[i] - problem.f(p, i)) * (problem.weight and problem.weight[i] or 1)
    list[i], sum = r, sum + r * r
  end
  return list, sum == sum and sum or math.huge
end

-- The columns of the Jacobian of the weighted curve.
local function slopes(problem, p)
  local columns = {}
  for j = 1, #p do
    local step, keep, column = 1e-6 * math.max(math.abs(p[j]), 1e-3), p[j], {}
    for i = 1, problem.n do
      p[j] = keep + step
      local above = problem.f(p, i)
      p[j] = keep - step
      column[i] = (above - problem.f(p, i)) / (2 * step) * (problem.weight and problem.weight[i] or 1)
    end
    p[j], columns[j] = keep, column
  end
  return columns
end

local function products(columns, list)
  local a, b = {}, {}
  for j = 1, #columns do
    a[j] = {}
    for k = 1, #columns do
      local sum = 0
      for i = 1, #list do sum = sum + columns[j][i] * columns[k][i] end
      a[j][k] = sum
    end
    local sum = 0
    for i = 1, #list do sum = sum + columns[j][i] * list[i] end
    b[j] = sum
  end
  return a, b
end

-- One step from p that lowers the sum, with the damping that it took; nil where none does.
local function descend(problem, p, list, sum, damping)
  local a, b = products(slopes(problem, p), list)
  while damping < 1e12 do
    local damped = {}
    for j = 1, #p do
      damped[j] = table.move(a[j], 1, #p, 1, {})
      damped[j][j] = a[j][j] * (1 + damping) + SMALL
    end
    local step = solve(damped, b)
    if step then
      local q = {}
      for j = 1, #p do q[j] = p[j] + step[j] end
      if problem.inside then problem.inside(q) end
      local after, less = residuals(problem, q)
      if less < sum then return q, after, less, damping end
    end
    damping = damping * 10
  end
end

local function from(problem, start)
  local p, damping = table.move(start, 1, #start, 1, {}), 1e-3
  local list, sum = residuals(problem, p)
  for _ = 1, problem.steps or STEPS do
    local q, after, less, used = descend(problem, p, list, sum, damping)
    if not q then break end
    local gain = sum - less
    p, list, sum, damping = q, after, less, used / 10
    if gain <= (problem.tolerance or SMALL) * less then break end
  end
  return p, sum
end

--- M.fit { f = f(p, i), y = {...}, n =, starts = { {...}, ... }, weight = {...}, inside = g(p), steps = 200,
-- tolerance = 1e-12 }: the parameters that
-- make the sum of squares of (y[i] - f(p, i)) weight[i] smallest, that sum, and the covariance of the parameters (a
-- list of rows; nil where the points do not determine them). `inside` moves parameters that must stay in a range.
-- Without weights the points' common variance is estimated from the residuals.
function M.fit(problem)
  local best, least
  for _, start in ipairs(problem.starts) do
    local p, sum = from(problem, start)
    if not best or sum < least then best, least = p, sum end
  end
  local a = products(slopes(problem, best), (residuals(problem, best)))
  local free = problem.n - #best
  local variance = problem.weight and 1 or (free > 0 and least / free or 0 / 0)
  local covariance = {}
  for j = 1, #best do
    local unit = {}
    for k = 1, #best do unit[k] = k == j and 1 or 0 end
    local column = solve(a, unit)
    if not column then return best, least end
    for k = 1, #best do column[k] = column[k] * variance end
    covariance[j] = column
  end
  return best, least, covariance
end

return M
