/* erfc.c: the complementary error function. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *bell = lm_do1(&h, &lm_op_exp, lm_do1(&h, &lm_op_neg, lm_do1(&h, &lm_op_square, c->in[0])));
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], lm_do_number(&h, &lm_op_mul, bell, -1.12837916709551257390)), NULL,
          &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_erfc = {
    .name = "erfc",
    .doc = "1 - erf(x) = 2/sqrt(pi) times the integral of e^(-t^2) from x on, also where it is tiny.\n"
           "float32 or float64; the result has the same dtype and shape.\n"
           "Largest error 0.51 ULP in float32 (every 101st input), 1.8 in float64 (10^7 drawn).",
    .example = "tensor({ 0, 3 }):erfc()   --> [1.0000000e+00 2.2090497e-05]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_ERFC,
    .cases = cases,
};
