-- Divisions that a script gives itself: lists of positions, imported or of its own making.
local lamina = require "lamina"
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"
local near = require "support.near"
local stats = require "lamina.core.stats"

local neural, stimuli, predictivity, ridge = lamina.neural, lamina.stimuli, lamina.predictivity, lamina.ridge
local arange = lamina.arange

local folder = os.tmpname() .. ".neural"
base.mkdir(folder)

local message_of = require("support.said").message

describe("splits of the script's own", function()
  local set = stimuli.objects { 24, size = 8, classes = 2, seed = 1 }
  local front = { pixels = function(x) return x end }

  it("give the r of their divisions", function()
    local a = neural.simulate { set, simple = 4, repeats = 4, seed = 2 }
    local train, test = arange(1, 16), arange(17, 24)
    local score = predictivity { features = front, stimuli = set, responses = a, reliability = -1, bootstrap = 100,
      mapping = ridge(10), splits = { { train = train, test = test:totable() } } }
    local x, y = set.x:reshape { 24, -1 }, a:mean()
    local guess = ridge(10):fit(x[{ { 1, 16 } }], y[{ { 1, 16 } }]):predict(x[{ { 17, 24 } }])
    near(stats.pearson(guess, y[{ { 17, 24 } }]):totable(), score.neuroids.r.pixels, 1e-9)
    local rows = score:table "neuroids"
    assert.equal(5, #rows)
    assert.same({ "layer", "position", "kind" }, table.move(rows[1], 1, 3, 1, {}))
    assert.equal(score.neuroids.r.pixels[4], rows[5][#rows[5] - 3])
    local path = folder .. "/neuroids.csv"
    score:csv(path, "neuroids")
    assert.equal(4, #core_io.csv_read(path, { header = true }).reliability)
    assert.matches("no table of 'layers'", message_of(function() score:csv(path, "layers") end))
  end)

  it("are counted over the images that they test, and refused where they overlap", function()
    local function accuracy(own) return neural.separability { features = front, stimuli = set, splits = own } end
    local score = accuracy { { train = arange(1, 12), test = { 20, 13 } },
      { train = arange(13, 24), test = { 1 } } }
    assert.equal(3, score.rows[1].n)
    assert.near(0, (score.rows[1].accuracy * 3) % 1, 1e-9)
    assert.matches("image 2 occurs twice, in train and in test",
      message_of(accuracy, { { train = { 1, 2 }, test = { 2, 3 } } }))
    assert.matches("holds 25, expected positions from 1 to 24",
      message_of(accuracy, { { train = { 1, 2 }, test = { 25 } } }))
    assert.matches("image 5 is tested more than once",
      message_of(accuracy, { { train = { 1, 2, 3 }, test = { 5 } }, { train = { 1, 2, 3 }, test = { 5 } } }))
    assert.matches("splits is a number", message_of(accuracy, 3))
  end)

  it("keep groups whole in their inner folds, too, where the script says by", function()
    local movie = {}
    for i = 1, 24 do movie[i] = (i - 1) // 4 end
    local a = neural.simulate { set, simple = 4, repeats = 4, seed = 2 }
    a = neural.assembly { { responses = a.responses, stimulus_id = a.stimulus.stimulus_id, movie = movie } }
    local made = lamina.grouped { 3, by = "movie", seed = 7 }
    local named = set:with_ids(a.stimulus.stimulus_id)
    local function score(splits)
      return predictivity { features = front, stimuli = named, responses = a, reliability = -1, bootstrap = 100,
        mapping = ridge { alphas = { 0.1, 10, 1000 }, inner = 2 }, splits = splits, seed = 3 }
    end
    local own = made:folds(24, a.stimulus)
    own.by, own.seed = "movie", 7
    local theirs, ours = score(made), score(own)
    assert.is_true(theirs.neuroids.r.pixels:equal(ours.neuroids.r.pixels))
    assert.matches("splits: 3 divisions given by the script, by movie; inner folds by whole groups, seed 7",
      tostring(ours))
    own[1] = { train = { 1, 2, 5 }, test = { 3, 9, 10 } }
    assert.matches("division 1: movie = 0 stands in train and in test %(image 3%), and by = \"movie\" says that",
      message_of(score, own))
    own.by = "movies"
    assert.matches("splits: the stimuli have no coordinate 'movies' %(did you mean 'movie'%?%)",
      message_of(score, own))
    own.by, own.group = nil, "movie"
    assert.matches("predictivity: splits: unknown option 'group'", message_of(score, own))
  end)
end)
