/* lecun_tanh.c: the scaled hyperbolic tangent of LeNet. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_float(c, 0, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *y = lm_do1(&h, &lm_op_tanh, lm_do_number(&h, &lm_op_mul, c->in[0], 2.0 / 3));
  return lm_compound_end(&h, c, lm_do_number(&h, &lm_op_mul, y, 1.7159));
}

static const lm_case cases[] = {{"2x3", ""}, {"7x1x5", ""}, {0}};

const lm_op lm_op_lecun_tanh = {
    .name = "lecun_tanh",
    .doc = "1.7159 tanh(2 x / 3), which is 1 at 1 and -1 at -1 (LeCun et al. 1998, Efficient BackProp).\n"
           "float32 or float64; the result has the same dtype and shape.",
    .example = "tensor({ -1, 0, 0.5 }):lecun_tanh()   --> [-0.9999972 0. 0.5516837]",
    .inputs = "x",
    .group = "elementwise",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
