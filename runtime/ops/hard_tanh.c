/* hard_tanh.c: the tangent's three straight pieces. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_float(c, 0, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  return lm_compound_end(&h, c, lm_do_with(&h, &lm_op_clamp, c->in[0], (lm_value[]){lm_real(-1), lm_real(1)}));
}

static const lm_case cases[] = {{"2x3:apart", ""}, {"4x5:apart", ""}, {0}};

const lm_op lm_op_hard_tanh = {
    .name = "hard_tanh",
    .doc = "x kept within -1 and 1 (Collobert 2004).\n"
           "float32 or float64; the result has the same dtype and shape.",
    .example = "tensor({ -2, 0.5, 2 }):hard_tanh()   --> [-1. 0.5 1.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
