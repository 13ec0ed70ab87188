--- The elements of a sweep: every combination of a grid, or draws, each with every seed.
--
-- A grid is a list of "NAME=V1,V2,...": all combinations, the last name changing fastest. Random parameters are
-- "NAME=LOW..HIGH" (uniform), "NAME=LOW..HIGH:log" (evenly on a logarithmic scale), both whole numbers where the ends
-- are written so, or "NAME=V1,V2,..." (one of them). Values that are lists themselves, or hold a comma, have ;
-- between them: "sizes=1,2;3,4". What is drawn is a function of the sweep's seed, the number of the draw and the name
-- alone.
local core = require "lamina.core.tensor"
local errors = require "lamina.errors"

local M = {}

local function usage(format, ...) errors.raise_at(nil, "usage", format, ...) end

-- "rate=1e-2,1e-3" -> { name = "rate", values = { "1e-2", "1e-3" } }; values are texts, as the script reads them.
local function parse_list(option, text)
  local name, rest = text:match "^([%a_][%w_%-]*)=(.+)$"
  if not name then usage("%s must be NAME=VALUE,VALUE,..., got '%s'", option, text) end
  local values, mark = {}, rest:find ";" and ";" or ","
  for value in (rest .. mark):gmatch("(.-)" .. mark) do
    if value == "" then usage("%s: an empty value in '%s'", option, text) end
    values[#values + 1] = value
  end
  return { name = name:gsub("%-", "_"), values = values }
end

local function parse_random(text)
  local name, low, high, scale = text:match "^([%a_][%w_%-]*)=([^,;]-)%.%.([^,;:]+):?(%a*)$"
  if not name then return parse_list("--random", text) end
  local from, to = tonumber(low), tonumber(high)
  if not from or not to or from > to then
    usage("--random: expected NAME=LOW..HIGH with LOW at most HIGH, got '%s'", text)
  end
  if scale ~= "" and scale ~= "log" then usage("--random: '%s' may end in :log, not in :%s", text, scale) end
  if scale == "log" and from <= 0 then usage("--random: %s..%s:log needs numbers above 0", low, high) end
  return { name = name:gsub("%-", "_"), low = from, high = to, log = scale == "log",
    whole = math.type(from) == "integer" and math.type(to) == "integer" }
end

local function drawn(p, seed, number)
  local u = core.draw({ kind = "uniform", shape = { 1 }, seed = seed, step = number, purpose = "sweep." .. p.name,
    dtype = "float64" }):item()
  if p.values then return p.values[math.min(#p.values, 1 + math.floor(u * #p.values))] end
  if p.whole and p.log then -- each whole number has the share of the scale that rounds to it
    local low, high = p.low - 0.5, p.high + 0.5
    return tostring(math.min(p.high, math.max(p.low, math.floor(low * (high / low) ^ u + 0.5))))
  end
  if p.whole then return tostring(math.min(p.high, p.low + math.floor(u * (p.high - p.low + 1)))) end
  local value = p.log and p.low * (p.high / p.low) ^ u or p.low + (p.high - p.low) * u
  return string.format("%.6g", value)
end

-- All combinations of the lists of a grid, each a list of "NAME=VALUE".
local function combinations(grid)
  local all = { {} }
  for _, list in ipairs(grid) do
    local longer = {}
    for _, sets in ipairs(all) do
      for _, value in ipairs(list.values) do
        local more = table.move(sets, 1, #sets, 1, {})
        more[#more + 1] = list.name .. "=" .. value
        longer[#longer + 1] = more
      end
    end
    all = longer
  end
  return all
end

local function check_names(grid, random)
  local seen = {}
  for _, lists in ipairs { grid, random } do
    for _, list in ipairs(lists) do
      if seen[list.name] then usage("'%s' is given twice", list.name) end
      seen[list.name] = true
    end
  end
end

--- The elements, each { number =, sets = { "NAME=VALUE", ... }, seed = }. o: { grid = texts, random = texts, samples
-- = draws of each combination, seed = of the draws and the first seed of the runs, repeat_seeds = runs of each with
-- seeds seed, seed + 1, ... }.
function M.of(o)
  local grid, random, list = {}, {}, {}
  for i, text in ipairs(o.grid or {}) do grid[i] = parse_list("--grid", text) end
  for i, text in ipairs(o.random or {}) do random[i] = parse_random(text) end
  check_names(grid, random)
  local draw = 0
  for _, sets in ipairs(combinations(grid)) do
    for _ = 1, #random > 0 and o.samples or 1 do
      draw = draw + 1
      local full = table.move(sets, 1, #sets, 1, {})
      for _, p in ipairs(random) do full[#full + 1] = p.name .. "=" .. drawn(p, o.seed, draw) end
      for k = 0, o.repeat_seeds - 1 do
        list[#list + 1] = { number = #list + 1, sets = full, seed = o.seed + k }
      end
    end
  end
  return list
end

return M
