/* frac.c: the fractional part. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  (void)c;
  lm_chain h = lm_chain_start(e);
  lm_give(&h, grad_out[0], NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_frac = {
    .name = "frac",
    .doc = "x - trunc(x): what is behind the point, with the sign of x.\n"
           "float32 or float64; the result has the same dtype and shape.",
    .example = "tensor({ 1.5, -2.25 }):frac()   --> [0.5 -0.25]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .twice = true,
    .kernel = LM_U_FRAC,
    .cases = cases,
};
