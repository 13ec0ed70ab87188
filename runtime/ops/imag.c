/* imag.c: the imaginary parts of complex numbers. */
#include "ops.h"
#include "ops/core/complex.h"

static lm_status forward(lm_call *c, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  return lm_compound_end(&h, c, lm_do_imag(&h, c->in[0]));
}

static const lm_case cases[] = {{"3x2", ""}, {"2x3x2", ""}, {0}};

const lm_op lm_op_imag = {
    .name = "imag",
    .doc = "The imaginary parts of a complex tensor (a real one whose last axis has size 2); that axis goes away. A "
           "view.",
    .example = "tensor({ { 1, 2 }, { 3, 4 } }):imag()   --> [2. 4.]",
    .inputs = "x",
    .group = "fourier",
    .infer = lm_complex_infer,
    .forward = forward,
    .compound = true,
    .twice = true,
    .cases = cases,
};
