/* relu6.c: the rectifier with a ceiling of 6. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_float(c, 0, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  return lm_compound_end(&h, c, lm_do_with(&h, &lm_op_clamp, c->in[0], (lm_value[]){lm_real(0), lm_real(6)}));
}

static const lm_case cases[] = {{"2x3:apart", ""}, {"4x5:apart", ""}, {0}};

const lm_op lm_op_relu6 = {
    .name = "relu6",
    .doc = "x kept within 0 and 6 (Krizhevsky 2010, Convolutional Deep Belief Networks on CIFAR-10).\n"
           "float32 or float64; the result has the same dtype and shape.",
    .example = "tensor({ -1, 3, 9 }):relu6()   --> [0. 3. 6.]",
    .inputs = "x",
    .group = "elementwise",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
