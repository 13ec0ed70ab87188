/* std.c: standard deviation. */
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/reduce.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = NULL;
  lm_status kept = lm_reduce_keep(c, grad_out[0], &g, e);
  g = lm_hold(&h, kept, g);
  lm_value same[2];
  lm_reduce_same(c, same);
  lm_tensor *x = c->in[0], *away = lm_do2(&h, &lm_op_sub, x, lm_do_with(&h, &lm_op_mean, x, same));
  const double left = (double)lm_reduced_count(c) - c->p[2].r, divisor = left > 0 ? left : 0;
  lm_tensor *std = NULL;
  kept = lm_reduce_keep(c, c->out[0], &std, e);
  std = lm_hold(&h, kept, std);
  lm_tensor *slope = lm_do2(&h, &lm_op_div, away, lm_do_number(&h, &lm_op_mul, std, divisor));
  lm_give(&h, lm_do2(&h, &lm_op_mul, g, slope), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {
    LM_REDUCE_PARAMS,
    {.name = "correction",
     .kind = LM_P_REAL,
     .doc = "subtracted from the number of elements in the divisor; 0: the variance of the elements themselves",
     .initial = "1"},
    {0}};

static const lm_case cases[] = {
    {"2x3", ""}, {"2x3x4", "dim=2"}, {"3x5", "dim=-1 keepdim=true correction=0"}, {"2x3x4", "dim=1,3"}, {0}};

const lm_op lm_op_std = {
    .name = "std",
    .doc = "The standard deviation along the given axes: the square root of var.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "float32 or float64. NaN or inf when n is not above the correction; the gradient is NaN where the\n"
           "result is 0.",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .kernel = LM_STD,
    .cases = cases,
};
