/* mean.c: averages. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/reduce.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = lm_do_keep(&h, c, grad_out[0]);
  const lm_meta *x = &c->in_meta[0];
  g = lm_do_number(&h, &lm_op_div, g, (double)lm_reduced_count(c));
  lm_give(&h, lm_do_expand(&h, g, x->ndim, x->shape), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_REDUCE_PARAMS, {0}};

static const lm_case cases[] = {
    {"2x3", ""}, {"2x3x4", "dim=2"}, {"3x5", "dim=-1 keepdim=true"}, {"2x3x4", "dim=1,3"}, {0}};

const lm_op lm_op_mean = {
    .name = "mean",
    .doc = "The mean along the given axes: the sum divided by the number of elements; NaN of none.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "float32 or float64. The order of additions is fixed by the shape.",
    .example = "x = tensor { { 1, 2 }, { 3, 4 } }\n"
               "x:mean(), x:mean(1)   --> 2.5 [2. 3.]",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .backward = backward,
    .twice = true,
    .kernel = LM_MEAN,
    .cases = cases,
};
