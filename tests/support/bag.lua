--- Bundles that somebody has changed, for tests.
local bag = require "lamina.bundle.bag"
local base = require "lamina.core.base"
local command = require "support.command"
local core = require "lamina.core.bundle"

local M = {}

--- Unpacks an archive, whose folder is `name`, into dir/name, which is made anew. Returns its path.
function M.unpack(archive, dir, name)
  os.execute(string.format("rm -rf %s/%s %s/u", dir, name, dir))
  base.mkdir(dir .. "/u")
  core.zip_unpack(archive, dir .. "/u", 1 << 30, 1000)
  os.execute(string.format("mv %s/u/%s %s/%s && rmdir %s/u", dir, name, dir, name, dir))
  return dir .. "/" .. name
end

--- Writes the manifests of an unpacked bag anew, as somebody would who has changed something; a signature goes.
-- absent: name (as in fetch.txt) -> SHA-256 of what is not there.
function M.rebag(folder, absent)
  local payload, tags = {}, {}
  os.remove(folder .. "/tagmanifest-sha256.txt.sig")
  for _, name in ipairs(bag.files(folder)) do
    if name:sub(1, 5) == "data/" then
      payload[#payload + 1] = { name = name, sha256 = base.sha256_file(folder .. "/" .. name) }
    end
  end
  for name, sum in pairs(absent or {}) do payload[#payload + 1] = { name = name, sha256 = sum } end
  command.write(folder .. "/manifest-sha256.txt", bag.manifest(payload))
  for _, name in ipairs { "bagit.txt", "bag-info.txt", "manifest-sha256.txt", absent and "fetch.txt" or nil } do
    tags[#tags + 1] = { name = name, sha256 = base.sha256_file(folder .. "/" .. name) }
  end
  command.write(folder .. "/tagmanifest-sha256.txt", bag.manifest(tags))
end

--- Puts one text in the place of another in a file.
function M.change(path, from, to)
  local text = command.read(path)
  local first, last = text:find(from, 1, true)
  assert(first, from)
  command.write(path, text:sub(1, first - 1) .. to .. text:sub(last + 1))
end

return M
