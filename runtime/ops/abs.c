/* abs.c: the absolute value. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *sign = lm_do1(&h, &lm_op_sign, c->in[0]);
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], sign), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:apart", ""}, {"7x1x5:apart", ""}, {0}};

const lm_op lm_op_abs = {
    .name = "abs",
    .doc = "|x|, element by element.\n"
           "Any number; the result has the same dtype and shape. The gradient at 0 is 0.",
    .example = "tensor({ -1.5, 0, 2 }):abs()   --> [1.5 0. 2.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer_any,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_ABS,
    .cases = cases,
};
