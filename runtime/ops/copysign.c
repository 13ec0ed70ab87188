/* copysign.c: a magnitude with another's sign. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  if (!c->needs[0]) return LM_OK;
  lm_tensor *sign = lm_do2(&h, &lm_op_copysign, lm_do1(&h, &lm_op_sign, c->in[0]), c->in[1]);
  lm_tensor *slope = lm_do2(&h, &lm_op_mul, sign, lm_do1(&h, &lm_op_sign, c->in[0]));
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], slope), &c->in_meta[0], &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", ""}, {"5; scalar", ""}, {0}};

const lm_op lm_op_copysign = {
    .name = "copysign",
    .doc = "|a| with the sign of b; -0 has one.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64; integers become float32.",
    .example = "ops.copysign(tensor { 1, 2 }, tensor { -0.0, 3 })   --> [-1. 2.]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer_real,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_COPYSIGN,
    .cases = cases,
};
