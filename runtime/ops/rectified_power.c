/* rectified_power.c: the rectifier raised to a power. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_float(c, 0, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *y = lm_do1(&h, &lm_op_relu, c->in[0]);
  return lm_compound_end(&h, c, lm_do_number(&h, &lm_op_pow, y, c->p[0].r));
}

static const lm_param params[] = {
    {.name = "n", .kind = LM_P_REAL, .doc = "the exponent", .initial = "2", .low = 1e-6, .high = 1e6}, {0}};

static const lm_case cases[] = {{"2x3:apart", ""}, {"7x1x5:apart", "n=3.5"}, {"3x4:positive", "n=0.5"}, {0}};

const lm_op lm_op_rectified_power = {
    .name = "rectified_power",
    .doc =
        "max(x, 0) to the power n: how a cortical cell's rate grows with its potential (Heeger 1992; Miller &\n"
        "Troyer 2002). float32 or float64; the result has the same dtype and shape. The gradient is 0 below and at "
        "0.",
    .example = "drive = tensor { -1, 0.5, 2 }\n"
               "drive:rectified_power { n = 2 }   --> [0. 0.25 4.]",
    .inputs = "x",
    .group = "elementwise",
    .params = params,
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
