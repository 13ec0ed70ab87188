/* neg.c: the opposite number. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  (void)c;
  lm_give(&h, lm_do1(&h, &lm_op_neg, grad_out[0]), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_neg = {
    .name = "neg",
    .doc = "-x, element by element.\n"
           "Any number; the result has the same dtype and shape. Integers wrap around: the opposite of the least\n"
           "int64 is itself.",
    .example = "-tensor { 1, -2 }   --> [-1. 2.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = lm_unary_infer_any,
    .forward = lm_unary_forward,
    .backward = backward,
    .twice = true,
    .kernel = LM_U_NEG,
    .cases = cases,
};
