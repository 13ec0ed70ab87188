/* acos.c: the inverse cosine. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *less = lm_do_square_less_1(&h, c->in[0]);
  lm_tensor *slope = lm_do1(&h, &lm_op_neg, lm_do1(&h, &lm_op_rsqrt, lm_do1(&h, &lm_op_neg, less)));
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], slope), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:unit", ""}, {"7x1x5:unit", ""}, {0}};

const lm_op lm_op_acos = {
    .name = "acos",
    .doc = "The angle from 0 to pi whose cosine is x; NaN outside -1 to 1.\n"
           "float32 or float64; the result has the same dtype and shape.\n"
           "Largest error 0.51 ULP in float32 (every 101st input), 0.63 in float64 (10^7 drawn).",
    .example = "tensor({ 1, 0, -1 }):acos() * 180 / math.pi   --> [0. 90. 180.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_ACOS,
    .cases = cases,
};
