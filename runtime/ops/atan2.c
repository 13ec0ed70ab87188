/* atan2.c: the angle of a point. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/binary.h"
#include "ops/core/chain.h"
#include "ops/core/compose.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *g = grad_out[0], *a = lm_do_cast(&h, c->in[0], g->dtype), *b = lm_do_cast(&h, c->in[1], g->dtype);
  lm_tensor *length = lm_do2(&h, &lm_op_add, lm_do1(&h, &lm_op_square, a), lm_do1(&h, &lm_op_square, b));
  lm_tensor *part = lm_do2(&h, &lm_op_div, g, length);
  if (c->needs[0]) lm_give(&h, lm_do2(&h, &lm_op_mul, part, b), &c->in_meta[0], &grad_in[0]);
  if (c->needs[1]) lm_give(&h, lm_do1(&h, &lm_op_neg, lm_do2(&h, &lm_op_mul, part, a)), &c->in_meta[1], &grad_in[1]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3; 2x3", ""}, {"2x1x4; 3x1", ""}, {"5; scalar", ""}, {0}};

const lm_op lm_op_atan2 = {
    .name = "atan2",
    .doc = "The angle of the point (b, a), from -pi to pi: atan(a / b) in the right quadrant.\n"
           "The shapes broadcast (trailing axes align, sizes of 1 stretch); a number may stand for either input.\n"
           "The dtypes are promoted: bool < uint8 < int64 < float32 < float64; integers become float32. Zeros and\n"
           "infinities as in C.\n"
           "Largest error 0.51 ULP in float32 (10^7 drawn), 0.63 in float64 (10^7 drawn).",
    .example = "ops.atan2(tensor { 1, 1 }, tensor { 1, -1 }) * 180 / math.pi   --> [45. 135.]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_binary_infer_real,
    .forward = lm_binary_forward,
    .backward = backward,
    .save_in = 3,
    .twice = true,
    .kernel = LM_B_ATAN2,
    .cases = cases,
};
