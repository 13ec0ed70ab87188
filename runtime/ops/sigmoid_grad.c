/* sigmoid_grad.c: backward of sigmoid. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_tensor *slope(lm_chain *h, lm_tensor *g, lm_tensor *y) {
  lm_tensor *rest = lm_do_number(h, &lm_op_add, lm_do_number(h, &lm_op_mul, y, -2), 1);
  return lm_do2(h, &lm_op_mul, g, rest);
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_slope_backward(c, grad_out, grad_in, slope, e);
}

static const lm_case cases[] = {{"2x3; 2x3:unit", ""}, {0}};

const lm_op lm_op_sigmoid_grad = {
    .name = "sigmoid_grad",
    .doc = "g y (1 - y), where y = sigmoid(x): the gradient of sigmoid.\n"
           "g and y have one shape and dtype.",
    .example = "ops.sigmoid_grad(ones { 2 }, tensor { 0.5, 0.9 })   --> [0.25 0.09000002]",
    .inputs = "g y",
    .group = "elementwise",
    .infer = lm_binary_infer_same,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_SIGMOID_GRAD,
    .cases = cases,
};
