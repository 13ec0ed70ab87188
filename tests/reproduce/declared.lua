--- What a script declares that it will report, read from its text: no proof has to run for it.
--
-- A metric is declared where its name stands in the script as a string, or as the key of a table; what it is held
-- against stands in the same brackets, the comparison as a string and the threshold behind it or as `threshold =`:
--
--   report { id = "S16", metric = "gradcheck_error", value = slope, comparison = "<=", threshold = 1e-6 }
--   result("gradcheck_error", slope, "<=", 1e-6)
--   local asked = { gradcheck_error = { "<=", 1e-6 } }
--
-- Where many metrics differ by a part of their name, the name may be put together, result("resnet" .. depth ..
-- "_parameters", n, "==", wanted), if that part and the threshold stand in the script, too.
local M = {}

local COMPARISONS = { ["<="] = true, ["<"] = true, [">="] = true, [">"] = true, ["=="] = true, ["+-"] = true,
  ["in"] = true }
local OPENING, CLOSING = { ["("] = true, ["{"] = true, ["["] = true }, { [")"] = true, ["}"] = true, ["]"] = true }

-- The end of the short string that begins at `first`.
local function string_end(text, first)
  local quote, i = text:sub(first, first), first + 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == quote then return i end
    i = i + (c == "\\" and 2 or 1)
  end
  return #text
end

-- The token at `i`: kind ("string", "name", "symbol" or "comment") and the last place of it.
local function token_at(text, i)
  local long, level = text:match("^%-%-(%[(=*)%[)", i)
  if long then return "comment", select(2, text:find("]" .. level .. "]", i, true)) or #text end
  if text:find("^%-%-", i) then return "comment", (text:find("\n", i, true) or #text + 1) - 1 end
  level = text:match("^%[(=*)%[", i)
  if level then return "string", select(2, text:find("]" .. level .. "]", i, true)) or #text end
  if text:find("^[\"']", i) then return "string", string_end(text, i) end
  local stop = select(2, text:find("^[%a_][%w_]*", i))
  if stop then return "name", stop end
  return "symbol", select(2, text:find("^%d[%w%.]*", i)) or i
end

-- The tokens of a Lua text, without comments: { kind, text, value, first, last }.
local function tokens_of(text)
  local list, i = {}, text:find "%S"
  while i do
    local kind, last = token_at(text, i)
    local token = { kind = kind, text = text:sub(i, last), first = i, last = last }
    if kind == "string" then
      local read = load("return " .. token.text, "=", "t", {})
      token.value = read and read()
    end
    if kind ~= "comment" then list[#list + 1] = token end
    i = text:find("%S", last + 1)
  end
  return list
end

-- For every token the index of the bracket that encloses it; of every opening bracket the closing one.
local function brackets(tokens)
  local inside, ends, stack = {}, {}, {}
  for i, token in ipairs(tokens) do
    if token.kind == "symbol" and CLOSING[token.text] and #stack > 0 then ends[table.remove(stack)] = i end
    inside[i] = stack[#stack]
    if token.kind == "symbol" and OPENING[token.text] then stack[#stack + 1] = i end
  end
  return inside, ends
end

-- The value of the expression from token i to the next comma of its brackets.
local function value_at(text, tokens, inside, ends, i)
  local group, last = inside[i], i
  while tokens[last + 1] and last + 1 ~= ends[group] and not (inside[last + 1] == group
    and (tokens[last + 1].text == "," or tokens[last + 1].text == ";")) do last = last + 1 end
  local read = load("return " .. text:sub(tokens[i].first, tokens[last].last), "=", "t", { math = math })
  local ok, value = pcall(read or error)
  return ok and value or nil
end

-- What the brackets from `open` on hold: { comparison =, threshold = }, empty where nothing is asked.
local function asked_in(text, tokens, inside, ends, open)
  local found = {}
  for i = open + 1, (ends[open] or #tokens) - 1 do
    if inside[i] == open then
      local token, next_one = tokens[i], tokens[i + 1]
      if token.kind == "name" and token.text == "threshold" and next_one.text == "=" then
        found.threshold = value_at(text, tokens, inside, ends, i + 2)
      elseif COMPARISONS[token.value or false] then
        found.comparison = token.value
        if found.threshold == nil and tokens[i - 1].text ~= "=" and next_one.text == "," then
          found.threshold = value_at(text, tokens, inside, ends, i + 2)
        end
      end
    end
  end
  if found.threshold ~= nil and not found.comparison then
    found.comparison = type(found.threshold) == "table" and "+-" or "<="
  end
  return found
end

-- Whether a text holds a value as a name, a number, or a part of a string.
local function mentions(text, value)
  if type(value) == "table" then return mentions(text, value[1]) and mentions(text, value[2]) end
  if type(value) == "string" then return text:lower():find(value:lower(), 1, true) ~= nil end
  for number in text:gmatch "%f[%w_]%d[%w%.]*[%-+]?%d*" do
    local whole, part = tonumber(number), tonumber((number:match "^[%w%.]*")) -- 18-2 is 18 and 2, 1e-5 is one number
    if whole == math.abs(value) or part == math.abs(value) then return true end
  end
  return false
end

local function escaped(literal) return (literal:gsub("%W", "%%%0")) end

-- The expression that begins at token i, up to a comma, as a pattern of the names that it may put together; nil where
-- it joins nothing. Its strings stand for themselves, all else for anything.
local function pattern_at(tokens, inside, ends, i)
  local group, parts, joined, literal = inside[i], { "" }, false, false
  local at = i
  while tokens[at] and at ~= ends[group] and not (inside[at] == group and tokens[at].text == ",") do
    local here = inside[at] == group
    if here and tokens[at].text == "." and tokens[at + 1].text == "." then
      joined, at = true, at + 1
      parts[#parts + 1] = ""
    elseif here and tokens[at].value and parts[#parts] == "" and tokens[at - 1].text ~= ":" then
      parts[#parts], literal = escaped(tokens[at].value), true
    else
      parts[#parts] = "(.-)"
    end
    at = at + 1
  end
  return joined and literal and "^" .. table.concat(parts) .. "$" or nil
end

-- Where the name of a metric is put together: its brackets, for each place.
local function composed(text, tokens, inside, ends, metric)
  local places = {}
  for i in ipairs(tokens) do
    local before = tokens[i - 1]
    local begins = inside[i] and before and (i - 1 == inside[i] or inside[i - 1] == inside[i] and before.text == "="
      and tokens[i - 2].text == "metric")
    local pattern = begins and pattern_at(tokens, inside, ends, i)
    local found = pattern and table.pack(metric:match(pattern))
    if found and found[1] then
      local there = true
      for _, part in ipairs(found) do there = there and mentions(text, part) end
      if there then places[#places + 1] = inside[i] end
    end
  end
  return places
end

--- What the text of a script asks of `metric`: a list, an entry { comparison =, threshold = } for each place where
-- its name stands (empty where nothing is asked there); an empty list where it stands nowhere.
function M.asked(text, metric)
  local list = {}
  local tokens = tokens_of(text)
  local inside, ends = brackets(tokens)
  for i, token in ipairs(tokens) do
    local second, third = (tokens[i + 1] or {}).text, (tokens[i + 2] or {}).text
    if token.kind == "name" and token.text == metric and second == "=" and third ~= "=" then
      local opens = third == "{"
      list[#list + 1] = opens and asked_in(text, tokens, inside, ends, i + 2) or {}
    elseif token.value == metric then
      list[#list + 1] = inside[i] and asked_in(text, tokens, inside, ends, inside[i]) or {}
    end
  end
  if #list > 0 then return list end
  for _, open in ipairs(composed(text, tokens, inside, ends, metric)) do
    list[#list + 1] = asked_in(text, tokens, inside, ends, open)
  end
  return list
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  return a[1] == b[1] and a[2] == b[2]
end

--- Whether a script's text declares a row { metric =, comparison =, threshold =, gate = } as it stands; else false
-- and what is wrong.
function M.holds(text, row)
  local list = M.asked(text, row.metric)
  if #list == 0 then
    return false, string.format("%s %s: its name stands nowhere in the script", row.id, row.metric)
  end
  local found
  for _, asked in ipairs(list) do
    if row.gate and asked.comparison == row.comparison and (same(asked.threshold, row.threshold)
      or asked.threshold == nil and mentions(text, row.threshold)) then return true end
    if asked.comparison then found = asked end
  end
  if not row.gate and not found then return true end
  local t = found and found.threshold
  local limit = type(t) == "table" and t[1] .. ", " .. t[2] or tostring(t or "")
  return false, string.format("%s %s: the script asks %s %s", row.id, row.metric,
    found and found.comparison or "nothing", limit)
end

return M
