/* stats.h: the statistics of responses: correlation, reliability, quantiles, resampling, spike counts.
 *
 * Results are float64. Sums run along the rows in order, one chain per output element, so the bits depend on the
 * shapes alone. Nothing here skips a NaN: where values are missing a mask says so, and a result that cannot be
 * computed is NaN by a rule stated below. */
#ifndef LM_STATS_STATS_H
#define LM_STATS_STATS_H

#include "tensor/tensor.h"

/* Pearson's r of every column of x and y (both rows x columns, or both one axis): *r has one element per column
 * (ndim 0 for one axis). Two passes: means, then centred sums. A column without variance in x or in y gives 0 (a
 * constant prediction explains nothing); fewer than two rows or a NaN gives NaN. */
lm_status lm_pearson(lm_tensor **r, const lm_tensor *x, const lm_tensor *y, lm_err *e);

/* Split-half reliability of responses (items x units x slots, any real dtype) with `valid` (bool, same shape): true
 * where a trial counts. For each of `halves` draws, a keyed permutation of the slots (key.step = draw) puts the first
 * half (rounded down) of the slots on one side and the rest on the other; a unit's two vectors of means over items
 * are correlated, r, and corrected to the full number of repeats by Spearman-Brown, 2 r / (1 + r). *out is halves x
 * units, corrected. Items without a valid trial on both sides are left out of that unit's correlation; fewer than
 * three items, or no variance, give NaN. r below 0 is kept as it is, uncorrected: the correction has no meaning
 * there. */
lm_status lm_split_half(lm_tensor **out, const lm_tensor *responses, const lm_tensor *valid, int64_t halves,
                        lm_key key, lm_err *e);

/* Means over valid slots: *mean (items x units, float64; NaN where no slot is valid) and *count (int64). */
lm_status lm_masked_mean(lm_tensor **mean, lm_tensor **count, const lm_tensor *responses, const lm_tensor *valid,
                         lm_err *e);

/* Quantiles of the last axis by linear interpolation between order statistics (Hyndman & Fan 1996, type 7): *out has
 * x's shape with the last axis replaced by n_probabilities. A row with a NaN, and an empty row, give NaN. */
lm_status lm_quantile(lm_tensor **out, const lm_tensor *x, int n_probabilities, const double *probabilities,
                      lm_err *e);

/* resamples x n draws with replacement from 1..n (int64, counted from 1): element (b, i) is draw b * n + i of key. */
lm_status lm_bootstrap_indices(lm_tensor **out, int64_t n, int64_t resamples, lm_key key, lm_err *e);

/* Poisson counts (float64, shape of rate): element i is the inverse of the distribution function at uniform draw i of
 * key, by sequential search from 0. Rates must be finite and in [0, 500]. */
lm_status lm_poisson(lm_tensor **out, const lm_tensor *rate, lm_key key, lm_err *e);

#endif
