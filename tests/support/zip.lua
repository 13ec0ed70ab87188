-- ZIP archives as nobody should make them, byte by byte: names, attributes, sizes and offsets as asked.
local M = {}

--- The CRC-32 of ISO 3309, which archives and PNG files hold.
local function crc32(text)
  local crc = 0xffffffff
  for i = 1, #text do
    crc = crc ~ text:byte(i)
    for _ = 1, 8 do crc = crc >> 1 ~ (crc & 1 == 1 and 0xedb88320 or 0) end
  end
  return ~crc & 0xffffffff
end

M.crc32 = crc32

--- The bytes of an archive of stored members: { name =, text =, mode = Unix type and rights, size = what the
-- directory says, at = the number of the member whose bytes it shares, header = { name =, method =, size =, packed =,
-- crc =, flags =, extra = } where the header before the bytes says something else than the directory }.
function M.archive(members)
  local parts, directory, offset, offsets = {}, {}, 0, {}
  for i, m in ipairs(members) do
    local text, crc, mode = m.text or "", crc32(m.text or ""), m.mode or 33188
    if not m.at then
      local h = m.header or {}
      local own, extra = h.name or m.name, h.extra or ""
      parts[#parts + 1] = string.pack("<I4I2I2I2I2I2I4I4I4I2I2", 0x04034b50, 20, h.flags or 0, h.method or 0, 0, 33,
        h.crc or crc, h.packed or #text, h.size or #text, #own, #extra) .. own .. extra .. text
      offsets[i] = offset
      offset = offset + #parts[#parts]
    else
      offsets[i] = offsets[m.at]
    end
    directory[#directory + 1] = string.pack("<I4I2I2I2I2I2I2I4I4I4I2I2I2I2I2I4I4", 0x02014b50, 3 << 8 | 20, 20, 0, 0,
      0, 33, crc, m.size or #text, m.size or #text, #m.name, 0, 0, 0, 0, mode << 16, offsets[i]) .. m.name
  end
  local list = table.concat(directory)
  return table.concat(parts) .. list .. string.pack("<I4I2I2I2I2I4I4I2", 0x06054b50, 0, 0, #members, #members,
    #list, offset, 0)
end

return M
