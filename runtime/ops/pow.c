/* pow.c: powers. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"
#include "ops/core/compose.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *a = c->in[0], *b = c->in[1], *zero = lm_number_like(&h, grad_out[0], 0);
  if (c->needs[0]) { /* b a^(b - 1), and 0 where b is 0 */
    lm_tensor *none = lm_do2(&h, &lm_op_eq, b, lm_number_like(&h, b, 0));
    lm_tensor *slope = lm_do2(&h, &lm_op_mul, b, lm_do2(&h, &lm_op_pow, a, lm_do_number(&h, &lm_op_sub, b, 1)));
    lm_tensor *part = lm_do2(&h, &lm_op_mul, grad_out[0], slope);
    lm_give(&h, lm_do3(&h, &lm_op_where, none, zero, part), &c->in_meta[0], &grad_in[0]);
  }
  if (c->needs[1]) { /* a^b log a, and 0 where a is 0 */
    lm_tensor *none = lm_do2(&h, &lm_op_eq, a, lm_number_like(&h, a, 0)),
              *real = lm_do_cast(&h, a, grad_out[0]->dtype);
    lm_tensor *slope = lm_do2(&h, &lm_op_mul, lm_do2(&h, &lm_op_pow, a, b), lm_do1(&h, &lm_op_log, real));
    lm_tensor *part = lm_do2(&h, &lm_op_mul, grad_out[0], slope);
    lm_give(&h, lm_do3(&h, &lm_op_where, none, zero, part), &c->in_meta[1], &grad_in[1]);
  }
  return lm_chain_end(&h);
}

static const lm_case cases[] = {
    {"2x3:positive; 2x3", ""}, {"2x1x4:positive; 3x1", ""}, {"5:positive; scalar", ""}, {0}};

const lm_op lm_op_pow = {
    .name = "pow",
    .doc = "a to the power b, element by element (see kernels/math_pow.h); a^2 is a * a.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64; integers are raised as float32.\n"
           "NaN where a is below 0 and b is no integer. The gradient for b is 0 where a is 0.\n"
           "Largest error 0.51 ULP in float32 (2^32 drawn), 0.82 in float64 (2^32 drawn).",
    .example = "tensor { 1, 2, 3 } ^ 2   --> [1. 4. 9.]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer_real,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_POW,
    .cases = cases,
};
