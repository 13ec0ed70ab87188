/* maximum.c: the larger of two tensors. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *a = c->in[0], *b = c->in[1], *zero = lm_number_like(&h, grad_out[0], 0);
  lm_tensor *half = lm_do_number(&h, &lm_op_mul, grad_out[0], 0.5);
  lm_tensor *tie = lm_do3(&h, &lm_op_where, lm_do2(&h, &lm_op_eq, a, b), half, zero);
  lm_tensor *first = lm_do2(&h, &lm_op_gt, a, b), *second = lm_do2(&h, &lm_op_gt, b, a);
  if (c->needs[0]) lm_give(&h, lm_do3(&h, &lm_op_where, first, grad_out[0], tie), &c->in_meta[0], &grad_in[0]);
  if (c->needs[1]) lm_give(&h, lm_do3(&h, &lm_op_where, second, grad_out[0], tie), &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", ""}, {"5; scalar", ""}, {0}};

const lm_op lm_op_maximum = {
    .name = "maximum",
    .doc = "The larger of a and b, element by element.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64. NaN if either is NaN; +0 is above\n"
           "-0. Where both are equal, each takes half of the gradient.",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer_pick,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_MAXIMUM,
    .cases = cases,
};
