--- The two tables of scripts/README.md, between marks so that what people wrote around them stays: one line for each
-- metric of a row, and the gallery, one line for each script. Lines of what did not run stay as they are.
local base = require "lamina.core.base"
local io_core = require "lamina.core.io"

local M = {}

local HEADS = {
  results = { "| row | metric | published | ours | asked | pass | seconds |", "|---|---|---|---|---|---|---|" },
  gallery = { "| | script | what it shows | its numbers |", "|---|---|---|---|" },
}

local function marks(part)
  return "<!-- " .. part .. ": written by ./run reproduce -->", "<!-- end of " .. part .. " -->"
end

local function number(value)
  return math.type(value) == "float" and string.format("%.5g", value) or tostring(value)
end

--- What a result is held against, as the page writes it; empty for one that is only reported.
function M.asked(r)
  if not r.comparison then return "" end
  local t = r.threshold
  if r.comparison == "+-" then return string.format("%s ± %s", number(t[1]), number(t[2])) end
  if r.comparison == "in" then return string.format("%s to %s", number(t[1]), number(t[2])) end
  local sign = ({ ["<="] = "≤", [">="] = "≥", ["=="] = "=" })[r.comparison] or r.comparison
  return sign .. " " .. number(t)
end

local function escaped(text) return (tostring(text):gsub("|", "\\|"):gsub("%s+", " ")) end

local function pass_text(r)
  if r.pass == nil then return "reported" end
  return r.pass and "yes" or "**no**"
end

-- ---- reading -----------------------------------------------------------------------------------------------------

local function lines_between(text, part)
  local first, last = marks(part)
  local lines = {}
  local _, from = text:find(first, 1, true)
  local to = from and text:find(last, from, true)
  if not to then return lines, nil end
  for line in text:sub(from + 1, to - 1):gmatch "[^\n]+" do
    if line ~= HEADS[part][1] and line ~= HEADS[part][2] then lines[#lines + 1] = line end
  end
  return lines, from + 1, to - 1
end

-- The row or the script that a line belongs to: the first link in it.
local function key_of(line) return line:match "%[([%w_]+)%]%(" end

--- The lines of a part ("results" or "gallery") of the page's text, by row or by script: key -> list of lines.
function M.lines(text, part)
  local by = {}
  for _, line in ipairs((lines_between(text, part))) do
    local key = key_of(line)
    if key then
      by[key] = by[key] or {}
      table.insert(by[key], line)
    end
  end
  return by
end

--- What the lines of a row say: how many gates were asked, how many passed, and the seconds; nil without lines.
function M.summary(lines)
  if not lines then return nil end
  local gates, passed = 0, 0
  for _, line in ipairs(lines) do
    local yes, no = line:find("| yes |", 1, true), line:find("| **no** |", 1, true)
    if yes or no then gates = gates + 1 end
    if yes then passed = passed + 1 end
  end
  return { gates = gates, passed = passed, seconds = tonumber(lines[1]:match "| ([%d%.]+) |$") }
end

-- ---- writing -----------------------------------------------------------------------------------------------------

local function result_lines(run)
  local by = {}
  for _, r in ipairs(run.results) do
    local id = r.id
    if id then
      local first = not by[id]
      by[id] = by[id] or {}
      table.insert(by[id], string.format("| [%s](%s/%s.lua) | %s | %s | %s%s | %s | %s | %s |", id, run.room,
        run.name, escaped(r.metric), r.published and escaped(number(r.published)) or "", number(r.value),
        r.label == "close" and " (close)" or "", M.asked(r), pass_text(r),
        first and string.format("%.0f", math.max(1, run.seconds)) or ""))
    end
  end
  return by
end

local function gallery_line(run)
  local parts = {}
  for _, r in ipairs(run.results) do
    if r.id then
      parts[#parts + 1] = string.format("%s %s%s", escaped(r.metric):gsub("_", " "), number(r.value),
        r.pass == false and " (**missed**)" or "")
    end
  end
  local picture = run.picture and string.format("<img src=\"pictures/%s\" width=\"200\">", run.picture) or ""
  return string.format("| %s | [%s](%s/%s.lua) | %s: %s | %s |", picture, run.name, run.room, run.name,
    table.concat(run.ids, ", "), escaped(run.about), table.concat(parts, "; "))
end

local function sorted_keys(by)
  local keys = {}
  for key in pairs(by) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function replaced(text, part, by)
  local _, from, to = lines_between(text, part)
  local first, last = marks(part)
  local lines = { HEADS[part][1], HEADS[part][2] }
  for _, key in ipairs(sorted_keys(by)) do
    for _, line in ipairs(by[key]) do lines[#lines + 1] = line end
  end
  local body = "\n" .. table.concat(lines, "\n") .. "\n"
  if from then return text:sub(1, from - 1) .. body .. text:sub(to + 1) end
  return text .. "\n" .. first .. body .. last .. "\n"
end

--- The page's text with the lines of `runs` in place of the older ones of the same rows and scripts. A run is
-- { name =, room =, ids =, about =, results =, seconds =, picture = file under pictures/ or nil }. Lines of scripts
-- that are no longer among `scripts` go.
function M.updated(text, runs, scripts)
  local results, gallery, known = M.lines(text, "results"), M.lines(text, "gallery"), {}
  for _, script in ipairs(scripts) do
    known[script.name] = true
    for _, id in ipairs(script.ids) do known[id] = true end
  end
  for _, run in ipairs(runs) do
    for id, lines in pairs(result_lines(run)) do results[id] = lines end
    gallery[run.name] = { gallery_line(run) }
  end
  for _, by in ipairs { results, gallery } do
    for _, key in ipairs(sorted_keys(by)) do
      if not known[key] then by[key] = nil end
    end
  end
  return replaced(replaced(text, "results", results), "gallery", gallery)
end

-- ---- figures -----------------------------------------------------------------------------------------------------

M.LARGEST = 120 * 1024 -- bytes of a picture in the gallery

local function read_all(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

--- Copies the figure of a run, of those that it saved in `folder` the one whose name begins with the script's row or
-- is `figure`, else the first SVG or PNG that is small enough, into `pictures`; returns its name there, or nil and
-- why there is none.
function M.picture(folder, name, pictures)
  local best, rank, too_large
  for _, file in ipairs(base.list(folder)) do
    local stem, kind = file:match "^(.*)%.(%a+)$"
    if kind == "svg" or kind == "png" then
      local bytes = read_all(folder .. "/" .. file)
      local own = (stem == "figure" or stem == name or stem:find("^" .. name:match "^[^_]+" .. "%f[_%z]")) and 2 or 1
      if #bytes > M.LARGEST then
        too_large = file
      elseif not best or own > rank then
        best, rank = { bytes = bytes, kind = kind }, own
      end
    end
  end
  if not best then
    return nil, too_large and string.format("%s is larger than %d bytes, too large for the gallery", too_large,
      M.LARGEST) or nil
  end
  base.mkdir(pictures)
  local target = name .. "." .. best.kind
  io_core.text_write(pictures .. "/" .. target, best.bytes)
  return target
end

return M
