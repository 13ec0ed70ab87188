/* exp2.c: two to a power. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], lm_do_number(&h, &lm_op_mul, c->out[0], 0.69314718055994530942)),
          NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_exp2 = {
    .name = "exp2",
    .doc = "2 to the power x; exact for whole numbers.\n"
           "float32 or float64; the result has the same dtype and shape.\n"
           "Largest error 0.51 ULP in float32 (every 101st input), 0.78 in float64 (10^7 drawn).",
    .example = "tensor({ 0, 1, 10 }):exp2()   --> [1. 2. 1024.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_out = 1,
    .twice = true,
    .kernel = LM_U_EXP2,
    .cases = cases,
};
