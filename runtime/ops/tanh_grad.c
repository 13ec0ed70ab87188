/* tanh_grad.c: backward of tanh. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_tensor *slope(lm_chain *h, lm_tensor *g, lm_tensor *y) {
  return lm_do_number(h, &lm_op_mul, lm_do2(h, &lm_op_mul, g, y), -2);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_slope_backward(c, grad_out, grad_in, slope, e);
}

static const lm_case cases[] = {{"2x3; 2x3:unit", ""}, {0}};

const lm_op lm_op_tanh_grad = {
    .name = "tanh_grad",
    .doc = "g (1 - y^2), where y = tanh(x): the gradient of tanh.\n"
           "g and y have one shape and dtype.",
    .example = "ops.tanh_grad(ones { 2 }, tensor { 0, 0.5 })   --> [1. 0.75]",
    .inputs = "g y",
    .group = "elementwise",
    .infer = lm_binary_infer_same,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_TANH_GRAD,
    .cases = cases,
};
