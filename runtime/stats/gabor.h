/* gabor.h: Gabor functions fitted to receptive fields and filters (Jones & Palmer 1987).
 *
 * With x to the right and y downwards in pixels, dx = x - p[1], dy = y - p[2], s and c the sine and cosine of the
 * orientation p[3], u = dx s + dy c across the bars and v = dx c - dy s along them,
 *
 *   f = p[8] + p[0] exp(-u^2 / (2 p[6]^2) - v^2 / (2 p[7]^2)) cos(2 pi u / p[4] + p[5]):
 *
 * amplitude, centre (from the middle of the field), orientation (degrees), wavelength, phase (degrees), the sizes
 * across and along the bars, offset. The bits depend on the fields alone: elementary functions are the kernels' own,
 * sums are their dot products of fixed lanes or chains. */
#ifndef LM_STATS_GABOR_H
#define LM_STATS_GABOR_H

#include "tensor/tensor.h"

enum { LM_GABOR = 9, LM_GABOR_STARTS = 40 }; /* parameters; the most starts */

/* For each of the fields (n x h x w, floating, finite, at least 9 pixels) the function of least squares, by
 * Levenberg-Marquardt (Marquardt 1963) with exact slopes, from the `starts` (1 to LM_GABOR_STARTS) gratings that the
 * field holds most of, each with two lengths; the best end is followed until a step gains less than 1e-12 of the sum.
 *
 * *fits is n x 10, float64: the parameters (amplitude above 0, orientation in [0, 180), phase in [0, 360)) and the
 * share of the field's variance that they explain (NaN for a field without variance). *covariance is n x 9 x 9: that
 * of the parameters by the curvature of the sum of squares, with the variance of the residuals over n - 9 degrees of
 * freedom; NaN where the pixels do not determine them. */
lm_status lm_gabor_fit(lm_tensor **fits, lm_tensor **covariance, const lm_tensor *fields, int64_t starts, lm_err *e);

#endif
