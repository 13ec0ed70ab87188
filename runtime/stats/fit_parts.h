/* fit_parts.h: what the fits of fit.h share. */
#ifndef LM_STATS_FIT_PARTS_H
#define LM_STATS_FIT_PARTS_H

#include "tensor/tensor.h"

/* A fit's inputs as float64 of its own, which it may change. */
typedef struct lm_fit_pair {
  double *x, *y;         /* n x p, n x targets */
  int64_t n, p, targets; /* all at least 1 */
  bool close;            /* whether either input is */
  lm_tensor *x_held, *y_held;
} lm_fit_pair;

/* Checks x (rows x features) and y (rows x targets), both floating, and copies them; `what` is the function's name.
 * After LM_OK, lm_fit_end must follow; after a failure there is nothing to release. */
lm_status lm_fit_begin(lm_fit_pair *pair, const char *what, const lm_tensor *x, const lm_tensor *y, lm_err *e);

/* Frees the inputs. Where status is LM_OK the results become close where an input is; else they are released and set
 * to NULL (those that are NULL are skipped). Returns status. */
lm_status lm_fit_end(lm_fit_pair *pair, lm_status status, int count, lm_tensor **results);

/* out (columns x rows) = in (rows x columns) across the diagonal. */
void lm_fit_across(double *out, const double *in, int64_t rows, int64_t columns);

#endif
