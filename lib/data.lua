--- Data sets: pairs of inputs x and targets y that can be cut into batches, split and chosen from.
--
--   local digits = data.mnist()                       -- digits.train, digits.valid, digits.test
--   local set = data.tensors { x, y, classes = { "cat", "dog" } }
--   local train, valid, test = data.images { "photos", size = 64 }:split { 0.8, 0.1, 0.1, stratify = true }
--   for b in train:augment { random_crop = 56, flip = true }:batches { batch = 64, shuffle = true } do
--     ... b.x, b.y, #b ...
--   end
--
-- Where items come from: data.tensors (memory), data.arrays (.npy, .npz, .safetensors, IDX, HDF5, left in the file,
-- which may be larger than memory), data.images (PNG and JPEG files, read as they are asked for), data.table (CSV),
-- data.from (a function), data.mnist.
--
-- Labels are int64 and count from 1; `classes` holds their names. Several targets stand in a table by name,
-- data.tensors { x, { category =, position = } }, as the goals of `train`. Anything with #, and :batch(indices) that
-- gives { x =, y = }, can stand in for a data set in train, loop and evaluate.
local arrays = require "lamina.data.arrays"
local batches = require "lamina.data.batches"
local files = require "lamina.data.files"
local from = require "lamina.data.from"
local images = require "lamina.data.images"
local mnist = require "lamina.data.mnist"
local sets = require "lamina.data.set"
require "lamina.data.augment"
require "lamina.data.sample"
require "lamina.data.split"

local M = {}

M.tensors = arrays.tensors
M.arrays = arrays.arrays
M.images = images.images
M.table = from.table
M.from = from.from
M.mnist = mnist.mnist
M.folder = files.folder
M.npy = files.npy
M.npz = files.npz
M.idx = files.idx
M.safetensors = files.safetensors
M.json = files.json
M.null = files.null
M.csv = files.csv
M.mat = files.mat
M.hdf5 = files.hdf5
M.netcdf = files.netcdf
M.save_npy = files.save_npy
M.save_npz = files.save_npz
M.save_safetensors = files.save_safetensors
M.save_json = files.save_json
M.save_csv = files.save_csv

M.make_batch = sets.make_batch
M.methods = sets.methods
M.order = batches.order
M.batches = batches.batches

return M
