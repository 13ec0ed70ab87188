--- lamina verify: check a bundle and run it again in a sandbox
local errors = require "lamina.errors"
local plain = require "lamina.plain"
local subcommand = require "lamina.subcommand"

-- What is said of a bundle holds its names and what its script printed: none of it may write to the terminal.
local function say(format, ...) print(plain(string.format(format, ...))) end

-- Prints what was found; returns the exit code.
local function show(result)
  say("%s: %d files have the hashes that the bundle states", result.experiment, result.files)
  if result.signer then
    print(string.format("signed by the key %s", result.signer.fingerprint))
  else
    print "not signed: the hashes tell of damage, not of forgery"
  end
  if not result.rows then return 0 end
  local base = require "lamina.core.base"
  if result.numerics ~= base.numerics then
    say("made with numerics %s, this lamina has %s: bits may differ", tostring(result.numerics),
      base.numerics)
  end
  if result.code ~= 0 then
    print(string.format("the run ended with exit code %d:", result.code))
  end
  if result.code == 0 and #result.said > 0 then print "what the script wrote to its errors ends so:" end
  for _, line in ipairs(result.said) do say("%s", line) end
  local wide, counts = 8, {}
  for _, r in ipairs(result.rows) do
    r.what = plain(r.what):gsub("%s+", " ") -- no name makes columns of its own
    if #r.what > 120 then r.what = r.what:sub(1, 117) .. "..." end
    wide = math.min(40, math.max(wide, utf8.len(r.what)))
  end
  for _, r in ipairs(result.rows) do
    local pad = string.rep(" ", wide - utf8.len(r.what))
    say("%s", (string.format("%s%s  %-9s  %s", r.what, pad, r.verdict, r.note or ""):gsub("%s+$", "")))
    counts[r.verdict] = (counts[r.verdict] or 0) + 1
  end
  if result.parting and result.verdict ~= "exact" then say("the runs part at %s", result.parting.text) end
  local parts = {}
  for _, verdict in ipairs { "exact", "close", "different", "missing" } do
    if counts[verdict] then
      parts[#parts + 1] = counts[verdict] .. " " .. verdict
        .. (verdict == "close" and string.format(" (within %g)", result.tolerance) or "")
    end
  end
  print(string.format("%s: %s", result.verdict, table.concat(parts, ", ")))
  return (result.verdict == "exact" or result.verdict == "close") and 0 or 1
end

return subcommand.define {
  name = "verify",
  usage = "verify BUNDLE [options]",
  about = [[
Checks a bundle made by lamina pack, an archive or the folder unpacked from it: every hash, the signature if there is
one, and then its results: the script is run again, in a sandbox that reads the bundle and its inputs alone, writes
into a folder of its own alone, and has no network (see lamina --untrusted). Each weight, result and file is called
exact (the same bits), close (within the tolerance), different or missing; where trainings part, the first step, layer
and tensor are named. Drawings (SVG, PDF, PNG) in which only fonts differ are told, and do not count.]],
  positional = { "bundle" },
  complete = { files = "zip" },
  options = {
    { "--key", value = "NAME.pub", doc = "the bundle must be signed by the owner of this key" },
    { "--data", value = "DIR", many = true, doc = "where the data sets lie that the bundle leaves out; their hashes "
      .. "are checked" },
    { "--fetch", doc = "bring the data that the bundle names by address (fetch.txt) into LAMINA_DATA, else the "
      .. "user's cache; a download that was cut off goes on where it stopped, and what has not the bundle's hash is "
      .. "refused before anything runs" },
    { "--fetch-size", value = "SIZE", type = "size", default = 16 << 30, doc = "the most bytes that --fetch brings" },
    { "--tolerance", value = "R", type = "number", doc = "relative deviation up to which a result is close, instead "
      .. "of the bundle's" },
    { "--run", value = "DIR", doc = "compare with this finished run of the bundle's script, made on another machine, "
      .. "say, instead of running it" },
    { "--only-hashes", doc = "check hashes and signature; run nothing" },
    { "--verbose", doc = "show what the script prints" },
    { "--threads", value = "N", type = "integer", min = 1, max = 1024, doc = "how many threads the run uses "
      .. "(default: the usable cores); no exact result depends on it" },
    { "--memory", value = "SIZE", type = "size", doc = "the run's limit for tensors (default: none)" },
    { "--lua-memory", value = "SIZE", type = "size", doc = "the run's limit for Lua's own values (default: half "
      .. "of the machine's memory)" },
    { "--wall-time", value = "SECONDS", type = "number", doc = "its seconds by the clock (default: 3600)" },
    { "--cpu-time", value = "SECONDS", type = "number", doc = "of the processor (default: as many for each thread)" },
    { "--file-size", value = "SIZE", type = "size", doc = "how large a file it may write (default: 4G)" },
    { "--output-size", value = "SIZE", type = "size", doc = "and all together (default: 16G)" },
    { "--processes", value = "N", type = "integer", min = 1, doc = "how many programs run at once (default: 16)" },
    { "--all-threads", value = "N", type = "integer", min = 1, doc = "and threads in all of them (default: 64, and 8 "
      .. "for each of --threads)" },
    { "--print-size", value = "SIZE", type = "size", doc = "how much it may print (default: 64M)" },
    { "--unpacked", value = "SIZE", type = "size", default = 8 << 30, doc = "the most bytes that an archive may "
      .. "unpack to" },
    { "--unpacked-files", value = "N", type = "integer", min = 1, default = 100000, doc = "the most files in "
      .. "it" },
  },
  examples = {
    "lamina verify exp.lamina.zip --data DIR",
    "lamina verify exp.lamina.zip --key alice.pub --only-hashes",
  },
  codes = "0 all exact or close, 1 something is different or missing, 2 the bundle is damaged, forged or incomplete, "
    .. "or wrong usage, 130 interrupted",
  run = function(o)
    local result, e = errors.try(require("lamina.bundle.verify").verify, o.bundle, o)
    if result then return show(result) end
    if e.kind == "internal" then error(e, 0) end
    e.kind = "usage" -- which exits with 2
    e.message = plain(e.message, true)
    for i, note in ipairs(e.notes or {}) do e.notes[i] = plain(note, true) end
    error(e, 0)
  end,
}
