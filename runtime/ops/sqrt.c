/* sqrt.c: the square root. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *twice = lm_do_number(&h, &lm_op_mul, c->out[0], 2);
  lm_give(&h, lm_do2(&h, &lm_op_div, grad_out[0], twice), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:positive", ""}, {"7x1x5:positive", ""}, {0}};

const lm_op lm_op_sqrt = {
    .name = "sqrt",
    .doc = "The square root, correctly rounded (IEEE 754).\n"
           "float32 or float64; the result has the same dtype and shape. NaN below 0; the gradient g / (2\n"
           "sqrt(x)) is infinite at 0.\n"
           "Largest error 0.5 ULP in float32 (every 101st input), 0.5 in float64 (10^7 drawn).",
    .example = "tensor({ 4, 9 }):sqrt()   --> [2. 3.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_out = 1,
    .twice = true,
    .kernel = LM_U_SQRT,
    .cases = cases,
};
