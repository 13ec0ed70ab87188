--- lamina keygen: make a pair of keys that sign bundles
local subcommand = require "lamina.subcommand"

return subcommand.define {
  name = "keygen",
  usage = "keygen NAME",
  about = [[
Makes a pair of Ed25519 keys: NAME.key, which signs (lamina pack --sign NAME.key) and stays with you, readable by you
alone, and NAME.pub, which others check signatures with (lamina verify --key NAME.pub). Files that are there already
are never overwritten. Both are PEM files as OpenSSL reads them.]],
  positional = { "name" },
  examples = { "lamina keygen alice             # alice.key and alice.pub" },
  codes = "0 made, 1 not made, 2 wrong usage",
  run = function(o)
    require("lamina.bundle.keys").make(o.name)
    print(string.format("%s.key signs: keep it to yourself; %s.pub checks: give it away", o.name, o.name))
  end,
}
