/* relu.c: the rectifier. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_give(&h, lm_do2(&h, &lm_op_relu_grad, grad_out[0], c->out[0]), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:apart", ""}, {"7x1x5:apart", ""}, {0}};

const lm_op lm_op_relu = {
    .name = "relu",
    .doc = "max(x, 0): x where it is above 0, else 0.\n"
           "Any number; the result has the same dtype and shape. -0 gives 0, NaN stays NaN; the gradient at 0 is\n"
           "0.",
    .example = "tensor({ -1, 0, 2 }):relu()   --> [0. 0. 2.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer_any,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_out = 1,
    .twice = true,
    .kernel = LM_U_RELU,
    .cases = cases,
};
