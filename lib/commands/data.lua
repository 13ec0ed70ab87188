--- lamina data: list, get and verify data sets
local base = require "lamina.core.base"
local errors = require "lamina.errors"
local subcommand = require "lamina.subcommand"

local function usage(format, ...) errors.raise_at(nil, "usage", "data: " .. format, ...) end

local function names_of(sets)
  local names = {}
  for name in pairs(sets) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- The data sets that are named, all of them where none is.
local function chosen(sets, names, all)
  if #names == 0 and all then return names_of(sets) end
  if #names == 0 then usage("which data set? there are %s", table.concat(names_of(sets), ", ")) end
  for _, name in ipairs(names) do
    if not sets[name] then usage("there is no data set '%s'%s", name, errors.hint(name, names_of(sets))) end
  end
  return names
end

local function list(store, sets)
  print("kept in " .. store.root() .. " (LAMINA_DATA)")
  for _, name in ipairs(names_of(sets)) do
    local set, size, whole = sets[name], 0, 0
    for _, file in ipairs(set.files) do
      size = size + file.size
      if base.exists(store.root() .. "/" .. name .. "/" .. file.name) then whole = whole + 1 end
    end
    print(string.format("%s  %s, %d file%s, %s", name, store.size_text(size), #set.files,
      #set.files == 1 and "" or "s",
      whole == #set.files and "here" or whole > 0 and whole .. " of them here" or "not here"))
    print("  " .. (set.about or ""))
    print("  licence: " .. (set.licence or "not stated"))
    for _, file in ipairs(set.files) do
      print(string.format("  %s  %d bytes%s  sha256 %s", file.name, file.size, file.unpacked and " unpacked" or "",
        file.sha256))
    end
  end
end

local function verify(store, sets, names)
  local wrong = 0
  for _, name in ipairs(names) do
    for _, file in ipairs(sets[name].files) do
      local state, why = store.state(store.root() .. "/" .. name, file)
      if state ~= "whole" then wrong = wrong + 1 end
      print(string.format("%-8s %s/%s%s", state, name, file.name, why and ": " .. why or ""))
    end
  end
  return wrong == 0 and 0 or 1
end

local function get(store, sets, names)
  for _, name in ipairs(names) do
    local dir = store.root() .. "/" .. name
    print(string.format("%s: licence: %s", name, sets[name].licence or "not stated"))
    for _, file in ipairs(sets[name].files) do store.get(dir, file, print) end
    print("  in " .. dir)
  end
end

return subcommand.define {
  name = "data",
  usage = "data list | get NAME ... | verify [NAME ...]",
  about = [[
list says which data sets can be had: what they are, their licence, size, and the SHA-256 of their files. get brings
them into LAMINA_DATA (else the user's cache), from the first of several addresses that gives these bytes; a download
that was cut off goes on where it stopped, and what does not match is refused. verify checks what is there.
LAMINA_CATALOGUE names a JSON file with data sets of your own.]],
  positional = { "action", "names..." },
  complete = { first = "list get verify", words = function()
    return names_of(require("lamina.data.catalogue").all())
  end },
  examples = { "lamina data list", "lamina data get mnist" },
  codes = "0 fine, 1 a file could not be had or is not whole, 2 wrong usage",
  run = function(o)
    local store, sets = require "lamina.data.store", require("lamina.data.catalogue").all()
    if o.action == "list" then return list(store, sets) end
    if o.action == "verify" then return verify(store, sets, chosen(sets, o.names, true)) end
    if o.action == "get" then return get(store, sets, chosen(sets, o.names)) end
    usage("expected list, get or verify, got '%s'%s", o.action, errors.hint(o.action, { "list", "get", "verify" }))
  end,
}
