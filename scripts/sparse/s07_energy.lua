-- s07_energy.lua: SYSTEMS S07. The energy of sparse coding, E = 1/2 |x - a Phi|^2 + beta sigma sum S(a / sigma), for
-- the three forms of S: its gradient against central differences in float64, and both published presets.
local p = experiment "s07-energy" { seed = 1, params = { patches = 3, bases = 20, pixels = 16 },
  about = "The energy of sparse coding and its gradient" }

local x = randn { p.patches, p.pixels, dtype = "float64" }
local bases = randn { p.bases, p.pixels, dtype = "float64" }
local a = randn { p.patches, p.bases, dtype = "float64" }
local worst, step, drawn = 0, 1e-5, {}
for _, sparseness in ipairs { "log", "abs", "exp" } do
  for _, beta in ipairs { 0.14, 0.07 } do -- "nature", "released"
    local o = { sparseness = sparseness, beta = beta }
    local g, largest, error = sparse.gradient(x, bases, a, o), 0, 0
    local series = { x = {}, y = {}, label = "S = " .. sparseness }
    for i = 1, p.patches do
      for k = 1, p.bases do
        local up, down = a:clone(), a:clone()
        up[{ i, k }], down[{ i, k }] = a[{ i, k }] + step, a[{ i, k }] - step
        local d = (sparse.energy(x, bases, up, o)[i] - sparse.energy(x, bases, down, o)[i]) / (2 * step)
        if i == 1 then series.x[k], series.y[k] = d, g[{ i, k }] end
        largest, error = math.max(largest, math.abs(d)), math.max(error, math.abs(d - g[{ i, k }]))
      end
    end
    print(string.format("S = %-4s beta %.2f: %.2g of the largest slope", sparseness, beta, error / largest))
    worst = math.max(worst, error / largest)
    if beta == 0.14 then drawn[#drawn + 1] = series end
  end
end
report { id = "S07", metric = "gradient_central_difference_error", value = worst, comparison = "<=",
  threshold = 1e-6 }
plot.scatter { drawn[1], drawn[2], drawn[3], diagonal = true, xlabel = "slope of the energy by central differences",
  ylabel = "slope by its gradient", title = "One patch, beta 0.14" }:save "figure.svg"
