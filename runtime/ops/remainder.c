/* remainder.c: NumPy's and PyTorch's name of mod. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status forward(lm_call *c, lm_err *e) { return lm_apply(&lm_op_mod, 2, c->in, NULL, &c->out[0], e); }

static const lm_case cases[] = {{"2x3; 2x3:positive", ""}, {"2x1x4; 3x1:positive", ""}, {0}};

const lm_op lm_op_remainder = {
    .name = "remainder",
    .doc = "mod under the name that NumPy and PyTorch give it: a - floor(a / b) * b, exactly, with the sign of b.",
    .example = "tensor({ 370, -10 }):remainder(360)   --> [10. 350.]",
    .inputs = "a b",
    .group = "elementwise",
    .infer = lm_infer_inside,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
