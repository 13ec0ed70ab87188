/* logsumexp.c: the logarithm of a sum of exponentials. */
#include "ops.h"
#include "ops/core/compose.h"
#include "ops/core/reduce.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = lm_do_keep(&h, c, grad_out[0]);
  lm_tensor *total = lm_do_keep(&h, c, c->out[0]);
  lm_tensor *share = lm_do1(&h, &lm_op_exp, lm_do2(&h, &lm_op_sub, c->in[0], total)); /* softmax */
  lm_give(&h, lm_do2(&h, &lm_op_mul, g, share), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {LM_REDUCE_PARAMS, {0}};

static const lm_case cases[] = {
    {"2x3", ""}, {"2x3x4", "dim=2"}, {"3x5", "dim=-1 keepdim=true"}, {"2x3x4", "dim=1,3"}, {0}};

const lm_op lm_op_logsumexp = {
    .name = "logsumexp",
    .doc = "log(sum(exp(x))) along the given axes, as m + log(sum(exp(x - m))) with m the maximum: no overflow.\n"
           "dim: an axis or a list of axes; absent: all. The joined axes go away, or stay with size 1 (keepdim).\n"
           "float32 or float64; -inf of no element.",
    .example = "tensor({ 0, 0, 0 }):logsumexp():exp()   --> 3.",
    .inputs = "x",
    .group = "reduction",
    .params = params,
    .infer = lm_reduce_infer,
    .forward = lm_reduce_forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .kernel = LM_LOGSUMEXP,
    .cases = cases,
};
