/* hard_sigmoid.c: three straight pieces in place of the logistic function. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_float(c, 0, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *y = lm_do_number(&h, &lm_op_add, lm_do_number(&h, &lm_op_mul, c->in[0], c->p[0].r), 0.5);
  return lm_compound_end(&h, c, lm_do_with(&h, &lm_op_clamp, y, (lm_value[]){lm_real(0), lm_real(1)}));
}

static const lm_param params[] = {
    {.name = "slope", .kind = LM_P_REAL, .doc = "the slope at 0; 1/6 if absent", .initial = "0.16666666666666666"},
    {0}};

static const lm_case cases[] = {{"2x3:apart", ""}, {"7x1x5:apart", "slope=0.45"}, {0}};

const lm_op lm_op_hard_sigmoid = {
    .name = "hard_sigmoid",
    .doc = "x / 6 + 1/2 kept within 0 and 1, or with another slope: 0.2 in Courbariaux et al. 2015 and old Keras.\n"
           "float32 or float64; the result has the same dtype and shape.",
    .example = "tensor({ -4, 0, 1.5, 4 }):hard_sigmoid()   --> [0. 0.5 0.75 1.]",
    .inputs = "x",
    .group = "elementwise",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
