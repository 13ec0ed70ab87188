/* gelu_grad.c: backward of gelu. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

/* The slope is Phi(x) + x phi(x), its own slope phi(x) (2 - x^2). */
static lm_tensor *slope(lm_chain *h, lm_tensor *g, lm_tensor *x) {
  lm_tensor *square = lm_do1(h, &lm_op_square, x);
  lm_tensor *bell = lm_do1(h, &lm_op_exp, lm_do_number(h, &lm_op_mul, square, -0.5));
  lm_tensor *density = lm_do_number(h, &lm_op_mul, bell, 0.3989422804014327); /* 1 / sqrt(2 pi) */
  lm_tensor *rest = lm_do_number(h, &lm_op_add, lm_do1(h, &lm_op_neg, square), 2);
  return lm_do2(h, &lm_op_mul, g, lm_do2(h, &lm_op_mul, density, rest));
}

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  return lm_slope_backward(c, grad_out, grad_in, slope, e);
}

static const lm_case cases[] = {{"2x3; 2x3", ""}, {0}};

const lm_op lm_op_gelu_grad = {
    .name = "gelu_grad",
    .doc = "g (Phi(x) + x phi(x)), Phi the normal distribution function and phi its density: the gradient of gelu.\n"
           "g and x have one shape and dtype.",
    .example = "ops.gelu_grad(ones { 3 }, tensor { -1, 0, 1 })   --> [-0.08331548 0.5 1.0833155]",
    .inputs = "g x",
    .group = "elementwise",
    .infer = lm_binary_infer_same,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_GELU_GRAD,
    .cases = cases,
};
