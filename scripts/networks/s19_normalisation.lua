-- s19_normalisation.lua: SYSTEMS S19. Statistics and identities of normalisation, and LRN by its formula.
experiment "s19-normalisation" { seed = 1 }

local function result(metric, value, comparison, threshold)
  report { id = "S19", metric = metric, value = value, comparison = comparison, threshold = threshold }
end

local function most(t) return t:abs():max():item() end

local channels = { dim = { 1, 3, 4 } }
local net = model "normalised" { input { 3, 10, 12 }, area "A" { conv { 6, kernel = 3, pad = 1 }, norm.batch } }
local alone = model "alone" { input { 6, 10, 12 }, area "A" { norm.batch } }
local x = randn { 32, 6, 10, 12 } * 3 + 2
local y = alone:forward(x, { training = true }):detach()
local mean = ops.mean(y, channels)
local variance = ops.mean((y - mean:reshape { 1, 6, 1, 1 }):square(), channels)
result("batch_norm_train_mean", most(mean), "+-", { 0, 1e-5 })
result("batch_norm_train_variance", 1 + most(variance - 1), "+-", { 1, 1e-3 })

local plain = { affine = false }
result("group_norm_1_equals_layer_norm",
  most(norm.group(x, { 1, affine = false }) - norm.layer(x, plain)) < 1e-5 and 1 or 0, "==", 1)
result("group_norm_c_equals_instance_norm",
  most(norm.group(x, { 6, affine = false }) - norm.instance(x, plain)) < 1e-5 and 1 or 0, "==", 1)

-- Ten batches for the running statistics; then weights that hold them.
for _ = 1, 10 do net:forward(randn { 16, 3, 10, 12 } * 2 + 1, { training = true }) end
local t = {}
for _, entry in ipairs(net:parameters()) do t[entry.name] = entry.tensor:detach() end
for _, entry in ipairs(net:buffers()) do t[entry.name] = entry.tensor:detach() end
local scale = t["A.norm1.weight"] / (t["A.norm1.variance"] + 1e-5):sqrt()
local images = randn { 8, 3, 10, 12 }
local folded = ops.conv2d(images, t["A.conv1.weight"] * scale:reshape { 6, 1, 1, 1 },
  (t["A.conv1.bias"] - t["A.norm1.mean"]) * scale + t["A.norm1.bias"], { pad = 1 })
result("batch_norm_folded_conv_error", most(net(images):detach() - folded), "<=", 1e-5)

-- a / (2 + 1e-4 sum over five channels of a^2)^0.75, element by element in double precision.
local a = randn { 3, 9, 4 } * 200
local values, got, equal = a:totable(), norm.lrn(a:reshape { 3, 9, 4, 1 }):reshape({ 3, 9, 4 }):totable(), 1
for n = 1, 3 do
  for c = 1, 9 do
    for i = 1, 4 do
      local sum = 0
      for k = math.max(1, c - 2), math.min(9, c + 2) do sum = sum + values[n][k][i] ^ 2 end
      local want = values[n][c][i] / (2 + 1e-4 * sum) ^ 0.75
      if math.abs(want - got[n][c][i]) > 1e-6 * math.abs(want) then equal = 0 end
    end
  end
end
result("lrn_formula_equal", equal, "==", 1)

-- A unit's response among four neighbours that are silent, active or very active.
local lines, own = {}, linspace(0, 400, 81)
for i, neighbours in ipairs { 0, 100, 300 } do
  local group = concat({ full({ 81, 2 }, neighbours), own:reshape { 81, 1 }, full({ 81, 2 }, neighbours) }, 2)
  lines[i] = { x = own:totable(), y = norm.lrn(group:reshape { 81, 5, 1, 1 }):reshape({ 81, 5 })[{ {}, 3 }]:totable(),
    label = "neighbours at " .. neighbours }
end
lines.xlabel, lines.ylabel = "drive", "response (local response normalisation)"
plot.line(lines):save "figure.svg"
