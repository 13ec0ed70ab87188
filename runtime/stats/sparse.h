/* sparse.h: sparse codes of many patches under one dictionary, from products alone: b = x D' (patches x bases) and
 * G = D D' (bases x bases).
 *
 * All tensors are of one floating type, which is that of the results; these are new. Patches are divided among the
 * threads, and each has its own order of operations: the bits depend on neither threads nor instruction set. */
#ifndef LM_STATS_SPARSE_H
#define LM_STATS_SPARSE_H

#include "tensor/tensor.h"

/* How lm_sparse_lasso works. */
typedef struct lm_sparse_how {
  double penalty;   /* at least 0 */
  double tolerance; /* at least 0: how far, in units of a patch's largest |b|, its conditions may be from fulfilled */
  int64_t most;     /* sweeps for each patch, at least 1 */
} lm_sparse_how;

/* For each patch the a that minimises 1/2 a'Ga - b'a + penalty |a|_1 (the LASSO), by coordinate descent over the
 * coordinates that are not 0 (Friedman, Hastie & Tibshirani 2010); `start` NULL: from 0. With g = b - G a, a minimum
 * has g_j = penalty sign(a_j) where a_j is not 0, else |g_j| <= penalty. *unsettled counts the patches that ran out
 * of sweeps. A patch whose b is not finite gets NaN; a G that is not finite is refused. */
lm_status lm_sparse_lasso(lm_tensor **a, int64_t *unsettled, lm_tensor *b, lm_tensor *gram, lm_tensor *start,
                          const lm_sparse_how *how, lm_err *e);

/* Orthogonal matching pursuit (Pati, Rezaiifar & Krishnaprasad 1993; the batch form of Rubinstein, Zibulevsky & Elad
 * 2008): for each patch of energy |x|^2 (float64, one number each) bases are taken one by one, that with the largest
 * |g_j| / sqrt(G_jj) first (of equal ones the first), the coefficients of those taken being least squares, until
 * |x - a D|^2 is at most left[i] (float64), `most` are taken, or no other basis would help (one that those taken
 * explain but for 1e-6 of its energy in float32, 1e-12 in float64). Computed in float64. A patch that is not finite
 * gets NaN. */
lm_status lm_sparse_pursuit(lm_tensor **a, lm_tensor *b, lm_tensor *gram, lm_tensor *energy, lm_tensor *left,
                            int64_t most, lm_err *e);

/* One pass of block-coordinate descent over the rows of a dictionary (bases x pixels; Mairal, Bach, Ponce & Sapiro
 * 2010, algorithm 2): each row in turn becomes d_j + (b_j - A_j D) / A_jj, shortened to length 1 where it is longer,
 * which lowers 1/2 tr(D'AD) - tr(D'B) with lengths of at most 1. A (bases x bases) and B (bases x pixels) are sums or
 * means of a'a and a'x over patches. Rows with A_jj of at most `least` times the mean of the diagonal stay as they
 * are. */
lm_status lm_sparse_descend(lm_tensor **out, lm_tensor *bases, lm_tensor *a, lm_tensor *b, double least, lm_err *e);

#endif
