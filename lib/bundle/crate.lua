--- ro-crate-metadata.json: RO-Crate 1.1 with the profile Process Run Crate 0.5 (one action: this script, these
-- inputs, these results), for catalogues and archives. The root of the crate is the bag's payload.
local core_io = require "lamina.core.io"

local M = {}

local TYPES = { csv = "text/csv", json = "application/json", lua = "text/x-lua", svg = "image/svg+xml",
  png = "image/png", pdf = "application/pdf", txt = "text/plain", tsv = "text/tab-separated-values",
  npy = "application/octet-stream", npz = "application/zip", h5 = "application/x-hdf5" }

local function encoded(path)
  return (path:gsub("[^%w%-%._~/]", function(c) return string.format("%%%02X", c:byte()) end))
end

local function file_entity(entry)
  return { ["@id"] = encoded(entry.name), ["@type"] = "File", name = entry.name:match "[^/]*$",
    sha256 = entry.sha256, contentSize = tostring(entry.bytes), contentUrl = entry.url,
    encodingFormat = TYPES[entry.name:match "%.(%w+)$" or ""] or "application/octet-stream" }
end

local function references(list)
  local out = {}
  for i, entry in ipairs(list) do out[i] = { ["@id"] = encoded(entry.name) } end
  return out
end

local function parameters(params, graph)
  local list = {}
  local names = {}
  for name in pairs(params) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = params[name]
    if type(value) == "table" then value = core_io.json_encode(value) end
    graph[#graph + 1] = { ["@id"] = "#param-" .. name, ["@type"] = "PropertyValue", name = name, value = value }
    list[#list + 1] = { ["@id"] = "#param-" .. name }
  end
  return list
end

--- The text of the crate. c: name, about, results (results.json's table), script, code, inputs, outputs (lists of
-- { name =, sha256 =, bytes =, url = }, names relative to the payload).
function M.text(c)
  local r, graph = c.results, {}
  local parts = {}
  for _, list in ipairs { { c.script }, c.code, c.inputs, c.outputs } do
    for _, entry in ipairs(list) do parts[#parts + 1] = entry end
  end
  graph[1] = { ["@id"] = "ro-crate-metadata.json", ["@type"] = "CreativeWork", about = { ["@id"] = "./" },
    conformsTo = { { ["@id"] = "https://w3id.org/ro/crate/1.1" } } }
  graph[2] = { ["@id"] = "./", ["@type"] = "Dataset", name = r.experiment, datePublished = r.ended,
    description = string.format("The experiment '%s' with its results, made by Lamina %s (numerics %d)", r.experiment,
      r.lamina, r.numerics),
    conformsTo = { { ["@id"] = "https://w3id.org/ro/wfrun/process/0.5" } }, hasPart = references(parts),
    mentions = { { ["@id"] = "#run" } } }
  graph[3] = { ["@id"] = "https://w3id.org/ro/wfrun/process/0.5", ["@type"] = "CreativeWork",
    name = "Process Run Crate", version = "0.5" }
  graph[4] = { ["@id"] = "#lamina", ["@type"] = "SoftwareApplication", name = "Lamina", softwareVersion = r.lamina,
    version = r.lamina, description = "numerics version " .. r.numerics }
  local object = references(c.inputs)
  for _, reference in ipairs(parameters(r.params or {}, graph)) do object[#object + 1] = reference end
  graph[#graph + 1] = { ["@id"] = "#seed", ["@type"] = "PropertyValue", name = "seed", value = r.seed }
  object[#object + 1] = { ["@id"] = "#seed" }
  graph[#graph + 1] = { ["@id"] = "#run", ["@type"] = "CreateAction", name = "A run of " .. c.script.name,
    instrument = { { ["@id"] = encoded(c.script.name) }, { ["@id"] = "#lamina" } }, object = object,
    result = references(c.outputs), startTime = r.started, endTime = r.ended,
    actionStatus = { ["@id"] = "http://schema.org/CompletedActionStatus" },
    description = string.format("%d threads, %s kernels, %s", r.threads, r.isa, r.processor) }
  for _, entry in ipairs(parts) do graph[#graph + 1] = file_entity(entry) end
  for _, entity in ipairs(graph) do
    if entity["@id"] == encoded(c.script.name) then
      entity["@type"] = { "File", "SoftwareSourceCode", "SoftwareApplication" }
      entity.programmingLanguage = "Lua 5.4"
    end
  end
  return core_io.json_encode({ ["@context"] = { "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context" }, ["@graph"] = graph }, 2) .. "\n"
end

return M
