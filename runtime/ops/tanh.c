/* tanh.c: the hyperbolic tangent. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_give(&h, lm_do2(&h, &lm_op_tanh_grad, grad_out[0], c->out[0]), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_tanh = {
    .name = "tanh",
    .doc = "tanh x = (e^x - e^-x) / (e^x + e^-x) (see kernels/math.h).\n"
           "float32 or float64; the result has the same dtype and shape.\n"
           "Largest error 1.34 ULP in float32 (all inputs), 1.71 in float64 (2^32 drawn).",
    .example = "tensor({ -1, 0, 1 }):tanh()   --> [-0.7615942 0. 0.7615942]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_out = 1,
    .twice = true,
    .kernel = LM_U_TANH,
    .cases = cases,
};
