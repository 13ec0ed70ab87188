/* softplus.c: a smooth rectifier. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *slope = lm_do1(&h, &lm_op_sigmoid, c->in[0]);
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], slope), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_softplus = {
    .name = "softplus",
    .doc = "log(1 + e^x), as max(x, 0) + log1p(e^-|x|).\n"
           "float32 or float64; the result has the same dtype and shape. Its gradient is sigmoid(x) (Dugas et\n"
           "al., NIPS 2000).\n"
           "Largest error 0.51 ULP in float32 (every 101st input), 1.25 in float64 (10^7 drawn).",
    .example = "tensor({ -2, 0, 2 }):softplus()   --> [0.12692802 0.6931472 2.126928]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_SOFTPLUS,
    .cases = cases,
};
