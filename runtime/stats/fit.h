/* fit.h: linear maps from features to responses that have no closed form: partial least squares, elastic net,
 * non-negative least squares.
 *
 * x is rows x features and y rows x targets, of floating types; whoever wants an intercept takes the means away
 * first. Computed in float64, results are float64 and new. Every sum is a fixed-lane dot product, a chain of one
 * output element, or cut into chunks that the number of rows gives: the bits depend on the shapes alone. */
#ifndef LM_STATS_FIT_H
#define LM_STATS_FIT_H

#include "tensor/tensor.h"

/* What partial least squares gives, one row for each of the components asked for; rows after `found` are 0. */
typedef struct lm_pls {
  lm_tensor *weights;   /* components x features: w, of length 1, its largest element positive */
  lm_tensor *rotations; /* components x features: r with scores = x r */
  lm_tensor *loadings;  /* components x features: p = x't / t't */
  lm_tensor *targets;   /* components x targets: q = y't / t't; the first c components predict x (sum r q') */
  int64_t found;        /* how many components there are before the covariance with y, or the rank of x, is used up */
  int64_t unsettled;    /* how many of them had not settled after `most` steps */
} lm_pls;

/* PLS2 with deflation of both sides by the scores of x: what scikit-learn's PLSRegression(scale = False) finds. Each
 * component's w is the result of NIPALS' steps from the first column of y that is left (any element above the
 * rounding error): w becomes X'Y Y'X w of length 1 until the squared change is below `tolerance`, after at most
 * `most` steps. The steps are taken on the smaller Gram matrix of X'Y, and x itself is not deflated but its rotations
 * are (Dayal & MacGregor 1997, algorithm 1): one pass over x for each component. Scores no longer than
 * the rounding errors of the sums here, or than those that x came with (`rounding`: the squared length of each
 * column's, or NULL), are no component. */
lm_status lm_pls_fit(lm_pls *out, const lm_tensor *x, const lm_tensor *y, int64_t components, double tolerance,
                     int64_t most, const double *rounding, lm_err *e);

/* The same component by component as NIPALS is written down (Wold 1975; scikit-learn's order): both sides are
 * deflated, and each step passes over them. Slower by the number of steps; the reference for lm_pls_fit. */
lm_status lm_pls_nipals(lm_pls *out, const lm_tensor *x, const lm_tensor *y, int64_t components, double tolerance,
                        int64_t most, const double *rounding, lm_err *e);

void lm_pls_release(lm_pls *out);

/* How lm_elastic_net works. */
typedef struct lm_elastic {
  double ratio;     /* of the penalty that is L1, above 0: 1 is the LASSO */
  double tolerance; /* stops when the duality gap is below this times y'y */
  int64_t most;     /* sweeps over the features */
  bool positive;    /* weights are kept from going below 0 */
} lm_elastic;

/* For each target and each of the penalties the w that minimises
 *   |y - x w|^2 / (2 rows) + alpha ratio |w|_1 + alpha (1 - ratio) |w|^2 / 2,
 * scikit-learn's ElasticNet without intercept, by cyclic coordinate descent from the solution of the penalty before
 * (give the largest first): *w is penalties x features x targets. Gradients are kept by the Gram matrix where there
 * are no more features than rows, by residuals else. *unsettled counts the fits that ran out of sweeps. */
lm_status lm_elastic_net(lm_tensor **w, int64_t *unsettled, const lm_tensor *x, const lm_tensor *y, int penalties,
                         const double *alphas, const lm_elastic *how, lm_err *e);

/* For each target the w >= 0 (features x targets) that minimises |y - x w|^2: the active set method of Lawson &
 * Hanson (1974, chapter 23) on the normal equations (Bro & de Jong 1997). Of columns that are linearly dependent one
 * stays at 0. *unsettled counts the targets that ran out of steps (3 features each). */
lm_status lm_nnls(lm_tensor **w, int64_t *unsettled, const lm_tensor *x, const lm_tensor *y, lm_err *e);

#endif
