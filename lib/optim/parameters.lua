--- What an optimiser updates: parameters from models and lists, and the groups that have a rate or a decay of their
-- own.
local choose = require "lamina.choose"
local errors = require "lamina.errors"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

-- One source as a list of { name =, tensor = }, and the model that it is.
local function entries_of(source, level)
  local net
  if type(source) == "table" and source.parameters then
    net, source = source, source:parameters(nil, { trainable = true })
  end
  if type(source) ~= "table" then
    errors.raise("argument", level + 1, "attach: expected a model or a list of parameters, got a %s",
      tensor.is_tensor(source) and "tensor (put it in a list: { w })" or type(source))
  end
  local list = {}
  for i, entry in ipairs(source) do
    local value = tensor.is_tensor(entry) and entry or type(entry) == "table" and entry.tensor
    if not tensor.is_tensor(value) then
      errors.raise("argument", level + 1, "attach: entry %d is a %s, expected a tensor or { name =, tensor = }", i,
        type(entry))
    end
    list[i] = type(entry) == "table" and entry or { name = tostring(i), tensor = value }
  end
  return list, net
end

--- The parameters of all sources, each once: a list of { name =, tensor =, source =, net =, constraints = }. Names
-- that two sources have in common get the number of the source before them.
function M.read(level, ...)
  local entries, seen, taken = {}, {}, {}
  for k = 1, select("#", ...) do
    local list, net = entries_of((select(k, ...)), level + 1)
    for i, entry in ipairs(list) do
      if not seen[entry.tensor] then
        seen[entry.tensor] = true
        local name = entry.name or tostring(i)
        if taken[name] then name = k .. "." .. name end
        taken[name] = true
        entries[#entries + 1] = { name = name, tensor = entry.tensor, owner = entry, net = net }
      end
    end
  end
  return entries
end

-- ---- groups ----------------------------------------------------------------------------------------------------

local GROUP = schema.document("optimizer groups", {
  of = { type = { "string", "table" }, required = true, doc = "an area, readout, layer or pattern, or a list" },
  rate = { type = "number", min = 0, doc = "their rate, which the schedule changes as it does the optimizer's" },
  decay = { type = "number", min = 0, doc = "their weight decay" },
})

--- The groups of an optimizer, checked.
function M.check_groups(kind, groups, position)
  local list = {}
  for i, group in ipairs(groups or {}) do
    list[i] = schema.check(kind .. ": group " .. i, group, GROUP, position)
  end
  if groups and #list == 0 then
    errors.raise("argument", position, "%s: groups is a list, such as { { of = \"V1\", rate = 1e-4 } }", kind)
  end
  return list
end

--- The groups as text, by which a checkpoint knows them.
function M.groups_text(groups)
  local parts = {}
  for i, g in ipairs(groups) do
    local of = type(g.of) == "table" and table.concat(g.of, ", ") or g.of
    parts[i] = string.format("{ %s: rate %s, decay %s }", of, tostring(g.rate), tostring(g.decay))
  end
  return table.concat(parts, " ")
end

-- The tensors that a group means, as a set.
local function members(self, group, position)
  local set, found = {}, false
  local nets, plain = {}, {}
  for _, entry in ipairs(self.entries) do
    local list = entry.net and nets or plain
    if not entry.net or nets[#nets] ~= entry.net then list[#list + 1] = entry.net or entry end
  end
  for _, net in ipairs(nets) do
    local ok, list = pcall(choose.parameters, net, group.of, self.kind .. ": groups", position)
    for _, item in ipairs(ok and list or {}) do set[item.tensor], found = true, true end
  end
  for _, entry in ipairs(plain) do
    for _, of in ipairs(type(group.of) == "table" and group.of or { group.of }) do
      local ok, at = pcall(string.find, entry.name, of)
      if ok and at then set[entry.tensor], found = true, true end
    end
  end
  if not found then
    errors.raise("argument", position, "%s: groups: of = \"%s\" means no parameter; they are %s%s", self.kind,
      M.groups_text { group }:match "^{ (.-):", table.concat(self.names, ", ", 1, math.min(#self.names, 6)),
      #self.names > 6 and ", ..." or "")
  end
  return set
end

--- The parameters by rate and decay, each bucket one pass of the update: a list of { params =, index =, rate =,
-- decay = } in order of their first parameters.
function M.buckets(self, position)
  local sets = {}
  for i, group in ipairs(self.groups) do sets[i] = members(self, group, position) end
  local buckets, by_key = {}, {}
  for i, p in ipairs(self.params) do
    local rate, decay = self.o.rate, self.o.decay
    for k, group in ipairs(self.groups) do
      if sets[k][p] then rate, decay = group.rate or rate, group.decay or decay end
    end
    local key = string.format("%.17g %.17g", rate, decay)
    if not by_key[key] then
      by_key[key] = { params = {}, index = {}, rate = rate, decay = decay }
      buckets[#buckets + 1] = by_key[key]
    end
    local bucket = by_key[key]
    bucket.params[#bucket.params + 1], bucket.index[#bucket.index + 1] = p, i
  end
  return buckets
end

--- Raises unless an optimiser has parameters.
function M.need(optimizer)
  if #optimizer.params > 0 then return end
  errors.raise("state", 2, "%s: nothing to update yet; call opt:attach(net) first", optimizer.kind)
end

--- The states of a bucket's parameters; nil where there are none.
function M.pick(states, bucket)
  if not states then return nil end
  local picked = {}
  for k, i in ipairs(bucket.index) do picked[k] = states[i] end
  return picked
end

return M
