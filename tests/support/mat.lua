-- MATLAB files byte by byte: elements, matrices and files of version 5, variables of version 4.
local M = {}

local pack = string.pack

--- An element of version 5; short ones stand in the tag where `small`.
function M.element(type, data, order, small)
  order = order or "<"
  if small and #data <= 4 and #data > 0 then
    return pack(order .. "I4", #data << 16 | type) .. data .. ("\0"):rep(4 - #data)
  end
  return pack(order .. "I4I4", type, #data) .. data .. ("\0"):rep(-#data % 8)
end

--- A matrix element: flags (with the class), shape, name, and what comes behind.
function M.matrix(name, class, shape, rest, flags, order, small)
  order = order or "<"
  local dims = ""
  for _, n in ipairs(shape) do dims = dims .. pack(order .. "i4", n) end
  return M.element(14, M.element(6, pack(order .. "I4I4", (flags or 0) | class, 0), order)
    .. M.element(5, dims, order) .. M.element(1, name, order, small) .. rest, order)
end

--- A double array from its values, columns first; small: they are stored as bytes.
function M.double(name, shape, values, order, small)
  order = order or "<"
  local data = ""
  for _, x in ipairs(values) do data = data .. pack(order .. (small and "I1" or "d"), x) end
  return M.matrix(name, 6, shape, M.element(small and 2 or 9, data, order, small), 0, order, small)
end

--- A file of version 5 with these variables.
function M.file(variables, order)
  local head = "MATLAB 5.0 MAT-file, made by a test"
  head = head .. (" "):rep(124 - #head) .. pack((order or "<") .. "I2", 0x0100) .. (order == ">" and "MI" or "IM")
  return head .. table.concat(variables)
end

--- A compressed variable: x = [1 2 3] (double, 1x3), by Python's zlib.compress at level 9.
local packed = "\x78\xda\xe3\x63\x60\x60\x08\x00\x62\x36\x20\xe6\x80\xd2\x20\xc0\x0a\xe5\x33\x02\x31\x33"
  .. "\x94\x06\xe1\x0a"
  .. "\xa8\x3c\x27\x10\x4b\x30\xc0\xc0\x07\x7b\x28\xc3\x01\x42\x71\x38\x00\x00\x57\xc7\x02\xd6"
M.packed = pack("<I4I4", 15, #packed) .. packed

--- A variable of version 4 of type MOPT.
function M.four(name, mopt, shape, data, imaginary, order)
  local head = pack((order or "<") .. "i4i4i4i4i4", mopt, shape[1], shape[2], imaginary or 0, #name + 1)
  return head .. name .. "\0" .. data
end

return M
