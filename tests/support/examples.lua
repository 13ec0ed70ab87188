-- Runs the examples of help as they would be typed at the prompt: each in names of its own, from the same seed.
local core = require "lamina.core.tensor"
local prompt = require "lamina.prompt"
local words = require "lamina.words"

local M = {}

-- What the prompt shows of values, on one line with one space at a time, a tensor without its shape and type.
local function shown(values)
  local parts = {}
  for i = 1, values.n do
    local text = prompt.text(values[i])
    if core.is_tensor(values[i]) then text = text:gsub("\n[^\n]*$", ""):gsub("%s*scalar .*$", ""):gsub("%s+$", "") end
    parts[i] = text:gsub("%s+", " "):gsub("%[ ", "["):gsub(" %]", "]")
  end
  return table.concat(parts, " ")
end

local function names()
  return setmetatable({}, { __index = function(_, name)
    local value = words.find(name)
    if value == nil then value = rawget(_G, name) end
    if value == nil then error("undefined name '" .. name .. "'", 2) end
    return value
  end })
end

-- The lines as steps: { code =, wanted =, first = }, where code is an expression if a result is wanted.
local function steps(lines)
  local list, pending = {}, {}
  for i, line in ipairs(lines) do
    local code, wanted = line:match "^(.-)%s*%-%->%s?(.*)$"
    pending[#pending + 1] = code or line
    if wanted then
      local first = #pending
      while first > 0 and not load("return " .. table.concat(pending, "\n", first)) do first = first - 1 end
      if first == 0 then return nil, "no expression before -->: " .. line end
      list[#list + 1] = { code = table.concat(pending, "\n", 1, first - 1) }
      list[#list + 1] = { code = "return " .. table.concat(pending, "\n", first), wanted = wanted, line = i }
      pending = {}
    end
  end
  list[#list + 1] = { code = table.concat(pending, "\n") }
  return list
end

--- Runs an example, a list of lines. Returns nothing, or what is wrong with it; `told`, where given, receives what is
-- shown, by line.
function M.run(lines, told)
  local list, problem = steps(lines)
  if not list then return problem end
  local env = names()
  core.seed(0)
  for _, step in ipairs(list) do
    local f, syntax = load(step.code, "=example", "t", env)
    if not f then return syntax end
    local values = table.pack(xpcall(f, function(e) return tostring(type(e) == "table" and e.message or e) end))
    if not values[1] then return values[2] end
    if step.wanted then
      local text = shown({ n = values.n - 1, table.unpack(values, 2, values.n) })
      if told then told[step.line] = text end
      if text ~= step.wanted and not told then return string.format("shows %s, not %s", text, step.wanted) end
    end
  end
end

return M
