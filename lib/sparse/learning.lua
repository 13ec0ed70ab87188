--- lamina.sparse.learning: bases that follow what inference leaves over.
local errors = require "lamina.errors"
local images = require "lamina.sparse.images"
local inference = require "lamina.sparse.inference"
local object = require "lamina.object"
local online = require "lamina.sparse.online"
local progress = require "lamina.progress"
local schema = require "lamina.schema"
local tensor = require "lamina.core.tensor"

local M = {}

local Code = { __name = "sparse code" }
local methods = {}
Code.__index = object.index("a sparse code", methods, "bases size sigma beta sparseness updates gain")

-- The published settings. E here has one half before the squared error, so that both are ratios beta of a like kind.
local PRESETS = {
  nature = { sparseness = "log", beta = 0.14 },   -- lambda / sigma of the paper and of the code of 1996
  released = { sparseness = "log", beta = 0.07 }, -- the later code: beta 2.2, sigma 0.316, noise variance 0.01
}

local CODE = schema.document("sparse.code", {
  bases = { type = "integer", default = 192, min = 1, doc = "how many" },
  size = { type = "integer", default = 16, min = 2, doc = "pixels on a side of a patch" },
  preset = { type = "string", default = "nature", choices = { "nature", "released" },
    doc = "\"nature\": beta 0.14, as Olshausen & Field 1996; \"released\": 0.07, as their later code" },
  sparseness = { type = "string", choices = { "log", "abs", "exp" }, doc = "S; the preset's, log, if absent" },
  beta = { type = "number", min = 0, doc = "weight of sparseness; the preset's if absent" },
  sigma = { type = "number", default = math.sqrt(0.1), above = 0, doc = "the scale of coefficients" },
  seed = { type = "integer", doc = "of the first bases and of patches; the experiment's if absent" },
})

--- sparse.code { bases = 192, size = 16, preset = "nature", sparseness =, beta =, sigma = 0.316, seed = }: a
-- dictionary of basis functions for patches of size x size pixels, random and of norm 1 at first. code.bases is
-- bases x pixels.
-- > code = sparse.code { bases = 48, size = 8, preset = "nature" }
-- > code.bases.shape, code.bases[1]:square():sum()   --> { 48, 64 } 1.
function M.code(given, ...)
  local position = errors.position(2)
  schema.alone("sparse.code", "sparse.code { bases = 192, size = 16 }", position, ...)
  local o = schema.check("sparse.code", given or {}, CODE, position)
  local preset = PRESETS[o.preset]
  o.seed = o.seed or tensor.seed()
  local bases = tensor.draw { kind = "normal", shape = { o.bases, o.size * o.size }, seed = o.seed,
    purpose = "sparse.bases" }
  bases = bases / bases:square():sum({ dim = 2, keepdim = true }):sqrt()
  return setmetatable({ bases = bases, size = o.size, sigma = o.sigma, beta = o.beta or preset.beta, seed = o.seed,
    sparseness = o.sparseness or preset.sparseness, updates = 0, gain = tensor.ones { o.bases, 1 },
    variance = tensor.full({ o.bases, 1 }, 0.1) }, Code)
end

Code.__tostring = function(self)
  return string.format("sparse code: %d bases of %d x %d, S = %s, beta %.4g, sigma %.4g, %d updates", #self.bases,
    self.size, self.size, self.sparseness, self.beta, self.sigma, self.updates)
end

local function settings(self, more)
  local o = { sparseness = self.sparseness, beta = self.beta, sigma = self.sigma, bases = self.bases }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

--- code:infer(x, options): coefficients for patches (N x pixels), as sparse.infer with the code's bases and settings.
-- > code = sparse.code { bases = 24, size = 4, sparseness = "abs", beta = 0.2 }
-- > code:infer(randn { 5, 16 }).shape   --> { 5, 24 }
function methods:infer(x, options)
  local o = settings(self, options)
  o.x = x
  return inference.infer(o)
end

--- code:energy(x, a): the energy of each patch, as sparse.energy with the code's bases and settings.
-- > code = sparse.code { bases = 24, size = 4 }
-- > code:energy(full({ 2, 16 }, 0.5), zeros { 2, 24 })   --> [2. 2.]
function methods:energy(x, a)
  return inference.energy(x, self.bases, a, { sparseness = self.sparseness, beta = self.beta, sigma = self.sigma })
end

--- code:reconstruct(a): patches from coefficients, N x pixels.
-- > code = sparse.code { bases = 24, size = 4 }
-- > code:reconstruct(eye(24)):equal(code.bases)   --> true
function methods:reconstruct(a) return a:matmul(self.bases) end

--- code:filters(): the bases as bases x 1 x size x size, for plot.images or the weights of a convolution.
-- > sparse.code({ bases = 24, size = 4 }):filters().shape   --> { 24, 1, 4, 4 }
function methods:filters() return self.bases:reshape { #self.bases, 1, self.size, self.size } end

local LEARN = schema.document("sparse code:learn", {
  positional = { "images" },
  images = { type = { "tensor", "function" }, required = true,
    doc = "whitened images n x H x W, or function(step) that gives patches N x pixels" },
  rule = { type = "string", default = "gradient", choices = { "gradient", "online" },
    doc = "\"gradient\": the published steps of Olshausen & Field; \"online\": Mairal et al. 2010, the faster" },
  updates = { type = "integer", default = 4000, min = 0, doc = "of the bases, a batch of patches each" },
  batch = { type = "integer", min = 1, doc = "patches an update; 100, of the online rule 200" },
  forget = { type = "number", min = 0,
    doc = "online: the batch of update s among t counts (s / t)^forget; 8" },
  tolerance = { type = "number", min = 0,
    doc = "online: of inference (see sparse.infer); 0.1 for abs, else 0.01" },
  rate = { type = "table",
    doc = "the rate at first, in the middle third, and in the last third of all; { 5, 2.5, 1 }" },
  target = { type = "number", above = 0, doc = "variance at which the gains hold each coefficient; 0.1" },
  gain = { type = "number", min = 0, doc = "how strongly they do; 0.02" },
  memory = { type = "number", above = 0, max = 1, doc = "rate of the running variance; 0.001" },
  border = { type = "integer", default = 4, min = 0, doc = "of the images, left out" },
  log = { type = "boolean", default = true, doc = "whether progress is shown" },
})

-- One update: phi += rate <a r>, lengths such that coefficients have the target variance.
local function update(self, x, rate, o)
  local a = inference.run(settings(self, { x = x, method = "cg", iterations = 10, tolerance = 0.01 }))
  local residual = x - a:matmul(self.bases)
  local bases = self.bases + a:t():matmul(residual) * (rate / #x)
  self.variance = self.variance * (1 - o.memory) + a:square():mean({ dim = 1 }):reshape { -1, 1 } * o.memory
  self.gain = self.gain * (self.variance / o.target) ^ o.gain
  local length = bases:square():sum({ dim = 2, keepdim = true }):sqrt():clamp(1e-30, 1e30)
  self.bases = bases * (self.gain / length)
  self.updates = self.updates + 1
end

-- What belongs to which rule, with its default.
local RULES = {
  gradient = { batch = 100, rate = { 5, 2.5, 1 }, target = 0.1, gain = 0.02, memory = 0.001 },
  online = { batch = 200, forget = 8, tolerance = false },
}

local function settle(o, position)
  local own, other = RULES[o.rule], RULES[o.rule == "online" and "gradient" or "online"]
  for _, name in ipairs { "rate", "target", "gain", "memory", "forget", "tolerance" } do
    if o[name] ~= nil and own[name] == nil and other[name] ~= nil then
      errors.raise("argument", position, "learn: '%s' belongs to rule = \"%s\", and this is \"%s\"", name,
        o.rule == "online" and "gradient" or "online", o.rule)
    end
    if o[name] == nil then o[name] = own[name] or nil end
  end
  o.batch = o.batch or own.batch
end

--- code:learn { images, rule = "gradient", updates = 4000, batch =, rate = { 5, 2.5, 1 }, target = 0.1, gain = 0.02,
-- memory = 0.001, forget = 8, tolerance =, border = 4, log = true }: learns the bases from patches of whitened images
-- (n x H x W), or of what a function of the update's number gives (N x pixels). Returns the code.
--
-- rule "gradient" (Olshausen & Field 1996, and their code): each update infers coefficients of 100 patches by
-- conjugate gradients, adds rate <a (x - a Phi)> to the bases and sets their lengths so that every coefficient has
-- the target variance, gain by gain (Var / target)^0.02, Var a running mean at rate 0.001.
--
-- rule "online" (Mairal, Bach, Ponce & Sapiro 2010): each update infers coefficients of 200 patches (sparseness
-- "abs" by coordinate descent), adds them to A = sum a'a and B = sum a'x, in which the batch of update s among t
-- counts (s / t)^forget, and goes once over the bases, each to what A and B say is best, with lengths of at most 1.
-- Bases that no patch uses become patches. A call goes on from where the last one ended.
-- > code = sparse.code { bases = 24, size = 4, sparseness = "abs" }
-- > code:learn { randn { 5, 24, 24 }, rule = "online", updates = 3, log = false }
-- > code.updates   --> 3
function methods:learn(given)
  local position = errors.position(2)
  if tensor.is_tensor(given) or type(given) == "function" then given = { given } end
  local o = schema.check("learn", given, LEARN, position)
  settle(o, position)
  local rates = o.rate
  local source = o.images
  if tensor.is_tensor(source) then
    local x = source:to "float32"
    if x.ndim ~= 3 then
      errors.raise("shape", position, "learn: images are %s, expected n x H x W", table.concat(x.shape, "x"))
    end
    source = function(step)
      return images.drawn(x, { n = o.batch, size = self.size, border = o.border, seed = self.seed, step = step },
        position)
    end
  end
  local shown = o.log and progress.new(o.updates)
  tensor.no_grad(function()
    for k = 1, o.updates do
      local x = source(self.updates + 1)
      if not tensor.is_tensor(x) or x.ndim ~= 2 or x:size(2) ~= self.bases:size(2) then
        errors.raise("shape", position, "learn: patches must be N x %d", self.bases:size(2))
      end
      if o.rule == "online" then
        online.update(self, x, o)
      else
        update(self, x, rates[math.min(#rates, (k - 1) * #rates // o.updates + 1)], o)
      end
      if shown then shown:update(k, "updates") end
    end
  end)
  if shown then shown:clear() end
  return self
end

return M
