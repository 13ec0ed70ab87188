/* fmod.c: remainders with the sign of the dividend. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  if (c->needs[0]) lm_give(&h, grad_out[0], &c->in_meta[0], &grad_in[0]);
  if (!c->needs[1]) return lm_chain_end(&h);
  lm_tensor *times = lm_do1(&h, &lm_op_trunc, lm_do2(&h, &lm_op_div, c->in[0], c->in[1]));
  lm_give(&h, lm_do1(&h, &lm_op_neg, lm_do2(&h, &lm_op_mul, grad_out[0], times)), &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3; 2x3:positive", ""}, {"2x1x4; 3x1:positive", ""}, {0}};

const lm_op lm_op_fmod = {
    .name = "fmod",
    .doc = "a - trunc(a / b) * b, exactly: the remainder with the sign of a, as C's fmod. With the sign of b: mod.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64. By 0 it is NaN, and 0 for\n"
           "integers. The gradient for b is -trunc(a / b).",
    .example = "tensor({ 7, -7 }):fmod(3)   --> [1. -1.]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_FMOD,
    .cases = cases,
};
