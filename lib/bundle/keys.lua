--- Keys and signatures of bundles: Ed25519 (RFC 8032), in the PEM files of RFC 8410, which OpenSSL reads and writes.
local base = require "lamina.core.base"
local bundle = require "lamina.core.bundle"
local core_io = require "lamina.core.io"
local errors = require "lamina.errors"

local M = {}

-- What stands before the 32 bytes in the DER of RFC 8410.
local SECRET_HEAD = "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"
local PUBLIC_HEAD = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- The base64 (RFC 4648) of a string, in one line.
function M.base64(bytes)
  local parts = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    for k = 0, 3 do
      local at = n >> 18 - 6 * k & 63
      parts[#parts + 1] = (k == 2 and not b or k == 3 and not c) and "=" or ALPHABET:sub(at + 1, at + 1)
    end
  end
  return table.concat(parts)
end

--- The bytes of base64 text, spaces and line ends passed over; nil where it is none.
function M.unbase64(text)
  text = text:gsub("%s", "")
  local body, tail = text:match "^([%w%+/]*)(=?=?)$"
  if not body or #text % 4 ~= 0 then return nil end
  local parts, n, bits = {}, 0, 0
  for i = 1, #body do
    n, bits = n << 6 | ALPHABET:find(body:sub(i, i), 1, true) - 1, bits + 6
    if bits >= 8 then
      bits = bits - 8
      parts[#parts + 1] = string.char(n >> bits & 255)
      n = n & (1 << bits) - 1
    end
  end
  if n ~= 0 or bits ~= 2 * #tail then return nil end
  return table.concat(parts)
end

local function pem(kind, bytes) return string.format("-----BEGIN %s-----\n%s\n-----END %s-----\n", kind,
  M.base64(bytes), kind) end

-- The 32 bytes of a PEM file of one kind.
local function read(path, kind, head, what)
  local text = core_io.text_read(path)
  local inner = text:match("%-%-%-%-%-BEGIN " .. kind .. "%-%-%-%-%-(.-)%-%-%-%-%-END " .. kind .. "%-%-%-%-%-")
  local bytes = inner and M.unbase64(inner)
  if not bytes or #bytes ~= #head + 32 or bytes:sub(1, #head) ~= head then
    local other = text:find("BEGIN " .. (kind == "PUBLIC KEY" and "PRIVATE KEY" or "PUBLIC KEY"), 1, true)
    errors.raise_at(nil, "format", "%s: this is no Ed25519 %s in PEM%s", path, what, other and ", but the other half "
      .. "of a pair (NAME.key signs, NAME.pub checks)" or "; lamina keygen makes one")
  end
  return bytes:sub(#head + 1)
end

--- The secret in NAME.key; with a warning where others than its owner can read the file.
function M.read_secret(path)
  local secret, mode = read(path, "PRIVATE KEY", SECRET_HEAD, "secret key"), bundle.others_read(path)
  if mode then
    io.stderr:write(string.format("lamina: warning: %s is a secret key that others may read (mode %s); chmod 600 %s "
      .. "keeps it yours\n", path, mode, require("lamina.shell").quoted(path)))
  end
  return secret
end

--- The public key in NAME.pub.
function M.read_public(path) return read(path, "PUBLIC KEY", PUBLIC_HEAD, "public key") end

--- The PEM text of a public key of 32 bytes.
function M.public_pem(key) return pem("PUBLIC KEY", PUBLIC_HEAD .. key) end

--- A short name for a public key: the first 16 digits of its SHA-256.
function M.fingerprint(key) return base.sha256(key):sub(1, 16) end

--- Makes NAME.key and NAME.pub; neither may be there.
function M.make(name)
  for _, path in ipairs { name .. ".key", name .. ".pub" } do
    if base.exists(path) then
      errors.raise_at(nil, "usage", "keygen: %s is there already, and keys are never overwritten; choose another "
        .. "name", path)
    end
  end
  local seed = bundle.sign_seed()
  bundle.write_new(name .. ".key", pem("PRIVATE KEY", SECRET_HEAD .. seed), true)
  bundle.write_new(name .. ".pub", M.public_pem(bundle.sign_public(seed)))
end

return M
