/* lerp.c: from one tensor to another. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) {
  lm_status status = LM_OK;
  for (int i = 0; i < 3 && status == LM_OK; i++) status = lm_need_float(c, i, e);
  return status;
}

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *step = lm_do2(&h, &lm_op_mul, c->in[2], lm_do2(&h, &lm_op_sub, c->in[1], c->in[0]));
  return lm_compound_end(&h, c, lm_do2(&h, &lm_op_add, c->in[0], step));
}

static const lm_case cases[] = {{"2x3; 2x3; scalar", ""}, {"2x1x4; 3x1; 4", ""}, {0}};

const lm_op lm_op_lerp = {
    .name = "lerp",
    .doc = "a + weight (b - a): a where the weight is 0, b where it is 1. The three shapes broadcast, and a number "
           "may stand\n"
           "for any: average:lerp(x, 0.01) is a running mean.",
    .example = "tensor({ 0, 10 }):lerp(tensor { 10, 20 }, 0.25)   --> [2.5 12.5]",
    .inputs = "a b weight",
    .group = "elementwise",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
