--- lamina run: run a script; --resume then goes on from its last checkpoint
local subcommand = require "lamina.subcommand"

return subcommand.define {
  name = "run",
  usage = "run SCRIPT [options] [parameters of the script]",
  about = [[
Runs the experiment of SCRIPT as lamina SCRIPT does, and has every training keep checkpoints by itself, in the folder
for results: a run that was cut off goes on to the same bits with --resume. What is no option of lamina is a parameter
that the script declares (--rate 0.01, or --set rate=0.01); lamina run SCRIPT --help lists them.]],
  positional = { "script" },
  complete = { files = "lua" },
  engine = true,
  examples = {
    "lamina run exp.lua --set rate=1e-2 --seed 3 --out runs/first",
    "lamina run exp.lua --resume                 # the run that did not end",
  },
  codes = "0 fine, 1 the script failed, 2 wrong usage, 130 interrupted",
  run = function() return 2 end, -- never called: what is no --help is read by the command itself
}
