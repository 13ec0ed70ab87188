--- Figures at the prompt: in the terminal itself where it shows pictures (the graphics protocol of kitty, DEC sixel),
-- else as the path of the file where the figure was saved, or of a PNG file that goes when the prompt ends. The
-- terminal is asked once what it can.
local base = require "lamina.core.base"
local terminal = require "lamina.core.terminal"

local M = {}

local WAIT = 2 -- seconds for an answer: one that came later, over a slow line, would be taken for what is typed

local able -- "kitty", "sixel" or "path"

-- Asks for kitty's graphics with a picture of one pixel, and for the device attributes, which every terminal answers:
-- that ends the wait. 4 among the attributes is sixel.
local function find_out()
  if not base.isatty(0) or not base.isatty(1) or base.getenv "TERM" == "dumb" then return "path" end
  local answer = terminal.ask("\27_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\27\\\27[c", "c", WAIT)
  if answer:find("_Gi=31;OK", 1, true) then return "kitty" end
  for number in (answer:match "%[%?([%d;]*)c" or ""):gmatch "%d+" do
    if number == "4" then return "sixel" end
  end
  return "path"
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- The bytes of a string in base 64 (RFC 4648).
function M.base64(bytes)
  local out = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    for k = 3, 0, -1 do
      local digit = n >> 6 * k & 63
      out[#out + 1] = (k == 1 and not b or k == 0 and not c) and "=" or DIGITS:sub(digit + 1, digit + 1)
    end
  end
  return table.concat(out)
end

--- The bytes of a PNG file as kitty's terminal graphics: chunks of 4096 digits, all but the last with m=1.
function M.kitty(png)
  local digits, parts = M.base64(png), {}
  for i = 1, #digits, 4096 do
    local more = i + 4096 <= #digits and 1 or 0
    local keys = i == 1 and "f=100,a=T,m=" .. more or "m=" .. more
    parts[#parts + 1] = "\27_G" .. keys .. ";" .. digits:sub(i, i + 4095) .. "\27\\"
  end
  return table.concat(parts)
end

local left = {} -- the files that go when the prompt ends

local function remove_left()
  for _, path in ipairs(left) do os.remove(path) end
  left = {}
end

-- The files go with the state, or with os.exit, which leaves it open.
local function keep_until_exit(path)
  if not M.guard then
    local stock_exit = os.exit
    M.guard = setmetatable({}, { __gc = remove_left })
    rawset(os, "exit", function(code, close)
      remove_left()
      stock_exit(code, close)
    end)
  end
  left[#left + 1] = path
end

local function temporary()
  local path = os.tmpname()
  os.remove(path)
  return path .. ".png"
end

local function draw_in_terminal(path)
  if able == "kitty" then
    local file = assert(io.open(path, "rb"))
    io.stdout:write(M.kitty(file:read "a"), "\n")
    file:close()
  else
    local image = require("lamina.image").read(path, { channels = 3 })
    io.stdout:write(terminal.sixel((image * 255 + 0.5):to "uint8"), "\n")
  end
  io.stdout:flush()
end

--- Shows a figure: in the terminal, and as the path of the file where it has been saved. Where the terminal shows no
-- pictures and the figure is in no file, one is written into the system's folder for temporary files, for as long as
-- the prompt is open.
function M.show(figure)
  local figures = require "lamina.plot.figure"
  local saved = figures.saved(figure)
  able = able or find_out()
  if able ~= "path" or not saved then
    local path = temporary()
    figures.draw(figure, path, "png")
    if able == "path" then
      keep_until_exit(path)
      print("picture: " .. path .. " (until the prompt ends; fig:save keeps one)")
    else
      draw_in_terminal(path)
      os.remove(path)
    end
  end
  if saved then print("picture: " .. saved) end
end

--- Forgets what the terminal has answered, or says what it is to have answered.
function M.assume(what) able = what end

return M
