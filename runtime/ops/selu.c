/* selu.c: the self-normalising exponential linear unit. */
#include "ops.h"
#include "ops/core/compose.h"

static lm_status infer(lm_call *c, lm_err *e) { return lm_need_float(c, 0, e); }

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_value alpha[] = {lm_real(1.6732632423543772848170429916717)};
  lm_tensor *y = lm_do_with(&h, &lm_op_elu, c->in[0], alpha);
  return lm_compound_end(&h, c, lm_do_number(&h, &lm_op_mul, y, 1.0507009873554804934193349852946));
}

static const lm_case cases[] = {{"2x3:apart", ""}, {"7x1x5:apart", ""}, {0}};

const lm_op lm_op_selu = {
    .name = "selu",
    .doc =
        "1.0507 x where x is above 0, else 1.0507 * 1.6733 (e^x - 1): elu with the two constants (in full\n"
        "1.0507009873554805 and 1.6732632423543772) that keep a mean of 0 and a variance of 1 from layer to layer\n"
        "(Klambauer et al., NIPS 2017). float32 or float64; the result has the same dtype and shape.",
    .example = "tensor({ -1, 0, 1 }):selu()   --> [-1.1113307 0. 1.050701]",
    .inputs = "x",
    .group = "elementwise",
    .infer = infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
