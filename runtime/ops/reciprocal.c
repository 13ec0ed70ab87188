/* reciprocal.c: one divided by x. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *slope = lm_do1(&h, &lm_op_neg, lm_do1(&h, &lm_op_square, c->out[0]));
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], slope), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:positive", ""}, {"7x1x5:positive", ""}, {0}};

const lm_op lm_op_reciprocal = {
    .name = "reciprocal",
    .doc = "1 / x, correctly rounded.\n"
           "float32 or float64; the result has the same dtype and shape.\n"
           "Largest error 0.5 ULP in float32 (every 101st input), 0.5 in float64 (10^7 drawn).",
    .example = "tensor({ 2, 4 }):reciprocal()   --> [0.5 0.25]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_out = 1,
    .twice = true,
    .kernel = LM_U_RECIPROCAL,
    .cases = cases,
};
