-- The scripts that show what the language is for (tests/acceptance), run by the command as a user runs them, and what
-- they report.
local base = require "lamina.core.base"
local command = require "support.command"
local core = require "lamina.core.tensor"
local io = require "lamina.core.io"

local here = base.cwd and base.cwd() or os.getenv "PWD"
local root = os.getenv "LAMINA_DATA" or "../shared/data"
local dir

setup(function() dir = command.folder() end)
teardown(function() command.drop(dir) end)

-- Runs a script of tests/acceptance in `dir`; returns the results by metric, the weights' digests, what was printed.
local function run(name, out, ...)
  local done = command.run({ "--out", out, here .. "/tests/acceptance/" .. name .. ".lua", ... }, { dir = dir })
  assert.equal(0, done.code, done.err .. done.out)
  local file = io.json_decode(command.read(dir .. "/" .. out .. "/results.json"))
  assert.equal("done", file.status)
  local by_metric, weights = {}, {}
  for _, row in ipairs(file.results) do
    by_metric[row.metric] = by_metric[row.metric] or row.value
    assert.equal("exact", row.label, row.metric)
  end
  for _, w in ipairs(file.weights) do weights[w.name] = w.sha256 end
  return by_metric, weights, done.out
end

-- Leaves of a run that was cut only its checkpoint.
local function keep_checkpoint(out)
  os.rename(dir .. "/" .. out .. "/checkpoint.safetensors", dir .. "/kept")
  command.drop(dir .. "/" .. out)
  base.mkdir(dir .. "/" .. out)
  os.rename(dir .. "/kept", dir .. "/" .. out .. "/checkpoint.safetensors")
end

describe("the script", function()
  it("lenet learns drawn objects, and draws its curve", function()
    local r = run("lenet", "lenet", "--drawn", "--epochs", "3")
    assert.is_true(r.test_error < 0.2, r.test_error) -- chance is 0.875
    assert.matches("<svg", command.read(dir .. "/lenet/learning.svg"):sub(1, 200), 1, true)
  end)

  it("lenet learns MNIST", function()
    if not base.exists(root .. "/mnist") then return pending "no data (LAMINA_DATA)" end
    local path = root:sub(1, 1) == "/" and root or here .. "/" .. root
    local r = run("lenet", "mnist", "--epochs", "2", "--items", "6000", "--data", path)
    assert.is_true(r.test_error < 0.08, r.test_error)
  end)

  it("goals reads three goals out of two areas", function()
    local r = run("goals", "goals")
    assert.is_true(r.category_error < 0.15, r.category_error) -- chance is 0.75
    assert.is_true(r.category_top2_error <= r.category_error)
    assert.is_true(r.place_r2 > 0.8, r.place_r2)
    assert.is_true(r.position_r2 < r.place_r2, r.position_r2)
    assert.is_true(math.abs(r.loss - r.category_loss - r.position_loss - r.place_loss) < 1e-6)
    assert.equal(8 * 9 + 8 + 8 * 8 * 9, r.V1_weights) -- the shared convolution counts once
  end)

  it("recurrent keeps Dale's law, learns V1 by its own rule and resumes with the same bits", function()
    local r, whole = run("recurrent", "recurrent", "--epochs", "2")
    assert.same({ 3, 1, 26, 0 }, { r.changed, r.holds, r.excitatory, r.against_dale })
    assert.is_true(r.loss < 1.9, r.loss) -- 2.30 to begin with
    run("recurrent", "cut", "--epochs", "1")
    keep_checkpoint "cut"
    local _, again = run("recurrent", "cut", "--epochs", "2")
    assert.equal(whole.recurrent, again.recurrent)
  end)

  it("gan goes on after a cut with the same bits", function()
    local r, whole = run("gan", "gan", "--epochs", "6")
    assert.equal(6, r.epochs)
    assert.equal(96, r.steps)
    assert.is_true(r.d > 0.2 and r.d < 2 and r.g > 0.2 and r.g < 3, r.d .. " " .. r.g)
    for _, cut in ipairs { 1, 4 } do
      run("gan", "cut" .. cut, "--epochs", tostring(cut))
      keep_checkpoint("cut" .. cut)
      local again, weights = run("gan", "cut" .. cut, "--epochs", "6")
      assert.equal(whole.G, weights.G)
      assert.equal(whole.D, weights.D)
      assert.equal(r.mean_x, again.mean_x) -- the script's own draws go on, too
    end
  end)

  -- Twelve movies of six frames: images in a folder, responses in an npz file, with trials that are missing.
  local function record()
    local set = stimuli.objects { 72, size = 16, classes = 4, seed = 5 }
    local simulated = neural.simulate { set, simple = 8, repeats = 6, rate = 8, seed = 2 }
    base.mkdir(dir .. "/images")
    local names = {}
    for i = 1, 72 do
      names[i] = string.format("frame%02d", i)
      local picture = (set.x[i] * 255):round():clamp(0, 255):to "uint8"
      io.png_write(dir .. "/images/" .. names[i] .. ".png", picture:reshape { 16, 16 })
    end
    local rows, ids, repetition, movie = {}, {}, {}, {}
    local counts = simulated.responses:totable()
    for s = 1, 72 do
      for k = 1, 6 do
        local row = {}
        for u = 1, 8 do row[u] = u == 3 and s <= 2 and -1 or counts[s][u][k] end -- unit 3 missed two stimuli
        rows[#rows + 1], ids[#ids + 1] = row, names[s]
        repetition[#repetition + 1], movie[#movie + 1] = k, (s - 1) // 6 + 1
      end
    end
    io.npz_write(dir .. "/v1.npz", { responses = core.tensor(rows, { dtype = "float64" }), stimulus_id = ids,
      repetition = core.tensor(repetition, { dtype = "int64" }), movie = core.tensor(movie, { dtype = "int64" }) })
  end

  it("predictivity scores each layer, and fits the responses through a factorised readout", function()
    record()
    local r, _, out = run("predictivity", "predictivity")
    assert.matches("layer", out, 1, true)
    assert.equal(2, r.missing)
    assert.equal(1, r.core_kept)
    assert.is_true(r.last_loss < r.first_loss)
    assert.is_true(r.penalty > 0)
    assert.is_true(base.exists(dir .. "/predictivity/layers.pdf"))
  end)
end)
