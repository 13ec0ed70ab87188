/* log.c: the natural logarithm. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_give(&h, lm_do2(&h, &lm_op_div, grad_out[0], c->in[0]), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:positive", ""}, {"7x1x5:positive", ""}, {0}};

const lm_op lm_op_log = {
    .name = "log",
    .doc = "The natural logarithm (see kernels/math.h).\n"
           "float32 or float64; the result has the same dtype and shape. -inf at 0, NaN below.\n"
           "Largest error 0.85 ULP in float32 (all inputs), 0.84 in float64 (2^32 drawn).",
    .example = "tensor({ 1, 10 }):log()   --> [0. 2.3025851]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_LOG,
    .cases = cases,
};
