/* hypot.c: the hypotenuse. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *zero = lm_do_number(&h, &lm_op_eq, c->out[0], 0), *one = lm_number_like(&h, c->out[0], 1);
  lm_tensor *part = lm_do2(&h, &lm_op_div, grad_out[0], lm_do3(&h, &lm_op_where, zero, one, c->out[0]));
  if (c->needs[0]) lm_give(&h, lm_do2(&h, &lm_op_mul, part, c->in[0]), &c->in_meta[0], &grad_in[0]);
  if (c->needs[1]) lm_give(&h, lm_do2(&h, &lm_op_mul, part, c->in[1]), &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", ""}, {"5; scalar", ""}, {0}};

const lm_op lm_op_hypot = {
    .name = "hypot",
    .doc = "sqrt(a^2 + b^2), without overflow on the way.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64; integers become float32.\n"
           "Where the result is 0 its gradient is taken as 0.\n"
           "Largest error 0.51 ULP in float32 (10^7 drawn), 0.76 in float64 (10^7 drawn).",
    .example = "tensor({ 3, 5 }):hypot(tensor { 4, 12 })   --> [5. 13.]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer_real,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .save_out = 1,
    .twice = true,
    .kernel = LM_B_HYPOT,
    .cases = cases,
};
