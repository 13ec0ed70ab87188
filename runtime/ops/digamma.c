/* digamma.c: the derivative of lgamma. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], lm_do1(&h, &lm_op_trigamma, c->in[0])), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:positive", ""}, {"7x1x5:positive", ""}, {0}};

const lm_op lm_op_digamma = {
    .name = "digamma",
    .doc = "The logarithmic derivative of the gamma function. NaN at 0 and the negative whole numbers.\n"
           "Its gradient is trigamma.\n"
           "float32 or float64; the result has the same dtype and shape.\n"
           "Largest error 0.51 ULP in float32 (every 101st input), 1.1 in float64 (10^7 drawn),\n"
           "of the larger of 1 and the result.",
    .example = "tensor({ 1, 2 }):digamma()   --> [-0.5772157 0.42278433]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_DIGAMMA,
    .cases = cases,
};
