/* log1p.c: log(1 + x). */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *more = lm_do_number(&h, &lm_op_add, c->in[0], 1);
  lm_give(&h, lm_do2(&h, &lm_op_div, grad_out[0], more), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:unit", ""}, {"7x1x5:unit", ""}, {0}};

const lm_op lm_op_log1p = {
    .name = "log1p",
    .doc = "log(1 + x), accurate for small x (see kernels/math.h).\n"
           "float32 or float64; the result has the same dtype and shape. -inf at -1, NaN below.\n"
           "Largest error 1.43 ULP in float32 (all inputs), 1.41 in float64 (2^32 drawn).",
    .example = "counts = tensor { 0, 9 }\n"
               "counts:log1p()   --> [0. 2.3025851]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_LOG1P,
    .cases = cases,
};
