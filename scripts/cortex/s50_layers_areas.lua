-- s50_layers_areas.lua: SYSTEMS S50. Layers of a model against areas of a brain: where the brain is made of mixes of the
-- layers themselves, every area finds its layer; on the 92 images, deeper layers are less and less like the stored V1
-- model. (Yamins & DiCarlo 2016, figure 2.)
--
-- The network learned small drawn objects, not photographs: its likeness to human IT by depth is reported, not asked.
local p = experiment "s50-layers-areas" { seed = 1, params = { seeds = 10, images = 4000, epochs = 5 },
  about = "Layers of a model against areas of a brain" }

local AREAS = { "V1", "V2", "V4", "IT" }
local function network(seed)
  return model { "ventral", seed = seed,
    input { 1, 32, 32 },
    area "V1" { conv { 16, kernel = 5, pad = 2 }, relu, pool.max { 2 } },
    area "V2" { conv { 24, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
    area "V4" { conv { 32, kernel = 3, pad = 1 }, relu, pool.max { 2 } },
    area "IT" { dense { 64 }, relu },
    readout "object" { dense { 8 } },
  }
end
