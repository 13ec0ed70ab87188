--- What the workloads are to reach, and which of them do not.
--
-- A workload's target is { ratio = R } (the peer's time by ours, at least R), { peak = P } (at least this share of
-- the peak), or both. A group's is the geometric mean of the ratios of workloads whose names begin alike.
local M = { groups = { { name = "conv ", mean = 1.5 } } }

--- The geometric mean of a list.
function M.mean(list)
  local sum = 0
  for _, value in ipairs(list) do sum = sum + math.log(value) end
  return math.exp(sum / #list)
end

local function missed(result, what, least)
  local value = result[what]
  return value and value < least and string.format("missed: %s: %s %.2f, target %.2f", result.workload, what, value,
    least)
end

--- A line for each failed target. results: a list of { workload =, ratio =, peak =, target = }; what was not measured
-- fails nothing.
function M.check(results)
  local lines = {}
  for _, result in ipairs(results) do
    for _, what in ipairs { "ratio", "peak" } do
      local least = (result.target or {})[what]
      lines[#lines + 1] = least and missed(result, what, least) or nil
    end
  end
  for _, group in ipairs(M.groups) do
    local ratios = {}
    for _, result in ipairs(results) do
      if result.ratio and result.workload:sub(1, #group.name) == group.name then
        ratios[#ratios + 1] = result.ratio
      end
    end
    local mean = #ratios > 0 and M.mean(ratios)
    if mean and mean < group.mean then
      lines[#lines + 1] = string.format("missed: %s*: geometric mean of %d ratios %.2f, target %.2f", group.name,
        #ratios, mean, group.mean)
    end
  end
  return lines
end

return M
