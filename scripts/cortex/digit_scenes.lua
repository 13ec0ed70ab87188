-- digit_scenes.lua: what drives the synthetic neurons of the scripts beside it, digits (mnist) pasted on natural
-- images (those of Shouval et al. 1996) with jitter of position, size and angle. The jitter is that of S36, in
-- fractions of the scene: the digit's image is shifted by up to 15 % of the side each way, takes 35 to 77 % of it,
-- and is turned by up to 45 degrees. Backgrounds are random parts of 32 x 32 pixels.
--
-- require "digit_scenes" (blend): a function (part, n, seed) that gives n scenes with digits of `part` ("train",
-- "valid" or "test"), drawn without replacement until all were shown. Where the digit's image is, and how large, are
-- in latent.x, .y (of the side, from the middle to the right and down) and .scale (of the side).
--
-- blend: "over", the default: white digits hide a background at half its luminance, so that no digit vanishes in a
-- white part (at full luminance many digits cannot be read). Networks learn these scenes from some thousand, and
-- random features do rather well. "difference": |digit - background| at full luminance, as in MNIST-M (Ganin &
-- Lempitsky 2015), where every digit can be read but is as bright or dark as its background makes it: a task that
-- takes some ten thousand scenes, and at which networks that have not learned are near chance.
return function(blend)
  blend = blend or "over"
  local digits = data.mnist { standardise = false }
  local folder = data.folder("natural-images", "shouval/")
  local natural = stimuli.folder { folder .. "/shouval", channels = 1 }
  local background = blend == "over" and natural.x * 0.5 or natural.x
  return function(part, n, seed)
    local set = digits[part]
    local index = permutation(#set, { seed = seed })
    if n < #set then index = index[{ { 1, n } }] end
    return stimuli.scenes { set:subset(index), n = n, size = 32, background = background, blend = blend,
      position = 0.15, scale = { 0.35, 0.77 }, rotation = { -45, 45 }, seed = seed }
  end
end
