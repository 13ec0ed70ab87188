--- What would fit: the nearest kernel, margin or divisor, in words, for the messages of layers that cannot be built.
local M = {}

--- A size as an option is written: 3 where all are equal, else { 3, 5 }.
function M.size(list)
  for i = 2, #list do
    if list[i] ~= list[1] then return "{ " .. table.concat(list, ", ") .. " }" end
  end
  return tostring(list[1])
end

--- "kernel = 8 or pad = 1 would fit" for windows that are larger than their input: sizes (of the input along each
-- axis), kernel, pad (before and after together, along each axis) and dilation as lists. half: margins may be at most
-- half of the window.
function M.window(sizes, kernel, pad, dilation, half)
  local smaller, wider, can_pad = {}, {}, true
  for i, size in ipairs(sizes) do
    local extent = (kernel[i] - 1) * dilation[i] + 1
    smaller[i] = math.min(kernel[i], (size + pad[i] - 1) // dilation[i] + 1)
    wider[i] = math.max(pad[i] // 2, (extent - size + 1) // 2)
    can_pad = can_pad and not (half and 2 * wider[i] > kernel[i])
  end
  return "kernel = " .. M.size(smaller) .. (can_pad and " or pad = " .. M.size(wider) or "") .. " would fit"
end

local function common_divisor(a, b)
  while b > 0 do a, b = b, a % b end
  return a
end

--- The divisors of all the numbers that are nearest to `wanted`, as text: "2" or "2 or 4".
function M.divisor(wanted, ...)
  local most, below, above = 0, nil, nil
  for i = 1, select("#", ...) do most = common_divisor(most, (select(i, ...))) end
  for d = 1, most do
    if most % d == 0 then
      if d < wanted then below = d elseif not above then above = d end
    end
  end
  return below and above and below .. " or " .. above or tostring(below or above)
end

--- The multiple of n nearest to `wanted`, at least n.
function M.multiple(wanted, n) return math.max(1, math.floor(wanted / n + 0.5)) * n end

return M
