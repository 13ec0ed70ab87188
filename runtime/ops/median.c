/* median.c: the middle of the elements along axes. */
#include "ops.h"
#include "ops/core/quantile.h"
#include "ops/core/reduce.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_float(c, 0, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  const double half = 0.5;
  const lm_quantiles wanted = {.n = 1, .q = &half, .rule = LM_Q_MIDPOINT};
  return lm_order_quantiles(c, &wanted, e);
}

static const lm_param params[] = {LM_REDUCE_PARAMS, {0}};

static const lm_case cases[] = {
    {"5:apart", ""}, {"2x4:apart", "dim=2"}, {"2x3x2:apart", "dim=1,3 keepdim=true"}, {0}};

const lm_op lm_op_median = {
    .name = "median",
    .doc = "The median along the given axes: the middle element in order, or the mean of the two in the middle, as "
           "NumPy's.\n"
           "dim: an axis or a list of axes; absent: all. NaN where an element is NaN. Gradients follow the elements.",
    .example = "tensor({ 9, 1, 5 }):median()   --> 5.",
    .inputs = "x",
    .group = "order",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
