/* softsign.c: a sigmoid that saturates slowly. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *size = lm_do_number(&h, &lm_op_add, lm_do1(&h, &lm_op_abs, c->in[0]), 1);
  lm_tensor *slope = lm_do1(&h, &lm_op_square, lm_do1(&h, &lm_op_reciprocal, size));
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], slope), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3:apart", ""}, {"7x1x5:apart", ""}, {0}};

const lm_op lm_op_softsign = {
    .name = "softsign",
    .doc = "x / (1 + |x|), which goes to -1 and 1 (Bergstra et al. 2009; Glorot & Bengio 2010).\n"
           "float32 or float64; the result has the same dtype and shape.",
    .example = "tensor({ -1, 0, 3 }):softsign()   --> [-0.5 0. 0.75]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_SOFTSIGN,
    .cases = cases,
};
