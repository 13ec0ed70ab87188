/* max.c: the largest element. */
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
  lm_tensor *best = NULL, *x = c->in[0];
  kept = lm_reduce_keep(c, c->out[0], &best, e);
  best = lm_hold(&h, kept, best);
  lm_tensor *hit = lm_do2(&h, &lm_op_eq, x, best), *count = lm_do_with(&h, &lm_op_sum, hit, same);
  lm_tensor *share = lm_do2(&h, &lm_op_div, g, count);
  lm_give(&h, lm_do3(&h, &lm_op_where, hit, share, lm_number_like(&h, g, 0)), &c->in_meta[0], &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_REDUCE_PARAMS, {0}};

static const lm_case cases[] = {{"2x3:apart", ""},
                                {"2x3x4:apart", "dim=2"},
                                {"3x5:apart", "dim=-1 keepdim=true"},
                                {"2x3x4:apart", "dim=1,3"},
                                {0}};

const lm_op lm_op_max = {
    .name = "max",
    .doc = "The largest element along the given axes.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "NaN if any is NaN; +0 is above -0. Where several are equal they share the gradient evenly. It is a\n"
           "shape error when there is no element.",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .kernel = LM_MAX,
    .cases = cases,
};
