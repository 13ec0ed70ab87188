/* sin.c: the sine. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *slope = lm_do1(&h, &lm_op_cos, c->in[0]);
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], slope), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_sin = {
    .name = "sin",
    .doc = "The sine of an angle in radians at any size (see kernels/math_trig.h).\n"
           "float32 or float64; the result has the same dtype and shape. NaN at infinity.\n"
           "Largest error 0.51 ULP in float32 (all inputs), 0.82 in float64 (2^32 drawn).",
    .example = "(tensor { 0, 30, 90 } * math.pi / 180):sin()   --> [0. 0.5 1.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_SIN,
    .cases = cases,
};
