--- lamina pack: run an experiment and pack it with its results into a bundle
local subcommand = require "lamina.subcommand"

return subcommand.define {
  name = "pack",
  usage = "pack SCRIPT [-o FILE] [options] [options of the script]",
  about = [[
Runs the experiment of SCRIPT and packs it into one archive that another lab can check: the script, every module it
required, its parameters and seed, its inputs (or their hashes and addresses), the versions of engine and numerics,
and its results with their SHA-256. Run it in the folder from which you run the script; options that are not listed
here are the script's own.

The archive holds a BagIt bag (RFC 8493) with RO-Crate metadata, so it can be checked without Lamina, too:
    unzip exp.lamina.zip && cd exp && sha256sum -c manifest-sha256.txt
lamina verify runs it again in a sandbox and compares every result.]],
  positional = { "script" },
  complete = { files = "lua" },
  passes = true,
  options = {
    { "--output", short = "-o", value = "FILE", doc = "the bundle (default: SCRIPT's name with .lamina.zip); one "
      .. "that is there is not overwritten" },
    { "--run", value = "DIR", doc = "pack this finished run of the script instead of running it now" },
    { "--data", value = "DIR", many = true, doc = "where data sets lie, as for lamina SCRIPT" },
    { "--seed", value = "N", type = "integer", min = 0, doc = "instead of the script's" },
    { "--threads", value = "N", type = "integer", min = 1, max = 1024, doc = "how many threads the run uses "
      .. "(default: the usable cores)" },
    { "--memory", value = "SIZE", type = "size", doc = "the run's limit for tensors (default: none)" },
    { "--lua-memory", value = "SIZE", type = "size", doc = "the run's limit for Lua's own values (default: half "
      .. "of the machine's memory)" },
    { "--fetch", value = "NAME=URL", many = true, doc = "leave the data set NAME out and note in fetch.txt that its "
      .. "files are found below URL" },
    { "--leave", value = "NAME", many = true, doc = "leave the data set NAME out and note its hashes alone; lamina "
      .. "verify --data supplies it" },
    { "--tolerance", value = "R", type = "number", doc = "relative deviation up to which a result is close "
      .. "(default: 1e-06)" },
    { "--sign", value = "NAME.key", doc = "sign with this key, made by lamina keygen" },
  },
  examples = {
    "lamina pack exp.lua -o exp.lamina.zip --rate 0.01",
    "lamina pack exp.lua --data DIR --sign alice.key",
  },
  codes = "0 packed, 1 the script failed or something could not be read, 2 wrong usage, 130 interrupted",
  run = function(o)
    local path, n, fetched = require("lamina.bundle.pack").pack(o)
    local absent = fetched > 0 and string.format(", %d to be fetched", fetched) or ""
    print(string.format("%s: %d files%s%s", path, n, absent, o.sign and ", signed" or ""))
  end,
}
