--- What layers over sequences share: an item is time x features (rows of tokens, patches, steps).
local errors = require "lamina.errors"
local layer = require "lamina.layer"

local M = {}

--- Nil for time x features; for another shape what to say of it.
function M.not_rows(shape)
  if #shape == 2 then return nil end
  local hint = #shape == 3 and "; tokens makes a sequence of the pixels of maps"
    or #shape == 1 and "; embedding makes rows of features of tokens, and lstm { ..., steps = \"all\" } gives "
      .. "every step"
    or ""
  return string.format("needs an input of time x features, such as input { 100, 64 }, got %s%s",
    layer.shape_text(shape), hint)
end

--- `channels` of such a layer: rows carry no channels. net:driven says so.
function M.channels(what)
  return function(_, _, shapes)
    errors.raise("argument", 5, "driven: %s reads features of rows, so that no weight belongs to one channel of %s",
      what, layer.shape_text(shapes[1]))
  end
end

return M
