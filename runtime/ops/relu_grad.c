/* relu_grad.c: backward of relu. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  if (c->needs[0]) lm_give(&h, lm_do2(&h, &lm_op_relu_grad, grad_out[0], c->in[1]), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3; 2x3:apart", ""}, {0}};

const lm_op lm_op_relu_grad = {
    .name = "relu_grad",
    .doc = "g where y = relu(x) is above 0, 0 where it is 0, g where it is NaN: the gradient of relu.\n"
           "g and y have one shape and dtype.",
    .example = "ops.relu_grad(ones { 3 }, tensor { 0, 1, 2 })   --> [0. 1. 1.]",
    .inputs = "g y",
    .group = "elementwise",
    .infer = lm_binary_infer_same,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 2,
    .twice = true,
    .kernel = LM_B_RELU_GRAD,
    .cases = cases,
};
