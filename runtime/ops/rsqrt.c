/* rsqrt.c: the reciprocal of the square root. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *y = c->out[0], *cube = lm_do2(&h, &lm_op_mul, y, lm_do1(&h, &lm_op_square, y));
  lm_tensor *slope = lm_do_number(&h, &lm_op_mul, cube, -0.5);
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], slope), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:positive", ""}, {"7x1x5:positive", ""}, {0}};

const lm_op lm_op_rsqrt = {
    .name = "rsqrt",
    .doc = "1 / sqrt(x).\n"
           "float32 or float64; the result has the same dtype and shape. inf at 0, NaN below.\n"
           "Largest error 0.51 ULP in float32 (all inputs), 1.5 in float64 (2^32 drawn).",
    .example = "tensor({ 4, 16 }):rsqrt()   --> [0.5 0.25]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_out = 1,
    .twice = true,
    .kernel = LM_U_RSQRT,
    .cases = cases,
};
