--- naka_rushton { 1, 2 }
local layer = require "lamina.layer"

return layer.activation {
  word = "naka_rushton", monotone = true,
  doc = "x^n / (sigma^n + x^n) above 0, 0 below, element by element: the contrast response of cortical "
    .. "cells, from 0 to 1 (Naka & Rushton 1966; Albrecht & Hamilton 1982).",
  options = {
    sigma = { type = "number", default = 1, min = 1e-30, max = 1e30, doc = "where it is half of its largest" },
    n = { type = "number", default = 2, min = 1e-6, max = 1e6, doc = "the exponent: how steep it is" },
  },
  names = { "sigma", "n" },
}
