/* norm.h: what batch_norm, group_norm and layer_norm share.
 *
 * y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(variance + eps), the variance that of the elements themselves
 * (divided by their number): the mean, then squared distances from it. Over a batch these are first taken of each
 * item's plane about the plane's own mean and then joined over the items (kernels/norm.h), so that memory is read
 * once where a channel fits into the cache; a batch of vectors has the sums of kernels/reduce.h. The order depends on
 * shapes alone. With activation "relu" the result is max(y, 0), as if the op relu followed; backward works y out from
 * x once more, and nothing is kept for it. */
#ifndef LM_OPS_CORE_NORM_H
#define LM_OPS_CORE_NORM_H

#include "kernels/norm.h"
#include "ops/core/op.h"

/* Inputs of every normalising op: x, weight?, bias?; outputs: y, mean, variance. The last parameters are eps and
 * activation. */
typedef struct lm_norm {
  lm_norm_shape s;
  double eps;
  bool relu;  /* the activation */
  bool given; /* the statistics are inputs 3 and 4 (batch_norm) */
} lm_norm;

#define LM_NORM_PARAMS                                                                                               \
  {.name = "eps", .kind = LM_P_REAL, .doc = "added to the variance", .initial = "1e-5", .low = 0, .high = 1e300}, {  \
    .name = "activation", .kind = LM_P_CHOICE, .doc = "what is applied to the result", .initial = "'none'",          \
    .choices = "none relu"                                                                                           \
  }

/* Checks x and the sizes of weight and bias (inputs 1 and 2), and describes the outputs: y like x, mean and variance
 * with `ndim` axes of `shape`. */
lm_status lm_norm_infer(lm_call *c, const lm_norm *k, int ndim, const int64_t *shape, lm_err *e);

/* Input `i` (NULL: passes) is a vector of n elements in x's dtype. `of`: what has n elements. */
lm_status lm_norm_vector(const lm_call *c, int i, int64_t n, const char *of, lm_err *e);

lm_status lm_norm_forward(lm_call *c, const lm_norm *k, lm_err *e);

/* In one pass where the gradient is not differentiated itself, else in ops. */
lm_status lm_norm_backward(lm_call *c, const lm_norm *k, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e);

#endif
