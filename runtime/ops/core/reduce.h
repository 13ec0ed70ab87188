/* reduce.h: what the ops that join the elements along axes share. op->kernel is an lm_reducer.
 *
 * Every such op has the parameters dim (a list of axes, or one; absent: all) and keepdim first. The input is brought
 * into the row-major order (outer, n, inner) of kernels/reduce.h: as it stands where the axes are neighbours, with
 * the axes moved last (inner = 1) where they are not; so the order of operations depends on shape and axes alone, and
 * not on strides. */
#ifndef LM_OPS_CORE_REDUCE_H
#define LM_OPS_CORE_REDUCE_H

#include "kernels/reduce.h"
#include "ops/core/chain.h"

typedef enum lm_reducer {
  LM_SUM,
  LM_MEAN,
  LM_PROD,
  LM_MAX,
  LM_MIN,
  LM_VAR,
  LM_STD,
  LM_LOGSUMEXP,
  LM_ARGMAX,
  LM_ARGMIN,
  LM_ALL,
  LM_ANY
} lm_reducer;

lm_status lm_reduce_infer(lm_call *c, lm_err *e);
lm_status lm_reduce_forward(lm_call *c, lm_err *e);

/* For backward: how many elements of the input each result joined, and t, which has the shape of the op's result, in
 * the shape with the joined axes kept as 1 (through reshape, so differentiable). */
int64_t lm_reduced_count(const lm_call *c);
lm_tensor *lm_do_keep(lm_chain *h, const lm_call *c, lm_tensor *t);

/* The parameters dim and keepdim of another reduction with the same axes, kept. */
void lm_reduce_same(const lm_call *c, lm_value values[2]);

#define LM_REDUCE_PARAMS                                                                                             \
  {.name = "dim",                                                                                                    \
   .kind = LM_P_DIMS,                                                                                                \
   .doc = "the axis, or list of axes, to join; all when absent",                                                     \
   .initial = "nil"},                                                                                                \
  {                                                                                                                  \
    .name = "keepdim", .kind = LM_P_BOOL, .doc = "keep the joined axes with size 1", .initial = "false"              \
  }

/* backward of max and min: the gradient goes to the elements that equal the result, in even shares. */
lm_status lm_reduce_backward_extreme(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e);

/* Runs a reduction of floating elements over a view (v.x set) into out (outer, inner); shift has the same shape,
 * where the kind needs one. For ops that reduce on the way to something else. */
lm_status lm_reduce_run(lm_reduce_view v, lm_dtype dtype, lm_reduction kind, const void *shift, void *out, lm_err *e);

/* The third parameter of var and std. */
#define LM_REDUCE_CORRECTION                                                                                         \
  {                                                                                                                  \
    .name = "correction", .kind = LM_P_REAL,                                                                         \
    .doc = "subtracted from the number of elements in the divisor; 0: the variance of the elements themselves",      \
    .initial = "1"                                                                                                   \
  }

/* backward of var and std: 2 (x - mean) / (n - correction), and that over 2 std. */
lm_status lm_reduce_backward_spread(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e);

#endif
