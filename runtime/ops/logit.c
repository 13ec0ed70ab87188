/* logit.c: log odds. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *rest = lm_do2(&h, &lm_op_sub, lm_number_like(&h, c->in[0], 1), c->in[0]);
  lm_give(&h, lm_do2(&h, &lm_op_div, grad_out[0], lm_do2(&h, &lm_op_mul, c->in[0], rest)), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:fraction", ""}, {"7x1x5:fraction", ""}, {0}};

const lm_op lm_op_logit = {
    .name = "logit",
    .doc = "log(x / (1 - x)), the inverse of sigmoid; infinite at 0 and 1, NaN outside.\n"
           "To keep away from the ends, clamp first.\n"
           "float32 or float64; the result has the same dtype and shape.\n"
           "Largest error 0.51 ULP in float32 (every 101st input), 0.51 in float64 (10^7 drawn).",
    .example = "tensor({ 0.5, 0.9 }):logit()   --> [0. 2.1972244]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_LOGIT,
    .cases = cases,
};
