-- S13 in small: the stored RDMs' gates hold, and few templates miss human IT as well.
local base = require "lamina.core.base"
local experiment = require "support.experiment"

it("S13 HMAX misses human IT", function()
  if not experiment.has "kriegeskorte92" then return pending "no data (LAMINA_DATA)" end
  experiment.run("hierarchies/s13_hmax_it", { "--templates", "10", "--side", "48" }, function(dir)
    for _, name in ipairs { "figure.svg", "figure.csv", "rdm.png" } do assert.is_true(base.exists(dir .. name)) end
  end)
end)
