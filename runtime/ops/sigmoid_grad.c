/* sigmoid_grad.c: backward of sigmoid. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = c->in[0], *y = c->in[1];
  if (c->needs[0]) lm_give(&h, lm_do2(&h, &lm_op_sigmoid_grad, grad_out[0], y), NULL, &grad_in[0]);
  if (c->needs[1]) {
    lm_tensor *rest = lm_do_number(&h, &lm_op_add, lm_do_number(&h, &lm_op_mul, y, -2), 1);
    lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], lm_do2(&h, &lm_op_mul, g, rest)), NULL, &grad_in[1]);
  }
  return lm_chain_end(&h);
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
