-- hmax.lua: HMAX in small (Riesenhuber & Poggio 1999; Serre et al. 2007), for the scripts beside it: S1 Gabor
-- filters of 4 orientations at 3 sizes, C1 their maxima over places and neighbouring sizes, S2 the likeness to 200
-- patches of C1, C2 its maximum over all places.
--
-- require "hmax" (seed, images) gives c1 and c2, functions of grey images n x 1 x 32 x 32 (0 to 1); patches come from
-- 200 images of the same form, drawn objects of that seed if absent.
local function s1(x)
  local maps = {}
  for i, size in ipairs { 5, 7, 9 } do
    local bank = stimuli.gabors { size = size, orientations = 4, wavelength = 0.8 * size, phase = { 0 } }
    local filters = bank:reshape { 4, 1, size, size }
    filters = filters - filters:mean { dim = { 2, 3, 4 }, keepdim = true }
    filters = filters / filters:square():sum { dim = { 2, 3, 4 }, keepdim = true }:sqrt()
    maps[i] = x:conv2d(filters, nil, { pad = size // 2 }):abs()
  end
  return maps
end

local function c1(x)
  local maps = s1(x)
  return maps[1]:maximum(maps[2]):maximum(maps[3]):max_pool2d { kernel = 4, stride = 4 }
end

local function patches_of(images)
  local from = c1(images)
  local places, list = randint(1, 6, { 200, 2 }):totable(), {}
  for i = 1, 200 do
    local y, z = places[i][1], places[i][2]
    list[i] = from[{ i, {}, { y, y + 2 }, { z, z + 2 } }]
  end
  return ops.stack(list, { dim = 1 })
end

return function(seed, images)
  local patches = patches_of(images or stimuli.objects { 200, size = 32, seed = seed }.x)
  local function c2(x)
    local maps = c1(x)
    local along = maps:conv2d(patches)
    local size = maps:square():conv2d(ones { 1, 4, 3, 3 })
    local apart = size - along * 2 + patches:square():sum({ 2, 3, 4 }):reshape { 1, 200, 1, 1 }
    return (apart * -2):exp():max { dim = { 3, 4 } }
  end
  return c1, c2
end
