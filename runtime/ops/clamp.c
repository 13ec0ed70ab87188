/* clamp.c: values kept within bounds. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *x = c->in[0], *zero = lm_number_like(&h, x, 0);
  lm_tensor *above = lm_do2(&h, &lm_op_ge, x, lm_number_like(&h, x, c->p[0].r));
  lm_tensor *below = lm_do2(&h, &lm_op_le, x, lm_number_like(&h, x, c->p[1].r));
  lm_tensor *inside = lm_do2(&h, &lm_op_logical_and, above, below);
  lm_give(&h, lm_do3(&h, &lm_op_where, inside, grad_out[0], zero), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "low", .kind = LM_P_REAL, .doc = "the lower bound", .initial = "-inf"},
                                  {.name = "high", .kind = LM_P_REAL, .doc = "the upper bound", .initial = "inf"},
                                  {0}};

static const lm_case cases[] = {
    {"2x3:apart", "low=-0.4 high=0.55"}, {"7x1x5:apart", "high=0.3"}, {"3x4:apart", "high=0.3"}, {0}};

const lm_op lm_op_clamp = {
    .name = "clamp",
    .doc = "low where x is below low, high where it is above high, else x.\n"
           "Any number; the result has the same dtype and shape. NaN stays NaN; the gradient is 0 outside the\n"
           "bounds and 1 on and within them.",
    .example = "tensor({ -2, 0.5, 7 }):clamp { low = 0, high = 1 }   --> [0. 0.5 1.]",
    .inputs = "x",
    .group = "elementwise",
    .params = params,
    .infer = lm_unary_infer_any,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_CLAMP,
    .cases = cases,
};
