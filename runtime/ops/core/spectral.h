/* spectral.h: what the ops of singular values and eigenvalues share: which implementation, and gradients. */
#ifndef LM_OPS_CORE_SPECTRAL_H
#define LM_OPS_CORE_SPECTRAL_H

#include "ops/core/linear.h"

enum { LM_BY_LAPACK, LM_BY_EXACT };

#define LM_SPECTRAL_METHOD                                                                                           \
  {                                                                                                                  \
    .name = "method", .kind = LM_P_CHOICE,                                                                           \
    .doc = "lapack: OpenBLAS's, fast, whose last bits depend on the machine (close); exact: the runtime's own",      \
    .initial = "'lapack'", .choices = "lapack exact"                                                                 \
  }

#define LM_SPECTRAL_RCOND                                                                                            \
  {                                                                                                                  \
    .name = "rcond", .kind = LM_P_REAL,                                                                              \
    .doc = "singular values up to rcond times the largest count as 0; absent: max(m, n) times the dtype's epsilon",  \
    .initial = "nil", .high = 1                                                                                      \
  }

/* task for each matrix of a batch: one after the other for LAPACK, which marks the outputs close and has threads of
 * its own; side by side for the exact ones. */
lm_status lm_spectral_each(lm_call *c, int64_t method, int64_t count, double work, lm_matrix_task task, void *context,
                           lm_err *e);

/* a (m x n, overwritten) = u diag(s) vt by either method; sizes as in lm_lapack_svd. */
lm_status lm_svd_one(int64_t method, int64_t m, int64_t n, double *a, double *u, double *s, double *vt, bool full,
                     lm_err *e);
lm_status lm_eigh_one(int64_t method, int64_t n, double *a, double *w, bool vectors, lm_err *e);

/* Every matrix's singular values in float64, .. x k, without a record; the call's outputs are marked close where they
 * are. */
lm_status lm_singular_values(lm_call *c, int64_t method, lm_tensor **out, lm_err *e);

/* The threshold of a rank: rcond (parameter number `which`), or max(m, n) times the epsilon of the input's dtype. */
double lm_rank_threshold(const lm_call *c, int which);

/* The outputs u, s, vt (reduced) of svd, or w, v of eigh, called on a. */
void lm_do_svd(lm_chain *h, lm_tensor *a, bool full, int64_t method, lm_tensor *out[LM_MAX_OUT]);
void lm_do_eigh(lm_chain *h, lm_tensor *a, int64_t method, lm_tensor *out[LM_MAX_OUT]);

/* x diag(d): columns of x scaled by .. x n. */
lm_tensor *lm_do_scaled(lm_chain *h, lm_tensor *x, lm_tensor *d);

/* x[i][j] / (d[j] - d[i]), and x on the diagonal divided by 1: d is .. x n. */
lm_tensor *lm_do_apart(lm_chain *h, lm_tensor *x, lm_tensor *d);

#endif
