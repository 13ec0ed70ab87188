/* square.c: the square. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *slope = lm_do_number(&h, &lm_op_mul, c->in[0], 2);
  lm_give(&h, lm_do2(&h, &lm_op_mul, grad_out[0], slope), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_square = {
    .name = "square",
    .doc = "x * x, element by element, rounded once.\n"
           "Any number; the result has the same dtype and shape. Integers wrap around.",
    .example = "tensor({ -3, 2 }):square()   --> [9. 4.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer_any,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .twice = true,
    .kernel = LM_U_SQUARE,
    .cases = cases,
};
