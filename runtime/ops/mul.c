/* mul.c: product of two tensors, element by element. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  if (c->needs[0]) lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], c->in[1]), &c->in_meta[0], &grad_in[0]);
  if (c->needs[1]) lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], c->in[0]), &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", ""}, {"5; scalar", ""}, {0}};

const lm_op lm_op_mul = {
    .name = "mul",
    .doc = "a * b, element by element.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64; integers wrap around.",
    .example = "tensor { 1, 2, 3 } * tensor { 0, 1, 2 }   --> [0. 2. 6.]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_MUL,
    .cases = cases,
};
