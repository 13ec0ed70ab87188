/* silu.c: the sigmoid linear unit. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *s = lm_do1(&h, &lm_op_sigmoid, c->in[0]);
  lm_tensor *rest = lm_do_number(&h, &lm_op_add, lm_do1(&h, &lm_op_neg, s), 1);
  lm_tensor *slope = lm_do2(&h, &lm_op_add, s, lm_do2(&h, &lm_op_mul, c->out[0], rest)); /* s + x s (1 - s) */
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], slope), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_silu = {
    .name = "silu",
    .doc = "x * sigmoid(x) (Elfwing et al., Neural Networks 2018).\n"
           "float32 or float64; the result has the same dtype and shape.\n"
           "Largest error 1.2 ULP in float32 (every 101st input), 0.85 in float64 (10^7 drawn).",
    .example = "tensor({ -1, 0, 1 }):silu()   --> [-0.26894143 0. 0.7310586]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .kernel = LM_U_SILU,
    .cases = cases,
};
