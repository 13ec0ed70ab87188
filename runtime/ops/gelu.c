/* gelu.c: the Gaussian error linear unit. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_give(&h, lm_do2(&h, &lm_op_gelu_grad, grad_out[0], c->in[0]), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_gelu = {
    .name = "gelu",
    .doc = "x (1 + erf(x / sqrt(2))) / 2, the exact form (Hendrycks & Gimpel, arXiv 1606.08415).\n"
           "float32 or float64; the result has the same dtype and shape.\n"
           "Largest error 0.51 ULP in float32 (every 101st input), 1.5 in float64 (10^7 drawn).",
    .example = "tensor({ -1, 0, 1 }):gelu()   --> [-0.15865526 0. 0.8413448]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_GELU,
    .cases = cases,
};
