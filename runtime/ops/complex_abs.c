/* complex_abs.c: absolute values of complex numbers. */
#include "ops.h"
#include "ops/core/complex.h"
#include "ops/core/norms.h"

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  const int64_t last = -1;
  const lm_value joined[] = {lm_list(1, &last), lm_int(false)};
  return lm_compound_end(&h, c, lm_do_norm(&h, c->in[0], 2, joined));
}

static const lm_case cases[] = {{"3x2", ""}, {"2x3x2", ""}, {0}};

const lm_op lm_op_complex_abs = {
    .name = "complex_abs",
    .doc = "The absolute values of a complex tensor (a real one whose last axis has size 2), sqrt(re^2 + im^2); that "
           "axis\n"
           "goes away. Where the value is 0 the gradient is taken as 0.",
    .example = "tensor({ { 3, 4 }, { 0, 2 } }):complex_abs()   --> [5. 2.]",
    .inputs = "x",
    .group = "fourier",
    .infer = lm_complex_infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
